#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor.h"
#include "plugin/data/arrays/npz.h"
#include "strop/strop.h"

// Tensors that a call gave out, and how C sees them.
struct strop_tensors {
  std::vector<strop::NamedTensor> tensors;
  std::vector<strop_tensor> views;
};

struct strop_bytes {
  std::string bytes;
};

namespace strop {

enum class Elements {
  kCopied,
  // Read where they lie, which they have to stay; copied all the same where their address does not
  // suit their type, and booleans, of which memory may hold others than 0 and 1.
  kBorrowed,
};

// The element type of that number. UsageError for what no tensor here has: strings, and types that
// are not in strop_type. `what` begins the message: "tensor \"x\"". A reference, since C may have
// any number there, which C++ may not load as a strop_type.
absl::StatusOr<DataType> TakeType(const strop_type& type, const std::string& what);

// The dimensions, none of them negative, and the bytes of all together a number. UsageError
// otherwise.
absl::StatusOr<Shape> TakeShape(size_t rank, const int64_t* shape, const std::string& what);

// The caller's tensors, looked at from all sides. UsageError for no name, what the two above
// refuse, and elements that are nowhere. `what` is what the parameter is called.
absl::StatusOr<std::vector<NamedTensor>> TakeTensors(const strop_tensor* tensors, size_t count,
                                                     const std::string& what, Elements elements);

// Makes 1 of every byte that is not 0, in booleans that C wrote.
void MakeTruthValues(Tensor& booleans);

// A handle for the caller. The tensors have numbers as elements.
strop_tensors* GiveTensors(std::vector<NamedTensor> tensors);
strop_bytes* GiveBytes(std::string bytes);
// What is no UTF-8 in names of a model is replaced, as --json does.
strop_bytes* GiveJson(const nlohmann::ordered_json& json);

}  // namespace strop
