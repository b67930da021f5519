#pragma once

#include <cstdint>
#include <oneapi/dnnl/dnnl.hpp>
#include <string>
#include <vector>

#include "ops/core/kernel.h"

namespace strop::onednn {

// How a blocked memory descriptor lays out its elements, read alike from oneDNN 2.6 and 3.x.
struct Blocking {
  std::vector<int64_t> dimensions;
  std::vector<int64_t> padded_dimensions;
  std::vector<int64_t> strides;        // of the outer blocks, in elements
  std::vector<int64_t> inner_blocks;   // outermost first
  std::vector<int64_t> inner_indices;  // the axis that each inner block cuts
  bool is_plain_kind = false;          // false for oneDNN's own formats (Winograd, packed RNN)
};
Blocking BlockingOf(const dnnl::memory::desc& descriptor);

// A memory layout that oneDNN chose. Its dimensions may be any row-major reshaping of the value's
// shape: grouped convolution weights carry a leading group axis.
class OnednnLayout : public OpaqueLayout {
 public:
  explicit OnednnLayout(dnnl::memory::desc descriptor);

  bool Equals(const OpaqueLayout& other) const override;
  size_t bytes() const override { return descriptor_.get_size(); }
  bool is_unpadded() const override;
  std::string name() const override;

  const dnnl::memory::desc& descriptor() const { return descriptor_; }
  const Blocking& blocking() const { return blocking_; }

 private:
  dnnl::memory::desc descriptor_;
  Blocking blocking_;
};

// oneDNN's name of an element type; undef for those it does not know.
dnnl::memory::data_type ElementType(DataType type);

dnnl::memory::dims Dimensions(absl::Span<const int64_t> shape);

// Row-major.
dnnl::memory::desc DenseDescriptor(DataType type, absl::Span<const int64_t> shape);

// oneDNN is free to choose the layout.
dnnl::memory::desc AnyDescriptor(DataType type, absl::Span<const int64_t> shape);

// The layout of a descriptor; null when that is row-major.
Layout LayoutOf(const dnnl::memory::desc& descriptor);

}  // namespace strop::onednn
