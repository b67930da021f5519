#include "plugin/operations/check.h"

// Compares gradients with finite differences, in double precision. For each tensor t
// and a random direction v, with L = Σ cotangent · output:
//   analytic  ⟨∂L/∂t, v⟩
//   numeric   (8·(L(t + h·v) − L(t − h·v)) − (L(t + 2h·v) − L(t − 2h·v))) / 12h,   error O(h⁴)

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/table/path_role.h"
#include "plugin/session/vector_jacobian.h"

namespace strop {
namespace {

// The scale of a step that a kink (ReLU, MaxPool) may spoil is tried smaller.
constexpr double kSteps[] = {1e-4, 1e-5, 1e-6};

// A derivative that is a smaller share of L's terms drowns in their rounding: errors are then
// relative to this share.
constexpr double kSmallestShare = 1e-5;

Tensor RandomTensor(const Shape& shape, std::mt19937_64& random) {
  std::normal_distribution<double> normal;
  Tensor tensor(DataType::kDouble, shape);
  for (double& number : tensor.mutable_elements<double>()) number = normal(random);
  return tensor;
}

// A direction of the length of the tensor itself, but not shorter than 1.
Tensor RandomDirection(const Tensor& at, std::mt19937_64& random) {
  Tensor direction = RandomTensor(at.shape(), random);
  double squares = 0;
  double length = 0;
  for (const double number : at.elements<double>()) length += number * number;
  for (const double number : direction.elements<double>()) squares += number * number;
  const double scale = std::max(1.0, std::sqrt(length)) / std::sqrt(std::max(squares, 1e-300));
  for (double& number : direction.mutable_elements<double>()) number *= scale;
  return direction;
}

struct Products {
  double sum = 0;
  double magnitude = 0;  // Σ |aᵢ·bᵢ|: what rounding errors are relative to
};

Products Dot(const Tensor& a, const Tensor& b) {
  Products products;
  const auto left = a.elements<double>();
  const auto right = b.elements<double>();
  for (size_t i = 0; i < left.size(); ++i) {
    products.sum += left[i] * right[i];
    products.magnitude += std::abs(left[i] * right[i]);
  }
  return products;
}

Tensor Moved(const Tensor& at, const Tensor& direction, double distance) {
  Tensor moved = at.Clone();
  const auto steps = direction.elements<double>();
  auto elements = moved.mutable_elements<double>();
  for (size_t i = 0; i < elements.size(); ++i) elements[i] += distance * steps[i];
  return moved;
}

// The model with everything that a check moves.
class GradientCheck {
 public:
  static absl::StatusOr<GradientCheck> Create(const ImportedModel& model,
                                              const Differentiation& differentiation,
                                              std::vector<Tensor> feeds,
                                              const ModelOptions& options) {
    GradientCheck check;
    check.random_.seed(options.seed);
    check.feeds_ = std::move(feeds);
    check.store_ = std::make_shared<StateStore>();
    Graph forward = model.graph;
    forward.outputs = differentiation.outputs;
    forward.state_updates.clear();
    STROP_ASSIGN_OR_RETURN(check.forward_,
                           Session::Create(std::move(forward), check.store_, options.plan));
    STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> outputs,
                           check.forward_->Run(check.feeds_));
    for (const Tensor& output : outputs) {
      check.cotangents_.push_back(RandomTensor(output.shape(), check.random_));
    }
    STROP_ASSIGN_OR_RETURN(
        const std::unique_ptr<VectorJacobian> product,
        VectorJacobian::Create(model, differentiation, check.store_, options.plan));
    STROP_ASSIGN_OR_RETURN(check.gradients_, product->Run(check.feeds_, check.cotangents_, 0));
    return check;
  }

  // Of the tensor `wrt`, which is the number-th that is differentiated by.
  absl::StatusOr<CheckedGradient> Compare(const Value& wrt, size_t number, int input,
                                          double tolerance) {
    Tensor at;
    if (input >= 0) {
      at = feeds_[static_cast<size_t>(input)];
    } else {
      STROP_ASSIGN_OR_RETURN(at, store_->Read(wrt.name));
    }
    const Tensor direction = RandomDirection(at, random_);
    const auto loss_at = [&](double distance) -> absl::StatusOr<Products> {
      const Tensor moved = Moved(at, direction, distance);
      if (input >= 0) {
        feeds_[static_cast<size_t>(input)] = moved;
      } else {
        STROP_RETURN_IF_ERROR(store_->Write(wrt.name, moved));
      }
      return Loss();
    };
    CheckedGradient best{.tensor = wrt.name};
    const Products analytic = Dot(gradients_[number], direction);
    best.analytic = analytic.sum;
    for (const double h : kSteps) {
      STROP_ASSIGN_OR_RETURN(const Products ahead, loss_at(h));
      STROP_ASSIGN_OR_RETURN(const Products behind, loss_at(-h));
      STROP_ASSIGN_OR_RETURN(const Products far_ahead, loss_at(2 * h));
      STROP_ASSIGN_OR_RETURN(const Products far_behind, loss_at(-2 * h));
      const double numeric =
          (8 * (ahead.sum - behind.sum) - (far_ahead.sum - far_behind.sum)) / (12 * h);
      const double scale = std::max(
          {std::abs(analytic.sum), std::abs(numeric), kSmallestShare * ahead.magnitude, 1e-300});
      const double error = std::abs(analytic.sum - numeric) / scale;
      if (!(error < best.relative_error)) continue;
      best.numeric = numeric;
      best.relative_error = error;
      if (error <= tolerance) break;
    }
    STROP_RETURN_IF_ERROR(loss_at(0).status());  // back where it was
    best.is_ok = best.relative_error <= tolerance;
    return best;
  }

 private:
  GradientCheck() = default;

  absl::StatusOr<Products> Loss() {
    forward_->set_step(0);
    STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> outputs, forward_->Run(feeds_));
    Products loss;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Products of_output = Dot(outputs[i], cotangents_[i]);
      loss.sum += of_output.sum;
      loss.magnitude += of_output.magnitude;
    }
    return loss;
  }

  std::mt19937_64 random_;
  std::vector<Tensor> feeds_;
  std::shared_ptr<StateStore> store_;
  std::unique_ptr<Session> forward_;
  std::vector<Tensor> cotangents_;
  std::vector<Tensor> gradients_;
};

}  // namespace

void AddCheckOptions(OptionSet& set, CheckOptions& options) {
  AddModelArgument(set, options.model);
  set.Add({{.name = "inputs",
            .target = &options.inputs,
            .path = PathRole::kInputFile,
            .help = "Arrays by input name (.npz); without it, random ones"},
           {.name = "shape",
            .target = &options.shapes,
            .value_name = "NAME=1,3,224,224",
            .is_repeated = true,
            .help = "Shape of a random input; unknown dimensions are 2 otherwise"},
           {.name = "tolerance",
            .target = &options.tolerance,
            .has_default = true,
            .help = "Largest relative error"}});
  AddThreadsOption(set, options.model);
  AddDisablePassOption(set, options.model);
  AddSeedOption(set, options.model);
  AddSelectionOptions(set, options.model);
}

absl::StatusOr<std::vector<CheckedGradient>> CheckGradients(
    const CheckOptions& options, const std::function<void(const CheckedGradient&)>& on_tensor) {
  ModelOptions in_double = options.model;
  in_double.precision = "f64";
  STROP_ASSIGN_OR_RETURN(const ImportedModel model, LoadModel(in_double));
  STROP_ASSIGN_OR_RETURN(const Differentiation differentiation, ChooseDifferentiation(model, {}));
  std::vector<Tensor> feeds;
  if (options.inputs.empty()) {
    STROP_ASSIGN_OR_RETURN(const auto shapes, ParseShapes(options.shapes));
    STROP_ASSIGN_OR_RETURN(feeds, RandomFeeds(model.graph, shapes, 2, options.model.seed));
  } else {
    STROP_ASSIGN_OR_RETURN(const std::vector<NamedTensor> arrays, ReadNpz(options.inputs));
    STROP_ASSIGN_OR_RETURN(feeds, FeedsByName(model.graph, arrays, options.inputs));
  }
  STROP_ASSIGN_OR_RETURN(
      GradientCheck check,
      GradientCheck::Create(model, differentiation, std::move(feeds), options.model));
  std::vector<CheckedGradient> checked;
  for (size_t i = 0; i < differentiation.wrt.size(); ++i) {
    const ValueId id = differentiation.wrt[i];
    const Value& wrt = model.graph.value(id);
    const auto input = std::find(model.graph.inputs.begin(), model.graph.inputs.end(), id);
    const int index = input == model.graph.inputs.end()
                          ? -1
                          : static_cast<int>(input - model.graph.inputs.begin());
    STROP_ASSIGN_OR_RETURN(CheckedGradient of_tensor,
                           check.Compare(wrt, i, index, options.tolerance));
    if (on_tensor) on_tensor(of_tensor);
    checked.push_back(std::move(of_tensor));
  }
  return checked;
}

absl::Status VerdictOf(const std::vector<CheckedGradient>& checked, double tolerance) {
  const auto bad = std::count_if(checked.begin(), checked.end(),
                                 [](const CheckedGradient& gradient) { return !gradient.is_ok; });
  if (bad == 0) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("check: ", bad, " of ", checked.size(),
                                          " gradients differ from finite differences by more than ",
                                          tolerance));
}

nlohmann::ordered_json ToJson(const CheckedGradient& checked) {
  return {{"tensor", checked.tensor},
          {"analytic", checked.analytic},
          {"numeric", checked.numeric},
          {"relative_error", checked.relative_error},
          {"ok", checked.is_ok}};
}

Operation CheckOperation() {
  Operation operation(kCheck);
  const auto options = std::make_shared<CheckOptions>();
  AddCheckOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->model.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const std::vector<CheckedGradient> checked,
                           CheckGradients(*options, nullptr));
    STROP_RETURN_IF_ERROR(VerdictOf(checked, options->tolerance));
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const CheckedGradient& gradient : checked) json.push_back(ToJson(gradient));
    return json;
  };
  return operation;
}

}  // namespace strop
