#include "importer/quantized_operator.h"

#include <algorithm>

namespace strop {

bool IsQuantizedOperator(std::string_view name) {
  constexpr std::string_view kNames[] = {
      "QuantizeLinear", "DequantizeLinear", "ConvInteger", "DynamicQuantizeLinear",
      "MatMulInteger",  "MatMulNBits",      "QGemm",       "GatherBlockQuantized"};
  const std::string_view plain = name.substr(name.rfind('.') + 1);  // npos + 1 is 0
  return std::find(std::begin(kNames), std::end(kNames), plain) != std::end(kNames) ||
         plain.starts_with("QLinear");
}

}  // namespace strop
