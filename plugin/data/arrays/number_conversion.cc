#include "plugin/data/arrays/number_conversion.h"

#include <cmath>
#include <limits>
#include <type_traits>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/visit_type.h"

namespace strop {
namespace {

template <typename From, typename To>
bool Survives(From from, To to, NonFinite non_finite) {
  using FromCompute = ComputeType<From>;
  using ToCompute = ComputeType<To>;
  const auto source = static_cast<FromCompute>(from);
  const auto result = static_cast<ToCompute>(to);
  if constexpr (std::is_floating_point_v<FromCompute>) {
    if (!std::isfinite(source)) {
      return non_finite == NonFinite::kKeep && std::is_floating_point_v<ToCompute>;
    }
  }
  if constexpr (std::is_floating_point_v<ToCompute>) {
    return std::isfinite(result);
  } else {
    return static_cast<long double>(source) == static_cast<long double>(result);
  }
}

template <typename To, typename From>
To ConvertedNumber(From from) {
  using FromCompute = ComputeType<From>;
  using ToCompute = ComputeType<To>;
  const auto source = static_cast<FromCompute>(from);
  if constexpr (std::is_floating_point_v<FromCompute> && !std::is_floating_point_v<ToCompute>) {
    // Outside the range the conversion is undefined.
    constexpr auto kLow = static_cast<FromCompute>(std::numeric_limits<ToCompute>::lowest());
    const auto high = std::ldexp(FromCompute{1}, std::numeric_limits<ToCompute>::digits);
    if (!(source >= kLow && source < high)) return To{};
  }
  return static_cast<To>(static_cast<ToCompute>(source));
}

}  // namespace

absl::StatusOr<int64_t> ConvertNumbers(const Tensor& from, Tensor& to, int64_t count,
                                       NonFinite non_finite) {
  int64_t bad = -1;
  const absl::Status status =
      VisitNumeric(from.type(), "data", [&]<typename From>() -> absl::Status {
        return VisitNumeric(to.type(), "data", [&]<typename To>() -> absl::Status {
          const From* source = static_cast<const From*>(from.data());
          To* result = static_cast<To*>(to.mutable_data());
          for (int64_t i = 0; i < count; ++i) {
            result[i] = ConvertedNumber<To>(source[i]);
            if (bad < 0 && !Survives(source[i], result[i], non_finite)) bad = i;
          }
          return absl::OkStatus();
        });
      });
  if (!status.ok()) return status;
  return bad;
}

std::string NumberName(const Tensor& tensor, int64_t index) {
  std::string name;
  const absl::Status status =
      VisitNumeric(tensor.type(), "data", [&]<typename T>() -> absl::Status {
        name =
            absl::StrCat(static_cast<ComputeType<T>>(static_cast<const T*>(tensor.data())[index]));
        return absl::OkStatus();
      });
  return status.ok() ? name : "";
}

absl::StatusOr<Tensor> ConvertExactly(const Tensor& tensor, DataType type,
                                      const std::string& label) {
  if (tensor.type() == type) return tensor;
  Tensor converted(type, tensor.shape());
  const absl::StatusOr<int64_t> bad =
      ConvertNumbers(tensor, converted, tensor.element_count(), NonFinite::kKeep);
  if (bad.ok() && *bad < 0) return converted;
  const std::string found =
      bad.ok() ? NumberName(tensor, *bad) : std::string(DataTypeName(tensor.type()));
  return absl::InvalidArgumentError(absl::StrCat(label, ": found ", found, ", expected ",
                                                 std::string(DataTypeName(type)),
                                                 "; convert the array before"));
}

}  // namespace strop
