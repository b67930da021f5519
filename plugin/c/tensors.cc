#include "plugin/c/tensors.h"

#include <cstdint>
#include <cstring>
#include <memory>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

constexpr size_t kMostAxes = 64;

bool IsAligned(const void* data, DataType type) {
  return reinterpret_cast<uintptr_t>(data) % BytesFor(type, 1) == 0;
}

Tensor CopyOf(DataType type, Shape shape, const void* data) {
  Tensor tensor(type, std::move(shape));
  if (tensor.bytes() > 0) std::memcpy(tensor.mutable_data(), data, tensor.bytes());
  if (type == DataType::kBool) MakeTruthValues(tensor);
  return tensor;
}

}  // namespace

void MakeTruthValues(Tensor& booleans) {
  auto* bytes = static_cast<unsigned char*>(booleans.mutable_data());
  for (size_t i = 0; i < booleans.bytes(); ++i) bytes[i] = bytes[i] != 0;
}

absl::StatusOr<DataType> TakeType(const strop_type& type, const std::string& what) {
  int32_t number = 0;
  static_assert(sizeof(number) == sizeof(type));
  std::memcpy(&number, &type, sizeof(number));
  switch (number) {
    case STROP_FLOAT32:
    case STROP_UINT8:
    case STROP_INT8:
    case STROP_UINT16:
    case STROP_INT16:
    case STROP_INT32:
    case STROP_INT64:
    case STROP_BOOL:
    case STROP_FLOAT16:
    case STROP_FLOAT64:
    case STROP_UINT32:
    case STROP_UINT64:
    case STROP_BFLOAT16:
      return static_cast<DataType>(number);
    default:
      return UsageError(
          absl::StrCat(what, ": found the type ", number, ", expected a strop_type of numbers"));
  }
}

absl::StatusOr<Shape> TakeShape(size_t rank, const int64_t* shape, const std::string& what) {
  if (rank > kMostAxes) {
    return UsageError(absl::StrCat(what, ": found ", rank, " axes, expected at most ", kMostAxes));
  }
  if (rank > 0 && shape == nullptr) {
    return UsageError(absl::StrCat(what, ": found NULL as its shape, expected ", rank,
                                   rank == 1 ? " number" : " numbers"));
  }
  Shape taken(shape, shape + rank);
  const absl::Status status = CheckedElementCount(taken).status();
  if (!status.ok()) return UsageError(absl::StrCat(what, ": ", std::string(status.message())));
  return taken;
}

absl::StatusOr<std::vector<NamedTensor>> TakeTensors(const strop_tensor* tensors, size_t count,
                                                     const std::string& what, Elements elements) {
  if (count > 0 && tensors == nullptr) {
    return UsageError(absl::StrCat("call: found NULL as \"", what, "\", expected ", count,
                                   count == 1 ? " tensor" : " tensors"));
  }
  std::vector<NamedTensor> taken;
  taken.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const strop_tensor& tensor = tensors[i];
    if (tensor.name == nullptr) {
      return UsageError(
          absl::StrCat("call: ", what, "[", i, "]: found NULL as its name, expected a name"));
    }
    const std::string which = absl::StrCat("call: ", what, " \"", tensor.name, "\"");
    STROP_ASSIGN_OR_RETURN(const DataType type, TakeType(tensor.type, which));
    STROP_ASSIGN_OR_RETURN(Shape shape, TakeShape(tensor.rank, tensor.shape, which));
    const int64_t element_count = ElementCount(shape);
    if (element_count > 0 && tensor.data == nullptr) {
      return UsageError(absl::StrCat(which, ": found NULL as its data, expected ", element_count,
                                     " elements of ", std::string(DataTypeName(type))));
    }
    const bool is_borrowed = elements == Elements::kBorrowed && element_count > 0 &&
                             type != DataType::kBool && IsAligned(tensor.data, type);
    taken.push_back({tensor.name, is_borrowed ? Tensor::Borrow(type, shape, tensor.data, nullptr)
                                              : CopyOf(type, shape, tensor.data)});
  }
  return taken;
}

strop_tensors* GiveTensors(std::vector<NamedTensor> tensors) {
  auto given = std::make_unique<strop_tensors>();
  given->tensors = std::move(tensors);
  given->views.reserve(given->tensors.size());
  for (const NamedTensor& named : given->tensors) {
    const Tensor& tensor = named.tensor;
    given->views.push_back({named.name.c_str(), static_cast<strop_type>(tensor.type()),
                            tensor.shape().size(), tensor.shape().data(), tensor.data()});
  }
  return given.release();
}

strop_bytes* GiveBytes(std::string bytes) { return new strop_bytes{std::move(bytes)}; }

strop_bytes* GiveJson(const nlohmann::ordered_json& json) {
  return GiveBytes(json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

}  // namespace strop

extern "C" {

size_t strop_tensors_count(const strop_tensors* tensors) {
  return tensors == nullptr ? 0 : tensors->views.size();
}

const strop_tensor* strop_tensors_at(const strop_tensors* tensors, size_t index) {
  return index < strop_tensors_count(tensors) ? &tensors->views[index] : nullptr;
}

void strop_tensors_free(strop_tensors* tensors) { delete tensors; }

const void* strop_bytes_data(const strop_bytes* bytes) {
  return bytes == nullptr ? nullptr : bytes->bytes.c_str();
}

size_t strop_bytes_size(const strop_bytes* bytes) {
  return bytes == nullptr ? 0 : bytes->bytes.size();
}

void strop_bytes_free(strop_bytes* bytes) { delete bytes; }

}  // extern "C"
