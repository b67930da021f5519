#pragma once

#include <string>
#include <string_view>

namespace strop {

// Where TensorBoard shows what a run records. One quantity of training and of validation is one tag
// in two runs, `train` and `validation`, as Keras has it: TensorBoard lays these over one another.
// Groups of tags stand in the order of their names: batches and epochs come before layers.
//
//   train/loss               train        batch/loss
//   train/epoch_loss         train        epoch/loss
//   validation/loss          validation   epoch/loss
//   gradient_norm/conv1.w                 layer_gradient_norm/conv1.w
struct TensorBoardPlace {
  std::string run;  // folder in that of the run; empty: that one itself
  std::string tag;
};
TensorBoardPlace TensorBoardPlaceOf(std::string_view tag);

}  // namespace strop
