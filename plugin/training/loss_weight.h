#pragma once

#include <cstdint>

#include "graph/tensor.h"
#include "plugin/training/loss.h"

namespace strop {

// What the mean loss of a batch is the quotient by, in units of one sample's positions that all
// count fully: with it the losses of batches make the loss of all their samples,
//   loss = Σ_b weight_b · loss_b / Σ_b weight_b
// For cross_entropy on labels the class weights of the labels that are not ignored, as in
// torch.nn.CrossEntropyLoss; for everything else the number of samples. `target` is the batch's
// [samples, …], with labels as int64.
double LossWeight(const LossOptions& options, const Tensor& target);

}  // namespace strop
