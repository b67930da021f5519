#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plugin/operations/operation.h"

namespace strop {

inline constexpr OperationTitle kOps = {
    "ops", "Every ONNX operator: forward and gradient support, opsets"};

// What Strop does with one of ONNX's operators.
struct OpSupport {
  enum class Forward {
    kKernel,    // has an operator of its own
    kFunction,  // runs as the function body that ONNX's schema gives
    kNone,
  };
  struct Input {
    std::string name;
    // "yes", "no": the function is constant in it, or it is no number; "missing": an error when
    // it is needed; "body": as the operators of the function body
    std::string gradient;
  };
  std::string name;
  std::vector<int> versions;  // opsets that changed its meaning, ascending
  Forward forward = Forward::kNone;
  std::vector<Input> inputs;  // of the newest version
};

// Every operator of ONNX's own domain that the newest opset has, by name.
std::vector<OpSupport> ListOpSupport();

// "yes", "body", "no"
std::string ForwardName(OpSupport::Forward forward);

nlohmann::ordered_json ToJson(const std::vector<OpSupport>& table);

Operation OpsOperation();

}  // namespace strop
