// Einsum-12: Y[output] = Σ over the subscripts that the output lacks of Π operands, with ellipses
// that broadcast, repeated subscripts (diagonals) and implicit outputs.
//
//   dA_i[subscripts of A_i] = the same sum over dY and the other operands; subscripts that only A_i
//   has are broadcast, a diagonal leaves the rest of dA_i zero
//
// Operands are contracted from left to right, each pair as matrix products.

#include <set>

#include "absl/strings/str_cat.h"
#include "ops/core/family.h"
#include "ops/einsum/einsum_equation.h"
#include "ops/kernels/contraction_kernel.h"
#include "ops/kernels/onednn/contraction.h"

namespace strop {
namespace {

// ---- Attributes

std::string Equation(const Node& node) { return node.attributes.String("equation", ""); }

// ---- Type rules

std::vector<int64_t> Ranks(const std::vector<Shape>& shapes) {
  std::vector<int64_t> ranks;
  for (const Shape& shape : shapes) ranks.push_back(static_cast<int64_t>(shape.size()));
  return ranks;
}

absl::StatusOr<Shape> OutputShape(const Node& node, const std::vector<Shape>& shapes) {
  STROP_ASSIGN_OR_RETURN(const EinsumEquation equation,
                         EinsumEquation::Parse(Equation(node), Ranks(shapes)));
  STROP_ASSIGN_OR_RETURN(const auto sizes, equation.Sizes(shapes));
  Shape shape;
  for (const int label : equation.output) shape.push_back(sizes.at(label));
  return shape;
}

absl::Status EinsumShape(ShapeContext& context) {
  std::vector<Shape> shapes;
  for (size_t i = 0; i < context.input_count(); ++i) shapes.push_back(context.input(i));
  absl::StatusOr<Shape> shape = OutputShape(context.node(), shapes);
  if (!shape.ok()) {
    return context.Mismatch(std::string(shape.status().message()),
                            "inputs that fit \"" + Equation(context.node()) + "\"");
  }
  context.set_output(0, *std::move(shape));
  return absl::OkStatus();
}

// ---- Gradient rule

// EinsumGradient(A_i: shape, dY, the other operands) with the number of A_i.
absl::Status EmitEinsumGradient(GradientContext& context) {
  const size_t count = context.node().inputs.size();
  for (size_t i = 0; i < count; ++i) {
    if (!context.needs_gradient(i)) continue;
    std::vector<ValueId> inputs = {context.input(i), context.output_gradient(0)};
    for (size_t j = 0; j < count; ++j) {
      if (j != i) inputs.push_back(context.input(j));
    }
    Attributes attributes = context.node().attributes;
    attributes.Set("operand", static_cast<int64_t>(i));
    context.SetInputGradient(
        i, context.EmitStrop("EinsumGradient", std::move(inputs), std::move(attributes)));
  }
  return absl::OkStatus();
}

// ---- Kernels

// By how much a tensor steps when a subscript does; a diagonal steps along several axes at once.
using Strides = std::map<int, int64_t>;

struct EinsumOperand {
  EinsumLabels labels;
  Shape shape;

  Strides strides() const {
    const Shape dense = DenseStrides(shape);
    Strides strides;
    for (size_t axis = 0; axis < labels.size(); ++axis) {
      if (shape[axis] != 1) strides[labels[axis]] += dense[axis];
    }
    return strides;
  }
};

// A chain of pairwise contractions: ((x0·x1)·x2)·…; a single operand is multiplied by 1.
struct EinsumPlan {
  std::vector<Contraction> steps;
  std::vector<int64_t> intermediates;  // elements of each step's result but the last's
  int64_t output_count = 0;
  bool clears_output = false;  // the result is a diagonal of the output
  size_t first_input = 0;
};

int64_t StrideOf(const Strides& strides, int label) {
  const auto found = strides.find(label);
  return found == strides.end() ? 0 : found->second;
}

Contraction PairContraction(const Strides& a, const Strides& b, const Strides& c,
                            const std::map<int, int64_t>& sizes, const EinsumLabels& order) {
  std::vector<ContractionDimension> dimensions;
  for (const int label : order) {
    const ContractionDimension index = {sizes.at(label), StrideOf(a, label), StrideOf(b, label),
                                        StrideOf(c, label)};
    if (index.a != 0 || index.b != 0 || index.c != 0) dimensions.push_back(index);
  }
  return PlanContraction(std::move(dimensions));
}

EinsumPlan PlanChain(const std::vector<EinsumOperand>& operands, const EinsumOperand& output,
                     const std::map<int, int64_t>& sizes) {
  EinsumLabels order;
  for (const auto& [label, size] : sizes) order.push_back(label);
  EinsumPlan plan;
  plan.output_count = ElementCount(output.shape);
  const std::set<int> distinct(output.labels.begin(), output.labels.end());
  plan.clears_output = distinct.size() < output.labels.size();
  Strides left = operands[0].strides();
  const size_t step_count = std::max<size_t>(operands.size(), 2) - 1;
  for (size_t step = 0; step < step_count; ++step) {
    const Strides right = operands.size() == 1 ? Strides() : operands[step + 1].strides();
    Strides result = output.strides();
    if (step + 1 < step_count) {
      // What this step leaves: subscripts of either side that are needed later.
      EinsumOperand intermediate;
      for (const int label : order) {
        const bool is_here = left.count(label) + right.count(label) > 0;
        bool is_needed = distinct.count(label) > 0;
        for (size_t later = step + 2; later < operands.size(); ++later) {
          is_needed = is_needed || operands[later].strides().count(label) > 0;
        }
        if (!is_here || !is_needed) continue;
        intermediate.labels.push_back(label);
        intermediate.shape.push_back(sizes.at(label));
      }
      plan.intermediates.push_back(ElementCount(intermediate.shape));
      result = intermediate.strides();
    }
    plan.steps.push_back(PairContraction(left, right, result, sizes, order));
    left = std::move(result);
  }
  return plan;
}

absl::StatusOr<EinsumPlan> ForwardPlan(const KernelRequest& request) {
  std::vector<Shape> shapes;
  for (const TensorDescription& input : request.inputs) shapes.push_back(input.shape);
  STROP_ASSIGN_OR_RETURN(const EinsumEquation equation,
                         EinsumEquation::Parse(Equation(request.node), Ranks(shapes)));
  STROP_ASSIGN_OR_RETURN(const auto sizes, equation.Sizes(shapes));
  std::vector<EinsumOperand> operands;
  for (size_t i = 0; i < shapes.size(); ++i) operands.push_back({equation.operands[i], shapes[i]});
  return PlanChain(operands, {equation.output, request.outputs[0].shape}, sizes);
}

absl::StatusOr<EinsumPlan> GradientPlan(const KernelRequest& request) {
  const auto operand = static_cast<size_t>(request.node.attributes.Int("operand", 0));
  std::vector<Shape> shapes;
  for (size_t i = 2; i < request.inputs.size(); ++i) shapes.push_back(request.inputs[i].shape);
  shapes.insert(shapes.begin() + static_cast<std::ptrdiff_t>(operand), request.inputs[0].shape);
  STROP_ASSIGN_OR_RETURN(const EinsumEquation equation,
                         EinsumEquation::Parse(Equation(request.node), Ranks(shapes)));
  STROP_ASSIGN_OR_RETURN(const auto sizes, equation.Sizes(shapes));
  std::vector<EinsumOperand> operands = {{equation.output, request.inputs[1].shape}};
  for (size_t i = 0; i < shapes.size(); ++i) {
    if (i != operand) operands.push_back({equation.operands[i], shapes[i]});
  }
  EinsumPlan plan = PlanChain(operands, {equation.operands[operand], shapes[operand]}, sizes);
  plan.first_input = 1;
  return plan;
}

template <absl::StatusOr<EinsumPlan> (*kPlan)(const KernelRequest&)>
absl::StatusOr<std::unique_ptr<Kernel>> Onednn(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const EinsumPlan plan, kPlan(request));
  if (plan.steps.size() != 1 || plan.clears_output ||
      request.inputs.size() != plan.first_input + 2) {
    return nullptr;
  }
  return onednn::ProductKernel(request, plan.steps[0], false, plan.first_input);
}

template <typename T>
void RunChain(const EinsumPlan& plan, const KernelArguments& arguments) {
  static const T kOne = static_cast<T>(1.0f);
  T* const y = arguments.output<T>(0);
  if (plan.clears_output) std::fill_n(y, plan.output_count, static_cast<T>(0.0f));
  T* space = reinterpret_cast<T*>(static_cast<char*>(arguments.workspace) +
                                  ContractionWorkspaceBytes<T>());
  const T* left = arguments.input<T>(plan.first_input);
  for (size_t step = 0; step < plan.steps.size(); ++step) {
    const size_t input = plan.first_input + step + 1;
    const T* right = input < arguments.inputs.size() ? arguments.input<T>(input) : &kOne;
    T* const result = step + 1 < plan.steps.size() ? space : y;
    Contract<T>(plan.steps[step], left, right, result, ComputeType<T>{1}, false,
                arguments.workspace);
    left = result;
    if (step + 1 < plan.steps.size()) space += plan.intermediates[step];
  }
}

template <absl::StatusOr<EinsumPlan> (*kPlan)(const KernelRequest&)>
absl::StatusOr<std::unique_ptr<Kernel>> Generic(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const EinsumPlan plan, kPlan(request));
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitProduct(request.outputs[0].type, request.node.op_type, [&]<typename T>() {
        size_t bytes = ContractionWorkspaceBytes<T>();
        for (const int64_t count : plan.intermediates)
          bytes += static_cast<size_t>(count) * sizeof(T);
        kernel = MakeKernel(
            [plan](const KernelArguments& arguments) {
              RunChain<T>(plan, arguments);
              return absl::OkStatus();
            },
            bytes);
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

// ---- Definitions

OpDefinition Einsum() {
  return {.name = "Einsum",
          .since_version = 12,
          .minimum_inputs = 1,
          .maximum_inputs = kVariadic,
          .shapes = EinsumShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = EmitEinsumGradient,
          .kernels = {Onednn<ForwardPlan>, Generic<ForwardPlan>},
          .roles = {{0, "weight", ConstantUse::kTrained, true},
                    {1, "weight", ConstantUse::kTrained, true},
                    {2, "weight", ConstantUse::kTrained, true}},
          .watch = OutputWatch()};
}

OpDefinition EinsumGradient() {
  return {.name = "EinsumGradient",
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = kVariadic,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {Onednn<GradientPlan>, Generic<GradientPlan>},
          .input_use = {InputUse::kShapeOnly, InputUse::kElements}};
}

}  // namespace

const RegisteredFamily kEinsum = {"einsum", {Einsum(), EinsumGradient()}};

}  // namespace strop
