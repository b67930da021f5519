#include "ops/pooling/pool_geometry.h"

namespace strop {

absl::StatusOr<SharedPool> MakePool(const KernelRequest& request, const Shape& x_shape,
                                    Layout x_memory) {
  auto pool = std::make_shared<Pool>();
  STROP_ASSIGN_OR_RETURN(pool->window, PoolWindow(request.node, x_shape));
  pool->cells = CellTable(pool->window);
  pool->taps = pool->window.kernel_size();
  pool->outputs = pool->window.output_size();
  pool->y_shape = {x_shape[0], x_shape[1]};
  pool->y_shape.insert(pool->y_shape.end(), pool->window.output.begin(), pool->window.output.end());
  pool->x = *ChannelLayoutOf(x_shape, x_memory);
  pool->y = *ChannelLayoutOf(pool->y_shape, nullptr);
  pool->y.block = pool->x.block;
  pool->x_memory = std::move(x_memory);
  return SharedPool(std::move(pool));
}

Layout YMemory(const Pool& pool, DataType type) {
  return ChannelLayoutLike(pool.x_memory, type, pool.y_shape);
}

Layout GradientMemory(const KernelRequest& request, size_t x) {
  const TensorDescription& input = request.inputs[x];
  if (input.layout != nullptr && ChannelLayoutOf(input.shape, input.layout).has_value()) {
    return input.layout;
  }
  return ChannelLayoutLike(request.inputs[0].layout, input.type, input.shape);
}

}  // namespace strop
