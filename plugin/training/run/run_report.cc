#include "plugin/training/run/run_report.h"

#include "absl/strings/str_cat.h"

namespace strop {

std::string DescribeWeights(const TrainingResult& result) {
  const int64_t epoch = result.weights_epoch.value_or(result.epochs);
  switch (result.weights) {
    case FinalWeights::kBest:
      return absl::StrCat("the weights of epoch ", epoch, ", the best of ", result.epochs);
    case FinalWeights::kAveraged:
      return absl::StrCat("the averaged weights of epoch ", epoch, ", the last");
    case FinalWeights::kLast:
    case FinalWeights::kNone:
      break;
  }
  if (epoch == 0) return "the weights that it came with";
  return absl::StrCat("the weights of epoch ", epoch, ", the last");
}

}  // namespace strop
