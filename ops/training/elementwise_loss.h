#pragma once

// Losses that compare a prediction x with a target t of its shape, element by element, with a
// weight w that broadcasts to x. A loss is a Function, made of its node, with the templates
//   C Loss(C x, C t, C w)         of one element
//   C Derivative(C x, C t, C w)   of it by x
// and two definitions, ElementwiseLoss<Function> and ElementwiseLossGradient<Function>, the name of
// the second being the first's and "Gradient". The attribute `reduction` makes of the elements'
// losses their mean, their sum, or nothing.
//
//   <Name>(x, t[, w]) → loss
//   <Name>Gradient(dloss, x, t[, w]) → dx

#include <algorithm>
#include <memory>
#include <string_view>

#include "absl/status/statusor.h"
#include "graph/status_macros.h"
#include "graph/visit_type.h"
#include "ops/core/op_definition.h"
#include "ops/kernels/broadcast.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/workspace.h"
#include "ops/training/loss_reduction.h"
#include "ops/training/loss_target.h"

namespace strop {

// ---- Type rules

absl::Status ElementwiseLossShape(ShapeContext& context);
absl::Status ElementwiseLossGradientShape(ShapeContext& context);
absl::Status ElementwiseLossGradientType(ElementTypeContext& context);

// ---- Gradient rule

absl::Status ElementwiseLossGradientRule(GradientContext& context);

// ---- Kernels

// Elements whose losses are summed before they join the others: the sum's order depends on nothing
// but their number.
inline constexpr int64_t kLossBlock = 4096;

// The target and the weight of a loss in the compute type C.
template <typename C>
class LossOperands {
 public:
  LossOperands(const KernelRequest& request, size_t first)
      : first_(first),
        count_(request.inputs[first].element_count()),
        target_type_(request.inputs[first + 1].type),
        walk_(request.inputs[first].shape,
              {request.has_input(first + 2) ? request.inputs[first + 2].shape : Shape()}) {
    if (target_type_ != DataTypeOf<C>::value) bytes_ = AlignedBytes(Bytes(count_));
    if (!request.has_input(first + 2)) return;
    const TensorDescription& weight = request.inputs[first + 2];
    weight_type_ = weight.type;
    weight_count_ = weight.element_count();
    bytes_ += AlignedBytes(Bytes(weight_count_));
  }

  size_t workspace_bytes() const { return bytes_; }

  // Reads the operands of this step into `workspace` where they are not in C already. Without a
  // weight there is one of 1.
  absl::Status Prepare(const KernelArguments& arguments, void* workspace, const C*& target,
                       const C*& weight) const {
    C* next = static_cast<C*>(workspace);
    target = static_cast<const C*>(arguments.inputs[first_ + 1]);
    if (target_type_ != DataTypeOf<C>::value) {
      STROP_RETURN_IF_ERROR(
          ReadNumbers<C>(target_type_, target, absl::MakeSpan(next, static_cast<size_t>(count_))));
      target = next;
      next += AlignedBytes(Bytes(count_)) / sizeof(C);
    }
    static constexpr C kOne = 1;
    weight = &kOne;
    if (weight_type_ == DataType::kUndefined) return absl::OkStatus();
    STROP_RETURN_IF_ERROR(ReadNumbers<C>(weight_type_, arguments.inputs[first_ + 2],
                                         absl::MakeSpan(next, static_cast<size_t>(weight_count_))));
    weight = next;
    return absl::OkStatus();
  }

  // Calls visit(i, w) for the elements [begin, end) of x in order: w is the index of the weight
  // that broadcasts to element i.
  template <typename Visit>
  void ForEach(int64_t begin, int64_t end, const Visit& visit) const {
    const int64_t step = walk_.inner_step(0);
    walk_.ForEachRow(begin, end, [&](const BroadcastWalk::Row& row) {
      const int64_t offset = row.offsets[0];
      for (int64_t i = 0; i < row.count; ++i) visit(row.begin + i, offset + i * step);
    });
  }

 private:
  static size_t Bytes(int64_t count) { return sizeof(C) * static_cast<size_t>(count); }

  size_t first_;
  int64_t count_;
  DataType target_type_;
  DataType weight_type_ = DataType::kUndefined;
  int64_t weight_count_ = 0;
  size_t bytes_ = 0;
  BroadcastWalk walk_;  // of the weight over x
};

template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> ElementwiseLossKernel(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const auto make = [&]<typename T>() {
    using C = ComputeType<T>;
    const LossOperands<C> operands(request, 0);
    const int64_t count = request.inputs[0].element_count();
    const int64_t blocks = (count + kLossBlock - 1) / kLossBlock;
    const size_t sums_bytes = AlignedBytes(sizeof(double) * static_cast<size_t>(blocks));
    const LossReduction reduction = ReductionOf(request.node);
    kernel = MakeKernel(
        [=, function = Function(request.node)](const KernelArguments& arguments) -> absl::Status {
          const T* x = arguments.input<T>(0);
          T* y = arguments.output<T>(0);
          double* sums = static_cast<double*>(arguments.workspace);
          const C* target = nullptr;
          const C* weight = nullptr;
          STROP_RETURN_IF_ERROR(
              operands.Prepare(arguments, static_cast<std::byte*>(arguments.workspace) + sums_bytes,
                               target, weight));
          ParallelFor(blocks, 1, [&](int64_t begin, int64_t end) {
            for (int64_t block = begin; block < end; ++block) {
              double sum = 0;
              const int64_t last = std::min(count, (block + 1) * kLossBlock);
              operands.ForEach(block * kLossBlock, last, [&](int64_t i, int64_t w) {
                const C loss = function.Loss(static_cast<C>(x[i]), target[i], weight[w]);
                if (reduction == LossReduction::kNone) y[i] = static_cast<T>(loss);
                sum += static_cast<double>(loss);
              });
              sums[block] = sum;
            }
          });
          if (reduction == LossReduction::kNone) return absl::OkStatus();
          double sum = 0;
          for (int64_t block = 0; block < blocks; ++block) sum += sums[block];
          if (reduction == LossReduction::kMean) sum /= static_cast<double>(count);
          y[0] = static_cast<T>(static_cast<C>(sum));
          return absl::OkStatus();
        },
        sums_bytes + operands.workspace_bytes());
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(VisitFloating(request.inputs[0].type, request.node.op_type, make));
  return kernel;
}

template <typename Function>
absl::StatusOr<std::unique_ptr<Kernel>> ElementwiseLossGradientKernel(
    const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const auto make = [&]<typename T>() {
    using C = ComputeType<T>;
    const LossOperands<C> operands(request, 1);
    const int64_t count = request.inputs[1].element_count();
    const LossReduction reduction = ReductionOf(request.node);
    kernel = MakeKernel(
        [=, function = Function(request.node)](const KernelArguments& arguments) -> absl::Status {
          const T* dloss = arguments.input<T>(0);
          const T* x = arguments.input<T>(1);
          T* dx = arguments.output<T>(0);
          const C* target = nullptr;
          const C* weight = nullptr;
          STROP_RETURN_IF_ERROR(operands.Prepare(arguments, arguments.workspace, target, weight));
          const C divisor = reduction == LossReduction::kMean ? static_cast<C>(count) : C{1};
          const int64_t step = reduction == LossReduction::kNone ? 1 : 0;
          ParallelFor(count, kElementwiseGrain, [&](int64_t begin, int64_t end) {
            operands.ForEach(begin, end, [&](int64_t i, int64_t w) {
              const C scale = static_cast<C>(dloss[i * step]) / divisor;
              const C derivative = function.Derivative(static_cast<C>(x[i]), target[i], weight[w]);
              dx[i] = static_cast<T>(scale * derivative);
            });
          });
          return absl::OkStatus();
        },
        operands.workspace_bytes());
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(VisitFloating(request.inputs[1].type, request.node.op_type, make));
  return kernel;
}

// ---- Definitions

template <typename Function>
OpDefinition ElementwiseLoss(std::string_view name, absl::Status (*check_attributes)(const Node&),
                             Differentiability by_target, int maximum_inputs) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = maximum_inputs,
          .check_attributes = check_attributes,
          .shapes = ElementwiseLossShape,
          .differentiability = {Differentiability::kDifferentiable, by_target,
                                Differentiability::kNotImplemented},
          .gradient = ElementwiseLossGradientRule,
          .kernels = {ElementwiseLossKernel<Function>}};
}

template <typename Function>
OpDefinition ElementwiseLossGradient(std::string_view name,
                                     absl::Status (*check_attributes)(const Node&),
                                     int maximum_inputs) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = maximum_inputs,
          .check_attributes = check_attributes,
          .element_types = ElementwiseLossGradientType,
          .shapes = ElementwiseLossGradientShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {ElementwiseLossGradientKernel<Function>},
          .in_place = {{1, 0}}};
}

}  // namespace strop
