#pragma once

#include <cstdint>
#include <optional>

#include "ops/core/kernel.h"

namespace strop {

// A tensor [N,C,spatial…] as [batch][blocks][spatial][block] in memory: the channels are cut into
// blocks that lie innermost. Dense row-major has blocks of 1, channels-last one block of C,
// oneDNN's nChw16c blocks of 16 whose last may reach beyond C: those lanes hold zeros and must keep
// them.
struct ChannelLayout {
  int64_t batch = 1;
  int64_t channels = 1;
  int64_t spatial = 1;
  int64_t block = 1;

  int64_t blocks() const { return (channels + block - 1) / block; }
  int64_t padded_channels() const { return blocks() * block; }
};

// nullopt for a layout of another kind. The shape must have at least two axes.
std::optional<ChannelLayout> ChannelLayoutOf(const Shape& shape, const Layout& layout);

// The first opaque layout among the inputs that ChannelLayoutOf understands and that belongs to a
// value of that shape; null (dense) when there is none.
Layout PreferredChannelLayout(const KernelRequest& request, const Shape& shape);

// The layout of a tensor of another type or other spatial axes whose channels lie as in `like`;
// null (dense) when `like` is null or of another kind.
Layout ChannelLayoutLike(const Layout& like, DataType type, const Shape& shape);

}  // namespace strop
