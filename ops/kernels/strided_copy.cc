#include "ops/kernels/strided_copy.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/kernels/parallel_for.h"

namespace strop {
namespace {

// Elements that one thread moves at least.
constexpr int64_t kGrainElements = 16384;

// Edge of the square tiles in which a transposition runs: 32×32 floats read and write 4 KiB each.
constexpr int64_t kTile = 32;

struct Bytes16 {
  uint64_t halves[2];
};

// Walks the outer dimensions of a box, keeping both offsets.
class OuterPosition {
 public:
  OuterPosition(const StridedBox& box, size_t dimensions, int64_t index)
      : box_(box), index_(dimensions, 0) {
    source_ = box.source_offset;
    destination_ = box.destination_offset;
    for (size_t d = dimensions; d-- > 0;) {
      index_[d] = index % box.shape[d];
      index /= box.shape[d];
      source_ += index_[d] * box.source_strides[d];
      destination_ += index_[d] * box.destination_strides[d];
    }
  }

  int64_t source() const { return source_; }
  int64_t destination() const { return destination_; }

  void Advance() {
    for (size_t d = index_.size(); d-- > 0;) {
      source_ += box_.source_strides[d];
      destination_ += box_.destination_strides[d];
      if (++index_[d] < box_.shape[d]) return;
      source_ -= box_.shape[d] * box_.source_strides[d];
      destination_ -= box_.shape[d] * box_.destination_strides[d];
      index_[d] = 0;
    }
  }

 private:
  const StridedBox& box_;
  Shape index_;
  int64_t source_ = 0;
  int64_t destination_ = 0;
};

template <typename T>
void CopyRow(const T* source, int64_t source_stride, T* destination, int64_t destination_stride,
             int64_t count) {
  if (source_stride == 1 && destination_stride == 1) {
    std::memcpy(destination, source, static_cast<size_t>(count) * sizeof(T));
  } else if (source_stride == 0 && destination_stride == 1) {
    std::fill_n(destination, count, *source);
  } else if (destination_stride == 1) {
    for (int64_t i = 0; i < count; ++i) destination[i] = source[i * source_stride];
  } else {
    for (int64_t i = 0; i < count; ++i) {
      destination[i * destination_stride] = source[i * source_stride];
    }
  }
}

template <typename T>
void CopyRows(const StridedBox& box, const T* source, T* destination) {
  const size_t outer_dimensions = box.shape.size() - 1;
  const int64_t length = box.shape.back();
  const int64_t rows = ElementCount(absl::MakeSpan(box.shape).first(outer_dimensions));
  const int64_t source_stride = box.source_strides.back();
  const int64_t destination_stride = box.destination_strides.back();
  if (rows == 1 && std::abs(source_stride) <= 1) {
    ParallelFor(length, kGrainElements, [&](int64_t begin, int64_t end) {
      CopyRow(source + box.source_offset + begin * source_stride, source_stride,
              destination + box.destination_offset + begin * destination_stride, destination_stride,
              end - begin);
    });
    return;
  }
  const int64_t grain = std::max<int64_t>(1, kGrainElements / length);
  ParallelFor(rows, grain, [&](int64_t begin, int64_t end) {
    OuterPosition position(box, outer_dimensions, begin);
    for (int64_t row = begin; row < end; ++row, position.Advance()) {
      CopyRow(source + position.source(), source_stride, destination + position.destination(),
              destination_stride, length);
    }
  });
}

// destination[j·destination_stride + i] = source[i·source_stride + j] for one tile.
template <typename T>
void TransposeTile(const T* source, int64_t source_stride, T* destination,
                   int64_t destination_stride, int64_t rows, int64_t columns) {
  for (int64_t j = 0; j < columns; ++j) {
    for (int64_t i = 0; i < rows; ++i) {
      destination[j * destination_stride + i] = source[i * source_stride + j];
    }
  }
}

// The last dimension is contiguous in the destination, dimension `across` in the source.
template <typename T>
void CopyTransposed(const StridedBox& box, size_t across, const T* source, T* destination) {
  StridedBox outer = box;
  const int64_t columns = box.shape[across];
  const int64_t rows = box.shape.back();
  const int64_t source_stride = box.source_strides.back();
  const int64_t destination_stride = box.destination_strides[across];
  for (Shape* list : {&outer.shape, &outer.source_strides, &outer.destination_strides}) {
    list->pop_back();
    list->erase(list->begin() + static_cast<std::ptrdiff_t>(across));
  }
  const int64_t column_tiles = (columns + kTile - 1) / kTile;
  const int64_t strips = ElementCount(outer.shape) * column_tiles;
  const int64_t grain = std::max<int64_t>(1, kGrainElements / (kTile * rows));
  ParallelFor(strips, grain, [&](int64_t begin, int64_t end) {
    OuterPosition position(outer, outer.shape.size(), begin / column_tiles);
    for (int64_t strip = begin; strip < end; ++strip) {
      const int64_t column = strip % column_tiles * kTile;
      const int64_t width = std::min(kTile, columns - column);
      for (int64_t row = 0; row < rows; row += kTile) {
        TransposeTile(source + position.source() + row * source_stride + column, source_stride,
                      destination + position.destination() + column * destination_stride + row,
                      destination_stride, std::min(kTile, rows - row), width);
      }
      if (strip % column_tiles == column_tiles - 1) position.Advance();
    }
  });
}

template <typename T>
void CopyTyped(const StridedBox& box, const void* source, void* destination) {
  const T* from = static_cast<const T*>(source);
  T* to = static_cast<T*>(destination);
  if (box.destination_strides.back() == 1 && box.source_strides.back() != 1 &&
      box.source_strides.back() != 0 && box.shape.back() > 1) {
    for (size_t d = box.shape.size() - 1; d-- > 0;) {
      if (box.source_strides[d] == 1) return CopyTransposed(box, d, from, to);
    }
  }
  CopyRows(box, from, to);
}

}  // namespace

StridedBox Simplify(const StridedBox& box) {
  std::vector<size_t> order;
  for (size_t d = 0; d < box.shape.size(); ++d) {
    if (box.shape[d] != 1) order.push_back(d);
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::abs(box.destination_strides[a]) > std::abs(box.destination_strides[b]);
  });
  StridedBox simple;
  simple.source_offset = box.source_offset;
  simple.destination_offset = box.destination_offset;
  for (const size_t d : order) {
    const int64_t extent = box.shape[d];
    if (!simple.shape.empty() && simple.source_strides.back() == extent * box.source_strides[d] &&
        simple.destination_strides.back() == extent * box.destination_strides[d]) {
      simple.shape.back() *= extent;
      simple.source_strides.back() = box.source_strides[d];
      simple.destination_strides.back() = box.destination_strides[d];
      continue;
    }
    simple.shape.push_back(extent);
    simple.source_strides.push_back(box.source_strides[d]);
    simple.destination_strides.push_back(box.destination_strides[d]);
  }
  if (simple.shape.empty()) {
    simple.shape = {1};
    simple.source_strides = {1};
    simple.destination_strides = {1};
  }
  return simple;
}

void CopyStrided(const StridedBox& box, size_t element_size, const void* source,
                 void* destination) {
  if (ElementCount(box.shape) == 0) return;
  switch (element_size) {
    case 1:
      return CopyTyped<uint8_t>(box, source, destination);
    case 2:
      return CopyTyped<uint16_t>(box, source, destination);
    case 4:
      return CopyTyped<uint32_t>(box, source, destination);
    case 8:
      return CopyTyped<uint64_t>(box, source, destination);
    default:
      return CopyTyped<Bytes16>(box, source, destination);
  }
}

void FillZero(void* destination, size_t bytes) {
  auto* const to = static_cast<uint8_t*>(destination);
  ParallelFor(static_cast<int64_t>(bytes), 1 << 18, [&](int64_t begin, int64_t end) {
    std::memset(to + begin, 0, static_cast<size_t>(end - begin));
  });
}

absl::StatusOr<size_t> ElementSize(const Node& node, DataType type) {
  const int bits = BitsPerElement(type);
  if (bits < 8) {
    return absl::UnimplementedError(
        absl::StrCat(NodeLabel(node), ": found elements of type ", std::string(DataTypeName(type)),
                     ", expected whole bytes; cast the tensor before it is moved"));
  }
  return static_cast<size_t>(bits / 8);
}

absl::StatusOr<std::unique_ptr<Kernel>> StridedCopyKernel(const KernelRequest& request,
                                                          const StridedBox& box) {
  STROP_ASSIGN_OR_RETURN(const size_t size, ElementSize(request.node, request.outputs[0].type));
  return MakeKernel([box = Simplify(box), size](const KernelArguments& arguments) {
    CopyStrided(box, size, arguments.inputs[0], arguments.outputs[0]);
    return absl::OkStatus();
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> ViewKernel(const KernelRequest& request) {
  const size_t bytes = BytesFor(request.outputs[0].type, request.outputs[0].element_count());
  return MakeKernel([bytes](const KernelArguments& arguments) {
    if (arguments.outputs[0] != arguments.inputs[0] && bytes > 0) {
      std::memcpy(arguments.outputs[0], arguments.inputs[0], bytes);
    }
    return absl::OkStatus();
  });
}

}  // namespace strop
