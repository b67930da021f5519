// Measured on Zen 4 with oneDNN 2.6.3, one thread, f32, BERT-base's shapes: brgemm on plain strides
// runs at 100–110 GFLOP/s a core whichever operand is transposed, 105–115 with weights packed
// ahead. The few percent do not pay for parameters in three layouts.

#include "ops/kernels/onednn/contraction.h"

#include "ops/kernels/onednn/primitive.h"

namespace strop::onednn {
namespace {

using Dims = dnnl::memory::dims;

// The strides of one operand's two matrix axes.
struct MatrixStrides {
  int64_t row;
  int64_t column;
};

// An axis of length 1 has no stride of its own: it gets the one of a dense matrix.
MatrixStrides Densified(const ContractionDimension& rows, int64_t row_stride,
                        const ContractionDimension& columns, int64_t column_stride) {
  if (columns.size == 1) column_stride = row_stride == 1 ? rows.size : 1;
  if (rows.size == 1) row_stride = column_stride == 1 ? columns.size : 1;
  return {row_stride, column_stride};
}

bool IsPlain(const MatrixStrides& strides) {
  return strides.row > 0 && strides.column > 0 && (strides.row == 1 || strides.column == 1);
}

// [outer…, rows, columns] of one operand, outer axes of length 1 where it is broadcast.
dnnl::memory::desc Descriptor(DataType type, const std::vector<ContractionDimension>& outer,
                              int64_t ContractionDimension::*stride, int64_t rows, int64_t columns,
                              const MatrixStrides& matrix) {
  Dims sizes;
  Dims strides;
  for (const ContractionDimension& index : outer) {
    const bool is_broadcast = index.*stride == 0;
    sizes.push_back(is_broadcast ? 1 : index.size);
    strides.push_back(is_broadcast ? rows * columns : index.*stride);
  }
  sizes.insert(sizes.end(), {rows, columns});
  strides.insert(strides.end(), {matrix.row, matrix.column});
  return dnnl::memory::desc(sizes, ElementType(type), strides);
}

bool IsServed(DataType type, const Contraction& contraction) {
  constexpr size_t kMaximumOuterAxes = 4;
  return (type == DataType::kFloat || type == DataType::kBFloat16) &&
         contraction.outer_depth.empty() && contraction.outer.size() <= kMaximumOuterAxes &&
         contraction.outer_count() > 0 && contraction.rows.size > 0 &&
         contraction.columns.size > 0 && contraction.depth.size > 0;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Kernel>> ProductKernel(const KernelRequest& request,
                                                      const Contraction& contraction, bool has_bias,
                                                      size_t first_input) {
  if (!IsServed(request.inputs[first_input].type, contraction)) return nullptr;
  const ContractionDimension& rows = contraction.rows;
  const ContractionDimension& columns = contraction.columns;
  const ContractionDimension& depth = contraction.depth;
  const MatrixStrides a = Densified(rows, rows.a, depth, depth.a);
  const MatrixStrides b = Densified(depth, depth.b, columns, columns.b);
  const MatrixStrides c = Densified(rows, rows.c, columns, columns.c);
  if (!IsPlain(a) || !IsPlain(b) || !IsPlain(c) || c.column != 1) return nullptr;
  if (has_bias && contraction.exchanges_operands) return nullptr;

  const DataType type = request.inputs[first_input].type;
  const auto& outer = contraction.outer;
  const size_t source_input = first_input + (contraction.exchanges_operands ? 1 : 0);
  const size_t weights_input = 2 * first_input + 1 - source_input;
  // oneDNN has no tensors of rank 0.
  const auto dense = [](const TensorDescription& value) {
    return DenseDescriptor(value.type, value.shape.empty() ? Shape{1} : value.shape);
  };
  return TryMakeKernel([&]() -> absl::StatusOr<std::unique_ptr<Kernel>> {
    // Strides that a descriptor refuses, of diagonals, throw too.
    const auto source = Descriptor(type, outer, &ContractionDimension::a, rows.size, depth.size, a);
    const auto weights =
        Descriptor(type, outer, &ContractionDimension::b, depth.size, columns.size, b);
    const auto destination =
        Descriptor(type, outer, &ContractionDimension::c, rows.size, columns.size, c);
    std::vector<Operand> inputs = {
        {DNNL_ARG_SRC, source_input, source, dense(request.inputs[source_input])},
        {DNNL_ARG_WEIGHTS, weights_input, weights, dense(request.inputs[weights_input])}};
    const std::vector<Operand> outputs = {
        {DNNL_ARG_DST, 0, destination, dense(request.outputs[0])}};
    dnnl::matmul::primitive_desc descriptor;
    if (has_bias) {
      const dnnl::memory::desc bias(Dims{1, columns.size}, ElementType(type),
                                    Dims{columns.size, 1});
      inputs.push_back({DNNL_ARG_BIAS, 2, bias, dense(request.inputs[2])});
      descriptor = Describe<dnnl::matmul>(DefaultAttributes(), source, weights, bias, destination);
    } else {
      descriptor = Describe<dnnl::matmul>(DefaultAttributes(), source, weights, destination);
    }
    if (IsReference(descriptor.impl_info_str())) return nullptr;
    return MakePrimitiveKernel<dnnl::matmul>(descriptor, inputs, outputs);
  });
}

}  // namespace strop::onednn
