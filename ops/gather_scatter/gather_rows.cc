#include "ops/gather_scatter/gather_rows.h"

#include <algorithm>
#include <type_traits>

#include "graph/status_macros.h"
#include "ops/kernels/strided_copy.h"
#include "ops/kernels/workspace.h"

namespace strop {

absl::Status RowMap::Resolve(const std::string& node_label, const Indices& indices,
                             int64_t* resolved) const {
  const auto width = static_cast<int64_t>(tuple.size());
  const int64_t count = is_shared ? picks : outer * picks;
  for (int64_t i = 0; i < count; ++i) {
    int64_t row = 0;
    for (int64_t j = 0; j < width; ++j) {
      const int64_t extent = tuple[static_cast<size_t>(j)];
      const int64_t index = indices[i * width + j];
      if (index < -extent || index >= extent) {
        return absl::InvalidArgumentError(absl::StrCat(
            node_label, ": found index ", index, ", expected one in [", -extent, ",", extent, ")"));
      }
      row += (index < 0 ? index + extent : index) * tuple_strides[static_cast<size_t>(j)];
    }
    resolved[i] = row;
  }
  return absl::OkStatus();
}

RowMap GatherMap(const Shape& data, const Shape& indices, size_t axis) {
  RowMap map;
  map.outer = ElementCount(absl::MakeSpan(data).first(axis));
  map.rows = data[axis];
  map.picks = ElementCount(indices);
  map.inner = ElementCount(absl::MakeSpan(data).subspan(axis + 1));
  map.is_shared = true;
  map.tuple = {data[axis]};
  map.tuple_strides = {1};
  return map;
}

RowMap TupleMap(const Shape& data, const Shape& indices, size_t batch_dimensions) {
  const auto width = static_cast<size_t>(indices.back());
  const auto shape = absl::MakeSpan(data);
  RowMap map;
  map.outer = ElementCount(shape.first(batch_dimensions));
  map.tuple.assign(data.begin() + static_cast<std::ptrdiff_t>(batch_dimensions),
                   data.begin() + static_cast<std::ptrdiff_t>(batch_dimensions + width));
  map.tuple_strides = DenseStrides(map.tuple);
  map.rows = ElementCount(map.tuple);
  map.picks = ElementCount(
      absl::MakeSpan(indices).subspan(batch_dimensions, indices.size() - 1 - batch_dimensions));
  map.inner = ElementCount(shape.subspan(batch_dimensions + width));
  return map;
}

namespace {

template <typename T>
std::unique_ptr<Kernel> TypedAddRowsKernel(const KernelRequest& request, const RowMap& map) {
  using Compute = ComputeType<T>;
  constexpr bool kIsDirect = std::is_same_v<T, Compute>;
  const int64_t count = request.outputs[0].element_count();
  // The sums first, so that they are aligned; then the row numbers.
  const size_t sum_bytes =
      kIsDirect ? 0 : AlignedBytes(static_cast<size_t>(count) * sizeof(Compute));
  return MakeKernel(
      [map, count, sum_bytes, label = NodeLabel(request.node),
       type = request.inputs[2].type](const KernelArguments& arguments) {
        auto* workspace = static_cast<std::byte*>(arguments.workspace);
        auto* resolved = reinterpret_cast<int64_t*>(workspace + sum_bytes);
        STROP_RETURN_IF_ERROR(map.Resolve(label, Indices(arguments.inputs[2], type), resolved));
        const T* dy = arguments.input<T>(0);
        T* dx = arguments.output<T>(0);
        auto* sums = reinterpret_cast<Compute*>(kIsDirect ? static_cast<void*>(dx) : workspace);
        FillZero(sums, static_cast<size_t>(count) * sizeof(Compute));
        map.ForEachPick(resolved, [&](int64_t row, int64_t pick) {
          Compute* to = sums + row * map.inner;
          const T* from = dy + pick * map.inner;
          for (int64_t i = 0; i < map.inner; ++i) to[i] += static_cast<Compute>(from[i]);
        });
        if constexpr (!kIsDirect) {
          ParallelFor(count, 16384, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) dx[i] = static_cast<T>(sums[i]);
          });
        }
        return absl::OkStatus();
      },
      sum_bytes + map.resolved_bytes());
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> AddRowsKernel(const KernelRequest& request,
                                                      const RowMap& map) {
  std::unique_ptr<Kernel> kernel;
  STROP_RETURN_IF_ERROR(
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = TypedAddRowsKernel<T>(request, map);
        return absl::OkStatus();
      }));
  return kernel;
}

}  // namespace strop
