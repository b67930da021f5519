#pragma once

#include <string>
#include <vector>

namespace strop {

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

}  // namespace strop
