#include "ops/training/loss_target.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/parallel_for.h"

namespace strop {
namespace {

// "row 5", and with it where in the row: "row 5 (element [5,3])".
std::string PositionName(absl::Span<const int64_t> shape, int64_t position) {
  const Shape strides = DenseStrides(shape);
  Shape coordinates;
  for (size_t i = 0; i < shape.size(); ++i) {
    coordinates.push_back(position / strides[i] % shape[i]);
  }
  if (coordinates.empty()) return "row 0";
  const std::string row = absl::StrCat("row ", coordinates[0]);
  return shape.size() == 1 ? row : absl::StrCat(row, " (element ", ShapeName(coordinates), ")");
}

absl::Status LabelError(const Node& node, absl::Span<const int64_t> shape, int64_t position,
                        const std::string& label, int64_t classes,
                        std::optional<int64_t> ignore_index) {
  return absl::InvalidArgumentError(absl::StrCat(
      NodeLabel(node), ": ", PositionName(shape, position), " has label ", label,
      ", expected a class from 0 to ", classes - 1,
      ignore_index.has_value() ? absl::StrCat(" (or ", *ignore_index, " to ignore the row)") : "",
      "; check the labels and the model's number of classes"));
}

// False for what is no whole number that int64_t holds.
template <typename Number>
bool ToInteger(Number label, int64_t& integer) {
  if constexpr (std::is_same_v<Number, uint64_t>) {
    if (label > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) return false;
  } else if constexpr (std::is_floating_point_v<Number>) {
    if (!(std::abs(label) < Number{9e18}) || label != std::floor(label)) return false;
  }
  integer = static_cast<int64_t>(label);
  return true;
}

}  // namespace

absl::Status ReadClassLabels(const Node& node, DataType type, const void* labels,
                             absl::Span<const int64_t> shape, int64_t classes,
                             std::optional<int64_t> ignore_index, absl::Span<int64_t> indices) {
  return VisitNumeric(type, "a class label", [&]<typename T>() {
    const T* elements = static_cast<const T*>(labels);
    for (size_t i = 0; i < indices.size(); ++i) {
      const auto number = static_cast<ComputeType<T>>(elements[i]);
      int64_t label = 0;
      if (!ToInteger(number, label)) {
        return LabelError(node, shape, static_cast<int64_t>(i), absl::StrCat(number), classes,
                          ignore_index);
      }
      if (ignore_index.has_value() && label == *ignore_index) {
        indices[i] = kIgnoredLabel;
        continue;
      }
      if (label < 0 || label >= classes) {
        return LabelError(node, shape, static_cast<int64_t>(i), absl::StrCat(label), classes,
                          ignore_index);
      }
      indices[i] = label;
    }
    return absl::OkStatus();
  });
}

template <typename Number>
absl::Status ReadNumbers(DataType type, const void* source, absl::Span<Number> numbers) {
  return VisitNumeric(type, "a loss", [&]<typename T>() {
    const T* elements = static_cast<const T*>(source);
    ParallelFor(static_cast<int64_t>(numbers.size()), kElementwiseGrain,
                [&](int64_t begin, int64_t end) {
                  for (int64_t i = begin; i < end; ++i) {
                    numbers[static_cast<size_t>(i)] =
                        static_cast<Number>(static_cast<ComputeType<T>>(elements[i]));
                  }
                });
    return absl::OkStatus();
  });
}

template absl::Status ReadNumbers<float>(DataType, const void*, absl::Span<float>);
template absl::Status ReadNumbers<double>(DataType, const void*, absl::Span<double>);

}  // namespace strop
