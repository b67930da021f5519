#include "ops/kernels/channel_layout.h"

#include "ops/kernels/onednn/layout.h"

namespace strop {
namespace {

// The block of channels when `blocking` is [N][C/block][spatial][block], 0 otherwise.
int64_t BlockOf(const onednn::Blocking& blocking) {
  const std::vector<int64_t>& dimensions = blocking.dimensions;
  if (!blocking.is_plain_kind || dimensions.size() < 3 || blocking.inner_blocks.size() > 1) {
    return 0;
  }
  int64_t block = 1;
  if (blocking.inner_blocks.size() == 1) {
    if (blocking.inner_indices[0] != 1) return 0;
    block = blocking.inner_blocks[0];
  } else {
    block = dimensions[1];  // channels-last; row-major never comes here
  }
  int64_t stride = block;
  for (size_t axis = dimensions.size(); axis-- > 2;) {
    if (dimensions[axis] != blocking.padded_dimensions[axis]) return 0;
    if (dimensions[axis] != 1 && blocking.strides[axis] != stride) return 0;
    stride *= dimensions[axis];
  }
  const int64_t blocks = (dimensions[1] + block - 1) / block;
  if (blocking.padded_dimensions[1] != blocks * block) return 0;
  if (blocks > 1 && blocking.strides[1] != stride) return 0;
  if (blocking.inner_blocks.empty() && block > 1 && blocking.strides[1] != 1) return 0;
  if (dimensions[0] != blocking.padded_dimensions[0]) return 0;
  if (dimensions[0] != 1 && blocking.strides[0] != stride * blocks) return 0;
  return block;
}

// oneDNN's tag of channels cut into blocks; undef where it has none.
dnnl::memory::format_tag BlockedTag(size_t rank, int64_t block) {
  using Tag = dnnl::memory::format_tag;
  constexpr Tag kTags[3][3] = {{Tag::nCw4c, Tag::nCw8c, Tag::nCw16c},
                               {Tag::nChw4c, Tag::nChw8c, Tag::nChw16c},
                               {Tag::nCdhw4c, Tag::nCdhw8c, Tag::nCdhw16c}};
  if (rank < 3 || rank > 5 || (block != 4 && block != 8 && block != 16)) return Tag::undef;
  return kTags[rank - 3][block == 4 ? 0 : block == 8 ? 1 : 2];
}

// Channels innermost, one after the other.
Shape ChannelsLastStrides(const Shape& shape) {
  Shape strides(shape.size());
  strides[1] = 1;
  int64_t stride = shape[1];
  for (size_t axis = shape.size(); axis-- > 2;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  strides[0] = stride;
  return strides;
}

}  // namespace

Layout ChannelLayoutLike(const Layout& like, DataType type, const Shape& shape) {
  const auto* opaque = dynamic_cast<const onednn::OnednnLayout*>(like.get());
  if (opaque == nullptr || BlockOf(opaque->blocking()) == 0 ||
      onednn::ElementType(type) == dnnl::memory::data_type::undef) {
    return nullptr;
  }
  const dnnl::memory::dims dimensions = onednn::Dimensions(shape);
  const std::vector<int64_t>& blocks = opaque->blocking().inner_blocks;
  if (blocks.empty()) {
    return onednn::LayoutOf(dnnl::memory::desc(dimensions, onednn::ElementType(type),
                                               onednn::Dimensions(ChannelsLastStrides(shape))));
  }
  const dnnl::memory::format_tag tag = BlockedTag(shape.size(), blocks[0]);
  if (tag == dnnl::memory::format_tag::undef) return nullptr;
  return onednn::LayoutOf(dnnl::memory::desc(dimensions, onednn::ElementType(type), tag));
}

std::optional<ChannelLayout> ChannelLayoutOf(const Shape& shape, const Layout& layout) {
  ChannelLayout result;
  result.batch = shape[0];
  result.channels = shape[1];
  for (size_t axis = 2; axis < shape.size(); ++axis) result.spatial *= shape[axis];
  if (layout == nullptr) return result;
  const auto* opaque = dynamic_cast<const onednn::OnednnLayout*>(layout.get());
  if (opaque == nullptr || opaque->blocking().dimensions != onednn::Dimensions(shape)) {
    return std::nullopt;
  }
  result.block = BlockOf(opaque->blocking());
  if (result.block == 0) return std::nullopt;
  return result;
}

Layout PreferredChannelLayout(const KernelRequest& request, const Shape& shape) {
  for (const TensorDescription& input : request.inputs) {
    if (input.layout != nullptr && input.shape == shape &&
        ChannelLayoutOf(shape, input.layout).has_value()) {
      return input.layout;
    }
  }
  return nullptr;
}

}  // namespace strop
