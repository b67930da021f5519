#pragma once

#include <string_view>

namespace strop {

// Operators of ONNX and of ONNX Runtime that read or make rounded numbers, by their names with or
// without a domain.
bool IsQuantizedOperator(std::string_view name);

}  // namespace strop
