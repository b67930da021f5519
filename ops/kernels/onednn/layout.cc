#include "ops/kernels/onednn/layout.h"

#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"

namespace strop::onednn {
namespace {

std::vector<int64_t> OuterDimensions(const Blocking& blocking) {
  std::vector<int64_t> outer = blocking.padded_dimensions;
  for (size_t i = 0; i < blocking.inner_blocks.size(); ++i) {
    outer[static_cast<size_t>(blocking.inner_indices[i])] /= blocking.inner_blocks[i];
  }
  return outer;
}

// The stride of an axis of length 1 says nothing.
bool SameOuterStrides(const std::vector<int64_t>& outer, const std::vector<int64_t>& a,
                      absl::Span<const int64_t> b) {
  for (size_t axis = 0; axis < outer.size(); ++axis) {
    if (outer[axis] != 1 && a[axis] != b[axis]) return false;
  }
  return true;
}

bool IsRowMajor(const Blocking& blocking) {
  return blocking.is_plain_kind && blocking.inner_blocks.empty() &&
         blocking.dimensions == blocking.padded_dimensions &&
         SameOuterStrides(blocking.dimensions, blocking.strides, DenseStrides(blocking.dimensions));
}

// Axis letters from the outermost axis inwards.
std::string AxisLetters(size_t rank, bool is_activation) {
  if (is_activation && rank == 3) return "ncw";
  if (is_activation && rank == 4) return "nchw";
  if (is_activation && rank == 5) return "ncdhw";
  return std::string("abcdefghijkl").substr(0, rank);
}

}  // namespace

Blocking BlockingOf(const dnnl::memory::desc& descriptor) {
  Blocking blocking;
#if DNNL_VERSION_MAJOR >= 3
  blocking.dimensions = descriptor.get_dims();
  blocking.padded_dimensions = descriptor.get_padded_dims();
  blocking.is_plain_kind = descriptor.get_format_kind() == dnnl::memory::format_kind::blocked;
  if (!blocking.is_plain_kind) return blocking;
  blocking.strides = descriptor.get_strides();
  blocking.inner_blocks = descriptor.get_inner_blks();
  blocking.inner_indices = descriptor.get_inner_idxs();
#else
  const dnnl_memory_desc_t& data = descriptor.data;
  blocking.dimensions.assign(data.dims, data.dims + data.ndims);
  blocking.padded_dimensions.assign(data.padded_dims, data.padded_dims + data.ndims);
  blocking.is_plain_kind = data.format_kind == dnnl_blocked;
  if (!blocking.is_plain_kind) return blocking;
  const dnnl_blocking_desc_t& blocks = data.format_desc.blocking;
  blocking.strides.assign(blocks.strides, blocks.strides + data.ndims);
  blocking.inner_blocks.assign(blocks.inner_blks, blocks.inner_blks + blocks.inner_nblks);
  blocking.inner_indices.assign(blocks.inner_idxs, blocks.inner_idxs + blocks.inner_nblks);
#endif
  return blocking;
}

OnednnLayout::OnednnLayout(dnnl::memory::desc descriptor)
    : descriptor_(std::move(descriptor)), blocking_(BlockingOf(descriptor_)) {}

bool OnednnLayout::Equals(const OpaqueLayout& other) const {
  const auto* layout = dynamic_cast<const OnednnLayout*>(&other);
  if (layout == nullptr) return false;
  const Blocking& a = blocking_;
  const Blocking& b = layout->blocking_;
  if (!a.is_plain_kind || !b.is_plain_kind) return descriptor_ == layout->descriptor_;
  return bytes() == other.bytes() && a.dimensions == b.dimensions &&
         a.padded_dimensions == b.padded_dimensions && a.inner_blocks == b.inner_blocks &&
         a.inner_indices == b.inner_indices &&
         SameOuterStrides(OuterDimensions(a), a.strides, b.strides);
}

bool OnednnLayout::is_unpadded() const {
  return blocking_.is_plain_kind && blocking_.dimensions == blocking_.padded_dimensions &&
         ElementCount(blocking_.dimensions) * static_cast<int64_t>(dnnl::memory::data_type_size(
#if DNNL_VERSION_MAJOR >= 3
                                                  descriptor_.get_data_type()
#else
                                                  descriptor_.data_type()
#endif
                                                      )) ==
             static_cast<int64_t>(bytes());
}

std::string OnednnLayout::name() const {
  if (!blocking_.is_plain_kind) return "opaque";
  const size_t rank = blocking_.dimensions.size();
  const std::string letters = AxisLetters(rank, blocking_.inner_blocks.size() <= 1);
  std::vector<size_t> order(rank);
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [this](size_t a, size_t b) {
    return blocking_.strides[a] > blocking_.strides[b];
  });
  std::string text;
  for (const size_t axis : order) {
    const bool is_cut = std::count(blocking_.inner_indices.begin(), blocking_.inner_indices.end(),
                                   static_cast<int64_t>(axis)) > 0;
    text += is_cut ? static_cast<char>(letters[axis] - 'a' + 'A') : letters[axis];
  }
  for (size_t i = 0; i < blocking_.inner_blocks.size(); ++i) {
    absl::StrAppend(&text, blocking_.inner_blocks[i],
                    std::string(1, letters[static_cast<size_t>(blocking_.inner_indices[i])]));
  }
  return text;
}

dnnl::memory::data_type ElementType(DataType type) {
  switch (type) {
    case DataType::kFloat:
      return dnnl::memory::data_type::f32;
    case DataType::kBFloat16:
      return dnnl::memory::data_type::bf16;
    case DataType::kFloat16:
      return dnnl::memory::data_type::f16;
    case DataType::kInt32:
      return dnnl::memory::data_type::s32;
    case DataType::kInt8:
      return dnnl::memory::data_type::s8;
    case DataType::kUint8:
      return dnnl::memory::data_type::u8;
    default:
      return dnnl::memory::data_type::undef;
  }
}

dnnl::memory::dims Dimensions(absl::Span<const int64_t> shape) {
  return dnnl::memory::dims(shape.begin(), shape.end());
}

dnnl::memory::desc DenseDescriptor(DataType type, absl::Span<const int64_t> shape) {
  return dnnl::memory::desc(Dimensions(shape), ElementType(type), Dimensions(DenseStrides(shape)));
}

dnnl::memory::desc AnyDescriptor(DataType type, absl::Span<const int64_t> shape) {
  return dnnl::memory::desc(Dimensions(shape), ElementType(type), dnnl::memory::format_tag::any);
}

Layout LayoutOf(const dnnl::memory::desc& descriptor) {
  if (IsRowMajor(BlockingOf(descriptor))) return nullptr;
  return std::make_shared<OnednnLayout>(descriptor);
}

}  // namespace strop::onednn
