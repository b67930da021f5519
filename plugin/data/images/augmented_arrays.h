#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/data_source.h"
#include "plugin/data/images/image_transform.h"
#include "plugin/data/model_binding.h"

namespace strop {

// Arrays of pictures, for a model with one input, that ReadAugmented changes in the numbers they
// hold: float32, float64 (computed in float32) or uint8. What comes from outside is 0; what is
// erased is the mean that `images` subtract afterwards. `source` itself without augmentation.
// InvalidArgument when the samples are no pictures, or when colours are to change and the picture
// has neither 1 nor 3 channels. Reading refuses colours of floating pixels outside [0, 1].
absl::StatusOr<std::unique_ptr<DataSource>> AugmentArrays(std::unique_ptr<DataSource> source,
                                                          const std::vector<InputInterface>& inputs,
                                                          const ImageOptions& images,
                                                          const AugmentationOptions& augmentation);

// InvalidArgument for pictures whose colours cannot change: neither grey nor red, green and blue.
absl::Status CheckColorChannels(const std::string& origin, int64_t channels);

}  // namespace strop
