// A loss that a program computes, with its gradient, in one call: see ops/training/host_loss.h.
//
//   HostLoss(t, x₁, …, xₙ)   loss, rank 0, in x₁'s type; behind it ∂loss/∂x₁, …, ∂loss/∂xₙ
//                            dxᵢ = dloss · ∂loss/∂xᵢ
//
// The gradients are outputs beyond the loss, which the gradient rule asks for; where nobody does,
// only the loss is computed. The attribute `number` says which loss, `names` what the xᵢ are called.

#include "ops/training/host_loss.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/visit_type.h"
#include "ops/core/family.h"

namespace strop {
namespace {

// All that there are, by their numbers.
struct HostLosses {
  std::mutex mutex;
  std::map<int64_t, std::weak_ptr<const HostLoss>> by_number;
  int64_t last = 0;

  static HostLosses& Get() {
    static HostLosses* const losses = new HostLosses();
    return *losses;
  }
};

// ---- Type rules

absl::Status HostLossTypes(ElementTypeContext& context) {
  context.set_output(0, context.input(1));
  for (size_t i = 1; i < context.output_count(); ++i) {
    STROP_RETURN_IF_ERROR(context.ExpectFloating(i));
    context.set_output(i, context.input(i));
  }
  return absl::OkStatus();
}

absl::Status HostLossShapes(ShapeContext& context) {
  context.set_output(0, {});
  for (size_t i = 1; i < context.output_count(); ++i) context.set_output(i, context.input(i));
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status HostLossGradient(GradientContext& context) {
  const ValueId dloss = context.output_gradient(0);
  for (size_t i = 1; i < context.node().inputs.size(); ++i) {
    if (!context.needs_gradient(i)) continue;
    ValueId scale = dloss;
    const DataType type = context.element_type(context.input(i));
    if (type != context.element_type(dloss)) {
      scale = context.Emit("Cast", {dloss}, {{"to", static_cast<int64_t>(type)}});
    }
    context.SetInputGradient(i, context.Emit("Mul", {context.output(i), scale}));
  }
  return absl::OkStatus();
}

// ---- Kernel

absl::StatusOr<std::unique_ptr<Kernel>> HostLossKernel(const KernelRequest& request) {
  const int64_t number = request.node.attributes.Int("number", 0);
  std::shared_ptr<const HostLoss> loss = HostLoss::Find(number);
  if (loss == nullptr) {
    return absl::InternalError(
        absl::StrCat(NodeLabel(request.node), ": there is no loss ", number));
  }
  const std::vector<std::string> names = request.node.attributes.Strings("names");
  std::vector<TensorDescription> inputs(request.inputs.begin(), request.inputs.end());
  std::vector<bool> wanted;
  for (size_t i = 1; i < inputs.size(); ++i) wanted.push_back(request.has_output(i));
  const bool wants_any = std::find(wanted.begin(), wanted.end(), true) != wanted.end();
  const DataType type = request.outputs[0].type;
  return MakeKernel([=](const KernelArguments& arguments) -> absl::Status {
    std::vector<Tensor> seen;
    for (size_t i = 0; i < inputs.size(); ++i) {
      seen.push_back(Tensor::Borrow(inputs[i].type, inputs[i].shape, arguments.inputs[i], nullptr));
    }
    std::vector<Tensor> gradients;
    for (size_t i = 1; wants_any && i < inputs.size(); ++i) {
      if (!wanted[i - 1]) {
        gradients.emplace_back(inputs[i].type, inputs[i].shape);  // computed, and not read
        continue;
      }
      std::memset(arguments.outputs[i], 0, BytesFor(inputs[i].type, inputs[i].element_count()));
      gradients.push_back(
          Tensor::Borrow(inputs[i].type, inputs[i].shape, arguments.outputs[i], nullptr));
    }
    STROP_ASSIGN_OR_RETURN(const double value,
                           loss->Compute({.names = names,
                                          .outputs = absl::MakeSpan(seen).subspan(1),
                                          .target = seen[0],
                                          .gradients = absl::MakeSpan(gradients)}));
    return VisitFloating(type, "HostLoss", [&]<typename T>() {
      arguments.output<T>(0)[0] = static_cast<T>(static_cast<ComputeType<T>>(value));
      return absl::OkStatus();
    });
  });
}

// ---- Definition

OpDefinition Definition() {
  return {
      .name = "HostLoss",
      .domain = kStropDomain,
      .minimum_inputs = 2,
      .maximum_inputs = kVariadic,
      .maximum_outputs = kVariadic,
      .element_types = HostLossTypes,
      .shapes = HostLossShapes,
      .differentiability = {Differentiability::kNotImplemented, Differentiability::kDifferentiable},
      .gradient = HostLossGradient,
      .kernels = {HostLossKernel},
      // What the program's function gives twice need not be the same.
      .is_random = true};
}

}  // namespace

std::shared_ptr<const HostLoss> HostLoss::Create(Function function) {
  std::shared_ptr<HostLoss> loss(new HostLoss(std::move(function)));
  HostLosses& losses = HostLosses::Get();
  const std::lock_guard<std::mutex> locked(losses.mutex);
  loss->number_ = ++losses.last;
  losses.by_number[loss->number_] = loss;
  return loss;
}

HostLoss::~HostLoss() {
  HostLosses& losses = HostLosses::Get();
  const std::lock_guard<std::mutex> locked(losses.mutex);
  losses.by_number.erase(number_);
}

std::shared_ptr<const HostLoss> HostLoss::Find(int64_t number) {
  HostLosses& losses = HostLosses::Get();
  const std::lock_guard<std::mutex> locked(losses.mutex);
  const auto found = losses.by_number.find(number);
  return found == losses.by_number.end() ? nullptr : found->second.lock();
}

const RegisteredFamily kHostLoss = {"host_loss", {Definition()}};

}  // namespace strop
