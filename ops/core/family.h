#pragma once

#include <string_view>
#include <vector>

#include "ops/core/op_definition.h"

namespace strop {

// The operators of one source file, under the file's name. A constant of this type at the end of
// the file puts them into the registry before main runs; nothing else names the file:
//
//   const RegisteredFamily kSoftmax = {"softmax", {…}};
struct RegisteredFamily : OpFamily {
  RegisteredFamily(std::string_view family, std::vector<OpDefinition> operators);
  RegisteredFamily(const RegisteredFamily&) = delete;
  RegisteredFamily& operator=(const RegisteredFamily&) = delete;
};

}  // namespace strop
