#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/data/open_data.h"

namespace strop {

// Data that a program has itself, in place of a file: arrays, or samples that it reads as they are
// wanted.
struct GivenData {
  std::string origin = "arrays";    // what messages call them
  std::vector<NamedTensor> arrays;  // [samples, …] by the names of inputs, and kTargetField

  // Of samples that are read, without arrays:
  int64_t sample_count = 0;
  std::vector<DataField> fields;
  // As DataSource::Read, on the thread that wants them, one call at a time.
  std::function<absl::Status(absl::Span<const int64_t> indices, absl::Span<Tensor> batch)> read;
};

// Opens them as OpenData does the arrays of a .npz, with the same pictures, targets, options and
// refusals. What `read` fails with comes out of DataSource::Read. InvalidArgument besides for a name
// that comes twice.
absl::StatusOr<std::unique_ptr<DataSource>> OpenGiven(const GivenData& data,
                                                      const std::vector<InputInterface>& inputs,
                                                      const DataOptions& options);

}  // namespace strop
