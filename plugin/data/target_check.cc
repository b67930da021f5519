#include "plugin/data/target_check.h"

#include <cmath>
#include <limits>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"

namespace strop {
namespace {

// How far the sum of probabilities that were rounded may be from 1.
constexpr double kSumTolerance = 1e-3;

TargetFault FindNoClass(const TargetInterface& interface, const Tensor& target, int64_t count) {
  const int64_t* labels = static_cast<const int64_t*>(target.data());
  for (int64_t i = 0; i < count; ++i) {
    const bool is_class = labels[i] >= 0 && labels[i] < interface.class_count;
    if (is_class || labels[i] == interface.ignore_index) continue;
    return {i, absl::StrCat("found ", labels[i], ", expected ", ExpectedClass(interface))};
  }
  return {};
}

template <typename T>
TargetFault FindNoShare(const T* shares, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const auto share = static_cast<double>(static_cast<ComputeType<T>>(shares[i]));
    if (share >= 0 && share <= 1) continue;
    return {i, absl::StrCat("found ", share,
                            ", expected a number from 0 to 1; class numbers are for --loss "
                            "cross_entropy, others for --loss mse")};
  }
  return {};
}

// What the probabilities of one position say wrong; empty when nothing.
template <typename T>
std::string ProblemOf(const T* first, int64_t classes, int64_t stride, bool has_other_axes) {
  double sum = 0;
  bool are_answers = true;  // yes or no
  for (int64_t c = 0; c < classes; ++c) {
    const auto share = static_cast<double>(static_cast<ComputeType<T>>(first[c * stride]));
    if (share < 0) {
      return absl::StrCat("found ", share,
                          ", expected class probabilities from 0 on; numbers to predict are for "
                          "--loss mse");
    }
    are_answers &= share == 0 || share == 1;
    sum += share;
  }
  if (std::abs(sum - 1) <= kSumTolerance) return "";
  const char* const advice = has_other_axes ? "see --class-axis"
                             : are_answers
                                 ? "several labels per sample are for --loss binary_cross_entropy"
                                 : "numbers to predict are for --loss mse";
  return absl::StrCat("found class probabilities that add up to ", sum, ", expected 1; ", advice);
}

template <typename T>
TargetFault FindImproper(const TargetInterface& interface, const Shape& sample, const T* shares,
                         int64_t count) {
  const auto axis = static_cast<size_t>(interface.class_axis);
  const int64_t classes = sample[axis];
  const int64_t inner = ElementCount(absl::MakeConstSpan(sample).subspan(axis + 1));
  for (int64_t outer = 0; outer < count; outer += classes * inner) {
    for (int64_t i = outer; i < outer + inner; ++i) {
      std::string problem = ProblemOf(shares + i, classes, inner, sample.size() > 1);
      if (!problem.empty()) return {i, std::move(problem)};
    }
  }
  return {};
}

}  // namespace

absl::StatusOr<TargetFault> FindTargetFault(const TargetInterface& interface, const Shape& sample,
                                            const Tensor& target, int64_t count) {
  using Kind = TargetInterface::Kind;
  if (count == 0) return TargetFault();
  if (interface.kind == Kind::kNone || interface.kind == Kind::kNumbers ||
      interface.kind == Kind::kAny) {
    return TargetFault();
  }
  if (interface.kind == Kind::kClasses) return FindNoClass(interface, target, count);
  TargetFault fault;
  const auto find = [&]<typename T>() {
    const T* shares = static_cast<const T*>(target.data());
    fault = interface.kind == Kind::kShares ? FindNoShare(shares, count)
                                            : FindImproper(interface, sample, shares, count);
    return absl::OkStatus();
  };
  const absl::Status status = VisitFloating(target.type(), "a target", find);
  if (!status.ok()) return status;
  return fault;
}

std::string ExpectedClass(const TargetInterface& interface) {
  if (interface.class_count == std::numeric_limits<int64_t>::max()) return "a class from 0 on";
  return absl::StrCat(
      "a class from 0 to ", interface.class_count - 1, " as the model's output has ",
      interface.class_count,
      interface.class_count == 1 ? "; one output is for --loss binary_cross_entropy" : "");
}

}  // namespace strop
