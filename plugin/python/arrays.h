#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <string>
#include <string_view>
#include <vector>

#include "plugin/python/types.h"
#include "strop/strop.hpp"

namespace strop {

// A dense array in memory of the CPU, by the buffer protocol or DLPack.
using Array = nanobind::ndarray<nanobind::ro, nanobind::c_contig, nanobind::device::cpu>;

// Arrays that a program gave by name, and what keeps their elements.
struct NamedArrays {
  std::vector<Array> kept;
  std::vector<TensorView> views;
};

// ONNX's element types as NumPy calls them: "float32", "bool", …; "bfloat16" and "string" besides.
std::string NameOf(strop_type type);
// "float32 of [8, 3]"
std::string TextOf(const TensorView& view);
// TypeError for a name that none has.
strop_type TypeNamed(std::string_view name);

// An array whose elements are read where they lie; copied only where they do not lie row by row.
// TypeError for anything else than an array of numbers or booleans, with `name` in its words.
TensorView ViewOf(const std::string& name, nanobind::handle value, std::vector<Array>& kept);
// {name: array}
NamedArrays ArraysOf(const nanobind::dict& arrays);

// A NumPy array of the tensor's own elements, which live as long as the array. bfloat16 is
// ml_dtypes' type where that is installed, and else its bits as uint16.
NumpyArray GiveArray(const Tensor& tensor);
// {name: array}
NumpyArrays GiveArrays(const Tensors& tensors);

}  // namespace strop
