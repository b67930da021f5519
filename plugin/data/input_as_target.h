#pragma once

#include <memory>

#include "plugin/data/data_source.h"

namespace strop {

// `source` with the samples of its field `input` as the target, in the place of its own: what an
// autoencoder is trained for. An augmented sample is its own target.
std::unique_ptr<DataSource> InputAsTarget(std::unique_ptr<DataSource> source, size_t input);

}  // namespace strop
