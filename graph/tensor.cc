#include "graph/tensor.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"

namespace strop {
namespace {

constexpr std::align_val_t kAlignment{64};

// From here on memory comes straight from the system, zero and untouched until it is written, and
// goes back at once.
constexpr size_t kMappedBytes = size_t{1} << 20;

std::shared_ptr<std::byte> AllocateZeroed(size_t bytes) {
  if (bytes >= kMappedBytes) {
    void* const pages =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) throw std::bad_alloc();
    return {static_cast<std::byte*>(pages), [bytes](std::byte* memory) { munmap(memory, bytes); }};
  }
  auto* memory = static_cast<std::byte*>(::operator new(bytes == 0 ? 1 : bytes, kAlignment));
  std::memset(memory, 0, bytes);
  return {memory, [](std::byte* pointer) { ::operator delete(pointer, kAlignment); }};
}

template <typename To, typename From>
To ConvertElement(From value) {
  return static_cast<To>(static_cast<ComputeType<To>>(static_cast<ComputeType<From>>(value)));
}

}  // namespace

Tensor::Tensor(DataType type, Shape shape) : type_(type), shape_(std::move(shape)) {
  std::shared_ptr<std::byte> memory = AllocateZeroed(bytes());
  data_ = memory.get();
  owner_ = std::move(memory);
}

Tensor Tensor::Borrow(DataType type, Shape shape, const void* bytes,
                      std::shared_ptr<const void> owner) {
  Tensor tensor;
  tensor.type_ = type;
  tensor.shape_ = std::move(shape);
  tensor.data_ = const_cast<std::byte*>(static_cast<const std::byte*>(bytes));
  tensor.owner_ = std::move(owner);
  return tensor;
}

Tensor Tensor::FromStrings(Shape shape, std::vector<std::string> strings) {
  Tensor tensor;
  tensor.type_ = DataType::kString;
  tensor.shape_ = std::move(shape);
  tensor.strings_ = std::make_shared<const std::vector<std::string>>(std::move(strings));
  return tensor;
}

Tensor Tensor::Clone() const {
  if (type_ == DataType::kString || type_ == DataType::kUndefined) return *this;
  Tensor copy(type_, shape_);
  std::memcpy(copy.data_, data_, bytes());
  return copy;
}

Tensor Tensor::WithShape(Shape shape) const {
  Tensor view = *this;
  view.shape_ = std::move(shape);
  return view;
}

absl::StatusOr<Tensor> ConvertTensor(const Tensor& tensor, DataType type) {
  if (tensor.type() == type) return tensor;
  Tensor converted;
  const absl::Status status =
      VisitNumeric(tensor.type(), "conversion", [&]<typename From>() -> absl::Status {
        return VisitNumeric(type, "conversion", [&]<typename To>() -> absl::Status {
          converted = Tensor(type, tensor.shape());
          const auto from = tensor.elements<From>();
          auto to = converted.mutable_elements<To>();
          for (size_t i = 0; i < from.size(); ++i) to[i] = ConvertElement<To>(from[i]);
          return absl::OkStatus();
        });
      });
  if (!status.ok()) return status;
  return converted;
}

absl::StatusOr<std::vector<int64_t>> IntegerElements(const Tensor& tensor) {
  if (!IsInteger(tensor.type()) && tensor.type() != DataType::kBool) {
    return absl::InvalidArgumentError(absl::StrCat("expected an integer tensor, found ",
                                                   std::string(DataTypeName(tensor.type()))));
  }
  absl::StatusOr<Tensor> wide = ConvertTensor(tensor, DataType::kInt64);
  if (!wide.ok()) return wide.status();
  const auto elements = wide->elements<int64_t>();
  return std::vector<int64_t>(elements.begin(), elements.end());
}

absl::StatusOr<std::vector<double>> NumericElements(const Tensor& tensor) {
  absl::StatusOr<Tensor> wide = ConvertTensor(tensor, DataType::kDouble);
  if (!wide.ok()) return wide.status();
  const auto elements = wide->elements<double>();
  return std::vector<double>(elements.begin(), elements.end());
}

}  // namespace strop
