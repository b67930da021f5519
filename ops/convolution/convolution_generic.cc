// Convolutions as matrix products over gathered columns, in the element type (half types in float).
// One table says which input cell each kernel cell sees from each output cell; it serves any number
// of spatial axes.

#include <omp.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "graph/visit_type.h"
#include "ops/convolution/convolution.h"
#include "ops/kernels/channel_loops.h"
#include "ops/kernels/matrix_product.h"
#include "ops/kernels/parallel_for.h"
#include "ops/kernels/workspace.h"

namespace strop {
namespace {

// Input channels whose columns are gathered at once.
constexpr int64_t kChannelBlock = 8;

// Elements of a gathered block: what stays in the second cache.
constexpr int64_t kColumnElements = int64_t{1} << 16;

// The three products in the arithmetic type T. Operands are dense.
template <typename T>
class GenericProducts {
 public:
  explicit GenericProducts(const ConvolutionGeometry& geometry)
      : g_(geometry),
        cells_(CellTable(geometry.window)),
        taps_(geometry.window.kernel_size()),
        inputs_(geometry.window.input_size()),
        outputs_(geometry.window.output_size()),
        depth_(geometry.group_inputs() * taps_) {}

  size_t workspace_bytes() const {
    return thread_bytes() * static_cast<size_t>(omp_get_max_threads());
  }

  void Forward(const T* x, const T* w, const T* bias, T* y, void* workspace) const {
    const int64_t step = ColumnStep(depth_);
    const int64_t blocks = (outputs_ + step - 1) / step;
    ParallelFor(g_.batch * g_.groups * blocks, 1, [&](int64_t begin, int64_t end) {
      T* const columns = ThreadColumns(workspace);
      for (int64_t item = begin; item < end; ++item) {
        const int64_t image_group = item / blocks;  // n·groups + group
        const int64_t group = image_group % g_.groups;
        const int64_t s = item % blocks * step;
        const int64_t count = std::min(step, outputs_ - s);
        Gather(x + image_group * g_.group_inputs() * inputs_, g_.group_inputs(), s, count, columns);
        T* const to = y + image_group * g_.group_outputs() * outputs_ + s;
        for (int64_t o = 0; o < g_.group_outputs(); ++o) {
          const T start = bias == nullptr ? T{0} : bias[group * g_.group_outputs() + o];
          std::fill_n(to + o * outputs_, count, start);
        }
        Product<T>(g_.group_outputs(), count, depth_,
                   {w + group * g_.group_outputs() * depth_, depth_, 1}, {columns, count, 1},
                   {to, outputs_, 1}, T{1}, true, ProductWorkspace(columns));
      }
    });
  }

  void Transpose(const T* dy, const T* w, const T* bias, T* dx, void* workspace) const {
    const int64_t channel_blocks = ChannelBlocks();
    ParallelFor(g_.batch * g_.groups * channel_blocks, 1, [&](int64_t begin, int64_t end) {
      T* const columns = ThreadColumns(workspace);
      for (int64_t item = begin; item < end; ++item) {
        const int64_t image_group = item / channel_blocks;
        const int64_t group = image_group % g_.groups;
        const int64_t first = item % channel_blocks * kChannelBlock;
        const int64_t channels = std::min(kChannelBlock, g_.group_inputs() - first);
        const int64_t rows = channels * taps_;
        T* const to = dx + (image_group * g_.group_inputs() + first) * inputs_;
        for (int64_t c = 0; c < channels; ++c) {
          const T start = bias == nullptr ? T{0} : bias[group * g_.group_inputs() + first + c];
          std::fill_n(to + c * inputs_, inputs_, start);
        }
        const T* const weights = w + group * g_.group_outputs() * depth_ + first * taps_;
        const T* const from = dy + image_group * g_.group_outputs() * outputs_;
        const int64_t step = ColumnStep(rows);
        for (int64_t s = 0; s < outputs_; s += step) {
          const int64_t count = std::min(step, outputs_ - s);
          Product<T>(rows, count, g_.group_outputs(), {weights, 1, depth_}, {from + s, outputs_, 1},
                     {columns, count, 1}, T{1}, false, ProductWorkspace(columns));
          Scatter(columns, channels, s, count, to);
        }
      }
    });
  }

  void Weights(const T* x, const T* dy, T* dw, void* workspace) const {
    const int64_t channel_blocks = ChannelBlocks();
    ParallelFor(g_.groups * channel_blocks, 1, [&](int64_t begin, int64_t end) {
      T* const columns = ThreadColumns(workspace);
      for (int64_t item = begin; item < end; ++item) {
        const int64_t group = item / channel_blocks;
        const int64_t first = item % channel_blocks * kChannelBlock;
        const int64_t channels = std::min(kChannelBlock, g_.group_inputs() - first);
        const int64_t rows = channels * taps_;
        T* const to = dw + group * g_.group_outputs() * depth_ + first * taps_;
        for (int64_t o = 0; o < g_.group_outputs(); ++o) std::fill_n(to + o * depth_, rows, T{0});
        const int64_t step = ColumnStep(rows);
        for (int64_t n = 0; n < g_.batch; ++n) {
          const T* const image =
              x + ((n * g_.groups + group) * g_.group_inputs() + first) * inputs_;
          const T* const from = dy + (n * g_.groups + group) * g_.group_outputs() * outputs_;
          for (int64_t s = 0; s < outputs_; s += step) {
            const int64_t count = std::min(step, outputs_ - s);
            Gather(image, channels, s, count, columns);
            Product<T>(g_.group_outputs(), rows, count, {from + s, outputs_, 1},
                       {columns, 1, count}, {to, depth_, 1}, T{1}, true, ProductWorkspace(columns));
          }
        }
      }
    });
  }

 private:
  int64_t ChannelBlocks() const { return (g_.group_inputs() + kChannelBlock - 1) / kChannelBlock; }

  // Output cells that are gathered at once when each takes `rows` elements.
  static int64_t ColumnStep(int64_t rows) {
    return std::clamp<int64_t>(kColumnElements / std::max<int64_t>(rows, 1), 16, 1024);
  }
  size_t column_bytes() const {
    const int64_t most_rows = std::max(depth_, kChannelBlock * taps_);
    return AlignedBytes(static_cast<size_t>(std::max(kColumnElements, 16 * most_rows)) * sizeof(T));
  }
  size_t thread_bytes() const { return column_bytes() + ProductWorkspaceBytes<T>(); }
  T* ThreadColumns(void* workspace) const {
    return reinterpret_cast<T*>(static_cast<std::byte*>(workspace) +
                                thread_bytes() * static_cast<size_t>(omp_get_thread_num()));
  }
  void* ProductWorkspace(T* columns) const {
    return reinterpret_cast<std::byte*>(columns) + column_bytes();
  }

  // columns[(c·taps + k)·count + j] = image[c, cell under k at output cell s + j].
  void Gather(const T* image, int64_t channels, int64_t s, int64_t count, T* columns) const {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t k = 0; k < taps_; ++k) {
        const int64_t* const cells = cells_.data() + k * outputs_ + s;
        for (int64_t j = 0; j < count; ++j) {
          columns[j] = cells[j] == kOutsideCell ? T{0} : image[cells[j]];
        }
        columns += count;
      }
      image += inputs_;
    }
  }

  // The adjoint: adds columns to the cells they were gathered from.
  void Scatter(const T* columns, int64_t channels, int64_t s, int64_t count, T* image) const {
    for (int64_t c = 0; c < channels; ++c) {
      for (int64_t k = 0; k < taps_; ++k) {
        const int64_t* const cells = cells_.data() + k * outputs_ + s;
        for (int64_t j = 0; j < count; ++j) {
          if (cells[j] != kOutsideCell) image[cells[j]] += columns[j];
        }
        columns += count;
      }
      image += inputs_;
    }
  }

  ConvolutionGeometry g_;
  std::vector<int64_t> cells_;
  int64_t taps_;     // cells of the kernel
  int64_t inputs_;   // cells of X's spatial axes
  int64_t outputs_;  // cells of Y's
  int64_t depth_;    // terms of one output element
};

// Dense operands in the arithmetic type: themselves, or copies in the workspace for half types.
template <typename T>
class ArithmeticOperands {
 public:
  using Compute = ComputeType<T>;

  static size_t Bytes(const KernelRequest& request) {
    if constexpr (std::is_same_v<T, Compute>) return 0;
    size_t bytes = 0;
    for (const auto& list : {request.inputs, request.outputs}) {
      for (const TensorDescription& value : list) {
        if (value.is_present) bytes += CopyBytes(value.element_count());
      }
    }
    return bytes;
  }

  explicit ArithmeticOperands(void* workspace) : next_(static_cast<std::byte*>(workspace)) {}

  const Compute* Input(const KernelArguments& arguments, size_t index, int64_t count) {
    const T* const elements = arguments.input<T>(index);
    if (elements == nullptr) return nullptr;
    if constexpr (std::is_same_v<T, Compute>) {
      return elements;
    } else {
      Compute* const copy = Take(count);
      for (int64_t i = 0; i < count; ++i) copy[i] = static_cast<Compute>(elements[i]);
      return copy;
    }
  }

  Compute* Output(const KernelArguments& arguments, size_t index, int64_t count) {
    T* const elements = arguments.output<T>(index);
    if constexpr (std::is_same_v<T, Compute>) {
      return elements;
    } else {
      output_ = elements;
      output_count_ = count;
      output_copy_ = Take(count);
      return output_copy_;
    }
  }

  // Rounds the output back into the element type.
  void Finish() const {
    if constexpr (!std::is_same_v<T, Compute>) {
      for (int64_t i = 0; i < output_count_; ++i) output_[i] = static_cast<T>(output_copy_[i]);
    }
  }

 private:
  static size_t CopyBytes(int64_t count) {
    return AlignedBytes(static_cast<size_t>(count) * sizeof(Compute));
  }
  Compute* Take(int64_t count) {
    Compute* const taken = reinterpret_cast<Compute*>(next_);
    next_ += CopyBytes(count);
    return taken;
  }

  std::byte* next_;
  T* output_ = nullptr;
  Compute* output_copy_ = nullptr;
  int64_t output_count_ = 0;
};

// dB[o] = Σ dY[n,o,s].
template <typename T>
void SumBias(const ConvolutionGeometry& geometry, const T* dy, T* db, void* workspace) {
  using Compute = ComputeType<T>;
  const ChannelLayout layout = *ChannelLayoutOf(geometry.output_shape(), nullptr);
  ReduceChannels<Compute, 1>(
      layout, [dy](int64_t, int64_t i) { return std::array{static_cast<Compute>(dy[i])}; },
      [db](int64_t c, const std::array<double, 1>& sums) {
        db[c] = static_cast<T>(static_cast<Compute>(sums[0]));
      },
      workspace);
}

template <typename T>
void RunProduct(const ConvolutionProduct& product, const GenericProducts<ComputeType<T>>& products,
                size_t scratch_bytes, const KernelArguments& arguments) {
  using Kind = ConvolutionProduct::Kind;
  const ConvolutionGeometry& geometry = product.geometry;
  const int64_t x_count = ElementCount(geometry.input_shape());
  const int64_t y_count = ElementCount(geometry.output_shape());
  const int64_t w_count = ElementCount(geometry.weight_shape());
  ArithmeticOperands<T> operands(static_cast<std::byte*>(arguments.workspace) + scratch_bytes);
  switch (product.kind) {
    case Kind::kForward: {
      const auto* x = operands.Input(arguments, 0, x_count);
      const auto* w = operands.Input(arguments, 1, w_count);
      const auto* bias =
          product.has_bias ? operands.Input(arguments, 2, geometry.output_channels) : nullptr;
      products.Forward(x, w, bias, operands.Output(arguments, 0, y_count), arguments.workspace);
      break;
    }
    case Kind::kTranspose: {
      const auto* dy = operands.Input(arguments, 0, y_count);
      const auto* w = operands.Input(arguments, 1, w_count);
      const auto* bias =
          product.has_bias ? operands.Input(arguments, 2, geometry.input_channels) : nullptr;
      products.Transpose(dy, w, bias, operands.Output(arguments, 0, x_count), arguments.workspace);
      break;
    }
    case Kind::kWeights: {
      const auto* x = operands.Input(arguments, product.x, x_count);
      const auto* dy = operands.Input(arguments, product.dy, y_count);
      products.Weights(x, dy, operands.Output(arguments, 0, w_count), arguments.workspace);
      if (arguments.output<T>(1) != nullptr) {
        SumBias<T>(geometry, arguments.input<T>(product.dy), arguments.output<T>(1),
                   arguments.workspace);
      }
      break;
    }
  }
  operands.Finish();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> GenericConvolution(const KernelRequest& request,
                                                           const ConvolutionProduct& product) {
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        auto products = std::make_shared<GenericProducts<ComputeType<T>>>(product.geometry);
        const ChannelLayout y = *ChannelLayoutOf(product.geometry.output_shape(), nullptr);
        const size_t scratch_bytes =
            AlignedBytes(std::max(products->workspace_bytes(), ChannelReductionBytes(y, 1)));
        kernel = MakeKernel(
            [product, products, scratch_bytes](const KernelArguments& arguments) {
              RunProduct<T>(product, *products, scratch_bytes, arguments);
              return absl::OkStatus();
            },
            scratch_bytes + ArithmeticOperands<T>::Bytes(request));
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

}  // namespace strop
