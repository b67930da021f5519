#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "graph/tensor.h"
#include "plugin/data/batch_reader.h"
#include "plugin/training/graph/loss.h"

namespace strop {

// What the mean loss of a batch is the quotient by, in units of one sample's positions that all
// count fully: with it the losses of batches make the loss of all their samples,
//   loss = Σ_b weight_b · loss_b / Σ_b weight_b
// For cross_entropy on labels the class weights of the labels that are not ignored, as in
// torch.nn.CrossEntropyLoss; for everything else the number of samples. `target` is the batch's
// [samples, …], with labels as int64.
double LossWeight(const LossOptions& options, const Tensor& target);

// InvalidArgument when no label of the source counts: a mean loss of nothing is no number. Reads
// targets in batches until one counts. Errors as DataSource::Read's.
absl::Status CheckLabelsCount(const LossOptions& options, int64_t batch_size,
                              const DataSource& source, BatchReader& reader);

}  // namespace strop
