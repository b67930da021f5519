#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "graph/tensor.h"
#include "plugin/data/batch_reader.h"
#include "plugin/training/graph/loss.h"

namespace strop {

// What the mean loss of a batch is the quotient by, in units of one sample's positions that all
// count fully: with it the losses of batches make the loss of all their samples,
//   loss = Σ_b weight_b · loss_b / Σ_b weight_b
// For cross_entropy on labels the class weights of the labels that are not ignored, as in
// torch.nn.CrossEntropyLoss; for everything else the number of samples. Where samples have weights,
// each counts as often as its own says. `target` is the batch's [samples, …], with labels as int64;
// `sample_weights` [samples], empty for none.
double LossWeight(const LossOptions& options, const Tensor& target,
                  absl::Span<const double> sample_weights = {});

// InvalidArgument when nothing of the source counts, no label or no sample: a mean loss of nothing
// is no number. Reads targets and weights in batches until one counts. Errors as
// DataSource::Read's.
absl::Status CheckSamplesCount(const LossOptions& options, int64_t batch_size,
                               const DataSource& source, BatchReader& reader);

}  // namespace strop
