#pragma once

#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "plugin/data/images/image_transform.h"
#include "plugin/data/model_binding.h"
#include "plugin/data/random_draws.h"
#include "plugin/training/graph/loss.h"

namespace strop {

// Mixing of the samples of a batch with their neighbours. With both alphas each batch is mixed one
// way or the other, at even odds.
struct MixOptions {
  double mixup_alpha = 0;             // Zhang et al., "mixup" (2018); 0: off
  double cutmix_alpha = 0;            // Yun et al., "CutMix" (2019); 0: off
  std::optional<ImageLayout> layout;  // of cutmix's images; absent: as the model's input has them

  bool are_default() const { return mixup_alpha == 0 && cutmix_alpha == 0; }
};

// λ of Beta(alpha, alpha).
double DrawMixingShare(RandomDraws& draws, double alpha);

// Mixes batches as torchvision does: with the batch rolled by one along the samples, one λ a batch,
//   mixup   x = λ·x + (1 − λ)·rolled x
//   cutmix  a box of 1 − λ of the image is the rolled one's; λ becomes the share that is left
// and in both the targets, as class probabilities, λ·t + (1 − λ)·rolled t. Not thread-safe.
class BatchMixer {
 public:
  // `target` is what the data are bound to, `step_target` what the step takes: class probabilities
  // [N, classes], or what binary_cross_entropy takes [N, …] of rank 1 or 2. InvalidArgument for a
  // loss, inputs or targets that cannot be mixed.
  static absl::StatusOr<BatchMixer> Create(const MixOptions& options, uint64_t seed, LossKind loss,
                                           const std::vector<InputInterface>& inputs,
                                           const TargetInterface& target,
                                           const TensorType& step_target);

  // A batch of the bound data, its target last, as the step takes it: a function of the batch, the
  // seed and the number of the batch in the run. `batch` itself without mixing; otherwise valid
  // until the next call. InvalidArgument for a label that is ignored.
  absl::StatusOr<absl::Span<const Tensor>> Mix(absl::Span<const Tensor> batch, int64_t number);

 private:
  absl::StatusOr<Tensor> Probabilities(const Tensor& target) const;

  MixOptions options_;
  uint64_t seed_ = 0;
  TargetInterface target_;
  TensorType step_target_;
  bool is_channels_first_ = true;  // of cutmix's images
  std::vector<Tensor> mixed_;
};

}  // namespace strop
