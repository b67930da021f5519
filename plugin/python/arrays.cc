#include "plugin/python/arrays.h"

#include <nanobind/stl/string.h>

#include <cstdint>
#include <utility>

namespace strop {
namespace {

namespace nb = nanobind;
using Code = nb::dlpack::dtype_code;

struct ElementType {
  strop_type type;
  const char* name;
  Code code;
  uint8_t bits;
};

constexpr ElementType kElementTypes[] = {
    {STROP_FLOAT32, "float32", Code::Float, 32}, {STROP_FLOAT64, "float64", Code::Float, 64},
    {STROP_FLOAT16, "float16", Code::Float, 16}, {STROP_BFLOAT16, "bfloat16", Code::Bfloat, 16},
    {STROP_BOOL, "bool", Code::Bool, 8},         {STROP_INT8, "int8", Code::Int, 8},
    {STROP_INT16, "int16", Code::Int, 16},       {STROP_INT32, "int32", Code::Int, 32},
    {STROP_INT64, "int64", Code::Int, 64},       {STROP_UINT8, "uint8", Code::UInt, 8},
    {STROP_UINT16, "uint16", Code::UInt, 16},    {STROP_UINT32, "uint32", Code::UInt, 32},
    {STROP_UINT64, "uint64", Code::UInt, 64},
};

std::string Str(nb::handle value) { return nb::cast<std::string>(nb::str(value)); }

// "list", or of an array "array of object".
std::string KindOf(nb::handle value) {
  if (nb::hasattr(value, "dtype")) return "an array of " + Str(value.attr("dtype"));
  return "a " + Str(value.type().attr("__name__"));
}

nb::dlpack::dtype DlpackTypeOf(strop_type type) {
  // NumPy itself has no bfloat16: its bits.
  if (type == STROP_BFLOAT16) type = STROP_UINT16;
  for (const ElementType& known : kElementTypes) {
    if (known.type == type) return {static_cast<uint8_t>(known.code), known.bits, 1};
  }
  throw nb::type_error("found a tensor of strings, expected numbers");
}

// NumPy's arrays of ml_dtypes.bfloat16 show neither a buffer nor DLPack.
bool IsBfloat16OfNumpy(nb::handle value) {
  return nb::hasattr(value, "view") && nb::hasattr(value, "dtype") &&
         Str(value.attr("dtype")) == "bfloat16";
}

}  // namespace

std::string NameOf(strop_type type) {
  for (const ElementType& known : kElementTypes) {
    if (known.type == type) return known.name;
  }
  return "string";
}

std::string TextOf(const TensorView& view) {
  std::string text = NameOf(view.type()) + " of [";
  for (size_t i = 0; i < view.shape().size(); ++i) {
    text += (i > 0 ? ", " : "") + std::to_string(view.shape()[i]);
  }
  return text + "]";
}

strop_type TypeNamed(std::string_view name) {
  for (const ElementType& known : kElementTypes) {
    if (known.name == name) return known.type;
  }
  throw nb::type_error(
      ("found the type \"" + std::string(name) + "\", expected one of numbers, as \"float32\"")
          .c_str());
}

TensorView ViewOf(const std::string& name, nb::handle value, std::vector<Array>& kept) {
  if (IsBfloat16OfNumpy(value)) {
    const nb::object bits = value.attr("view")("uint16");
    const TensorView view = ViewOf(name, bits, kept);
    return TensorView(name, STROP_BFLOAT16, view.data(), view.shape());
  }
  Array array;
  const bool is_array = nb::try_cast<Array>(value, array);
  PyErr_Clear();  // why one way in was closed
  for (const ElementType& known : kElementTypes) {
    if (!is_array) break;
    const nb::dlpack::dtype type = array.dtype();
    if (type.code != static_cast<uint8_t>(known.code) || type.bits != known.bits) continue;
    if (type.lanes != 1) break;
    kept.push_back(array);
    return TensorView(name, known.type, array.data(),
                      Shape(array.shape_ptr(), array.shape_ptr() + array.ndim()));
  }
  throw nb::type_error(("array \"" + name + "\": found " + KindOf(value) +
                        ", expected a dense array of numbers or booleans in memory of the CPU")
                           .c_str());
}

NamedArrays ArraysOf(const nb::dict& arrays) {
  NamedArrays named;
  for (const auto& [name, value] : arrays) {
    named.views.push_back(ViewOf(nb::cast<std::string>(name), value, named.kept));
  }
  return named;
}

NumpyArray GiveArray(const Tensor& tensor) {
  auto owned = std::make_unique<Tensor>(tensor);
  const nb::capsule owner(owned.get(),
                          [](void* kept) noexcept { delete static_cast<Tensor*>(kept); });
  const Tensor& element_owner = *owned.release();
  const std::vector<size_t> shape(tensor.shape().begin(), tensor.shape().end());
  NumpyArray array = nb::borrow<NumpyArray>(
      nb::cast(nb::ndarray<nb::numpy>(const_cast<void*>(element_owner.data()), shape.size(),
                                      shape.data(), owner, nullptr, DlpackTypeOf(tensor.type()))));
  if (tensor.type() != STROP_BFLOAT16) return array;
  try {
    return nb::borrow<NumpyArray>(
        array.attr("view")(nb::module_::import_("ml_dtypes").attr("bfloat16")));
  } catch (nb::python_error& missing) {
    if (!missing.matches(PyExc_ImportError)) throw;
    return array;
  }
}

NumpyArrays GiveArrays(const Tensors& tensors) {
  NumpyArrays arrays;
  for (const Tensor& tensor : tensors) {
    arrays[nb::str(tensor.name().c_str(), tensor.name().size())] = GiveArray(tensor);
  }
  return arrays;
}

}  // namespace strop
