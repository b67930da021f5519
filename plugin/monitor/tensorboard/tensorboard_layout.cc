#include "plugin/monitor/tensorboard/tensorboard_layout.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "plugin/monitor/tags.h"

namespace strop {
namespace {

constexpr std::string_view kTrainTag = "train/";
constexpr std::string_view kEpochTag = "train/epoch_";
constexpr std::string_view kHistogramTags[] = {kWeightsOf, kGradientsOf, kActivationsOf};

bool IsOfLayer(std::string_view tag) {
  const auto begins = [tag](std::string_view kind) { return tag.starts_with(kind); };
  return std::any_of(std::begin(kLayerTags), std::end(kLayerTags), begins) ||
         std::any_of(std::begin(kHistogramTags), std::end(kHistogramTags), begins);
}

// `prefix` in the place of the first `count` letters. Slashes part the levels of names; those of
// PyTorch's nodes begin with one.
std::string Renamed(std::string_view prefix, std::string_view tag, size_t count) {
  return absl::StrReplaceAll(absl::StrCat(std::string(prefix), std::string(tag.substr(count))),
                             {{"//", "/"}});
}

}  // namespace

TensorBoardPlace TensorBoardPlaceOf(std::string_view tag) {
  if (tag.starts_with(kConfusionMatrixTag) || tag.starts_with(kWorstExamplesTag)) {
    return {"validation", Renamed("", tag, kValidationTag.size())};
  }
  if (tag.starts_with(kValidationTag)) {
    return {"validation", Renamed("epoch/", tag, kValidationTag.size())};
  }
  if (tag.starts_with(kEpochTag)) return {"train", Renamed("epoch/", tag, kEpochTag.size())};
  if (tag.starts_with(kTrainTag)) return {"train", Renamed("batch/", tag, kTrainTag.size())};
  return {"", Renamed(IsOfLayer(tag) ? "layer_" : "", tag, 0)};
}

}  // namespace strop
