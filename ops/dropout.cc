// Dropout-22: y = x·mask/(1 − ratio), each element kept with probability 1 − ratio; y = x without
// training_mode, or with ratio 0.  dx = dy·mask/(1 − ratio).
//
// What is dropped is a function of the run's seed, the step, and the node's attributes `seed` and
// `stream` (the importer numbers the random nodes), never of threads or of the order of execution.
// The mask is saved for backward, one byte an element.

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"
#include "ops/core/family.h"
#include "ops/kernels/parallel_for.h"
#include "ops/kernels/philox.h"

namespace strop {
namespace {

// ---- Attributes

struct DropoutAttributes {
  uint64_t seed;    // of the model; added to the run's
  uint64_t stream;  // tells the graph's random nodes apart

  explicit DropoutAttributes(const Node& node)
      : seed(static_cast<uint64_t>(node.attributes.Int("seed", 0))),
        stream(static_cast<uint64_t>(node.attributes.Int("stream", 0))) {}
};

constexpr double kDefaultRatio = 0.5;

// Inputs and outputs by number.
constexpr size_t kRatio = 1;
constexpr size_t kTrainingMode = 2;
constexpr size_t kMask = 1;

// ---- Type rule

absl::Status DropoutTypes(ElementTypeContext& context) {
  context.set_output(0, context.input(0));
  context.set_output(kMask, DataType::kBool);
  return absl::OkStatus();
}

absl::Status DropoutShape(ShapeContext& context) {
  for (const size_t i : {kRatio, kTrainingMode}) {
    if (context.has_input(i) && ElementCount(context.input(i)) != 1) {
      return context.Mismatch(absl::StrCat("input ", i, " of shape ", ShapeName(context.input(i))),
                              "a scalar");
    }
  }
  return SameShapeAsInput0(context);
}

// ---- Gradient rule

absl::Status EmitDropoutGradient(GradientContext& context) {
  if (context.output_gradient(0) == kNoValue) {
    context.SetZeroGradient(0);
    return absl::OkStatus();
  }
  const std::vector<ValueId>& inputs = context.node().inputs;
  if (inputs.size() <= kTrainingMode || inputs[kTrainingMode] == kNoValue) {
    context.SetInputGradient(0, context.output_gradient(0));
    return absl::OkStatus();
  }
  context.SetInputGradient(
      0, context.EmitStrop("DropoutGradient", {context.output_gradient(0), context.output(kMask),
                                               inputs[kRatio], inputs[kTrainingMode]}));
  return absl::OkStatus();
}

absl::Status DropoutGradientTypes(ElementTypeContext& context) {
  STROP_RETURN_IF_ERROR(context.Expect(1, DataType::kBool));
  return SameElementTypeAsInput0(context);
}

// ---- Kernels

// The one number of a scalar input, read at run: a graph input may decide it.
using ScalarReader = double (*)(const void*);

absl::StatusOr<ScalarReader> ReaderOf(const KernelRequest& request, size_t input) {
  if (!request.has_input(input)) return nullptr;
  ScalarReader reader = nullptr;
  const absl::Status status =
      VisitNumeric(request.inputs[input].type, request.node.op_type, [&]<typename T>() {
        reader = [](const void* data) {
          return static_cast<double>(static_cast<ComputeType<T>>(*static_cast<const T*>(data)));
        };
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return reader;
}

// How much is dropped at this step.
class DropoutRatio {
 public:
  static absl::StatusOr<DropoutRatio> Of(const KernelRequest& request, size_t ratio_input,
                                         size_t mode_input) {
    DropoutRatio ratio;
    ratio.ratio_input_ = ratio_input;
    ratio.mode_input_ = mode_input;
    ratio.label_ = NodeLabel(request.node);
    STROP_ASSIGN_OR_RETURN(ratio.read_ratio_, ReaderOf(request, ratio_input));
    STROP_ASSIGN_OR_RETURN(ratio.read_mode_, ReaderOf(request, mode_input));
    return ratio;
  }

  // 0 outside training.
  absl::StatusOr<double> Read(const KernelArguments& arguments) const {
    if (read_mode_ == nullptr || read_mode_(arguments.inputs[mode_input_]) == 0) return 0.0;
    if (read_ratio_ == nullptr) return kDefaultRatio;
    const double ratio = read_ratio_(arguments.inputs[ratio_input_]);
    if (ratio >= 0 && ratio < 1) return ratio;
    return absl::InvalidArgumentError(
        absl::StrCat("node ", label_, ": ratio is ", ratio, ", expected a number in [0, 1)"));
  }

 private:
  size_t ratio_input_ = 0;
  size_t mode_input_ = 0;
  std::string label_;
  ScalarReader read_ratio_ = nullptr;
  ScalarReader read_mode_ = nullptr;
};

// Multiples of a cache line of masks, and of the four words that a counter gives.
constexpr int64_t kGrain = 4096;

template <typename T>
void Drop(const T* x, int64_t count, double ratio, const Philox& random, T* y, bool* mask) {
  using Compute = ComputeType<T>;
  const auto scale = static_cast<Compute>(1 / (1 - ratio));
  const auto threshold = static_cast<float>(ratio);
  ParallelFor(count, kGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; i += 4) {
      const Philox::Words words = random(static_cast<uint64_t>(i) / 4);
      for (int64_t j = i; j < std::min(i + 4, end); ++j) {
        const bool keep = UniformFloat(words[static_cast<size_t>(j - i)]) >= threshold;
        y[j] = keep ? static_cast<T>(static_cast<Compute>(x[j]) * scale) : static_cast<T>(0.0f);
        if (mask != nullptr) mask[j] = keep;
      }
    }
  });
}

template <typename T>
void Keep(const T* x, int64_t count, T* y, bool* mask) {
  ParallelFor(count, kGrain, [&](int64_t begin, int64_t end) {
    if (x != y) std::copy(x + begin, x + end, y + begin);
    if (mask != nullptr) std::fill(mask + begin, mask + end, true);
  });
}

absl::StatusOr<std::unique_ptr<Kernel>> DropoutGeneric(const KernelRequest& request) {
  const DropoutAttributes attributes(request.node);
  STROP_ASSIGN_OR_RETURN(const DropoutRatio dropped,
                         DropoutRatio::Of(request, kRatio, kTrainingMode));
  const int64_t count = request.outputs[0].element_count();
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel([=](const KernelArguments& arguments) -> absl::Status {
          STROP_ASSIGN_OR_RETURN(const double ratio, dropped.Read(arguments));
          const T* x = arguments.input<T>(0);
          T* y = arguments.output<T>(0);
          bool* mask = arguments.output<bool>(kMask);
          if (ratio == 0) {
            Keep(x, count, y, mask);
          } else {
            const Philox random(arguments.step.seed + attributes.seed, attributes.stream,
                                arguments.step.step);
            Drop(x, count, ratio, random, y, mask);
          }
          return absl::OkStatus();
        });
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> DropoutGradientGeneric(const KernelRequest& request) {
  STROP_ASSIGN_OR_RETURN(const DropoutRatio dropped, DropoutRatio::Of(request, 2, 3));
  const int64_t count = request.outputs[0].element_count();
  std::unique_ptr<Kernel> kernel;
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel([=](const KernelArguments& arguments) -> absl::Status {
          STROP_ASSIGN_OR_RETURN(const double ratio, dropped.Read(arguments));
          const T* dy = arguments.input<T>(0);
          const bool* mask = arguments.input<bool>(1);
          T* dx = arguments.output<T>(0);
          const auto scale = static_cast<ComputeType<T>>(1 / (1 - ratio));
          ParallelFor(count, kGrain, [&](int64_t begin, int64_t end) {
            for (int64_t i = begin; i < end; ++i) {
              dx[i] = mask[i] ? static_cast<T>(static_cast<ComputeType<T>>(dy[i]) * scale)
                              : static_cast<T>(0.0f);
            }
          });
          return absl::OkStatus();
        });
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

// ---- Definitions

OpDefinition Dropout() {
  return {
      .name = "Dropout",
      .since_version = 22,
      .minimum_inputs = 1,
      .maximum_inputs = 3,
      .maximum_outputs = 2,
      .element_types = DropoutTypes,
      .shapes = DropoutShape,
      .differentiability = {Differentiability::kDifferentiable, Differentiability::kNotImplemented,
                            Differentiability::kNotDifferentiable},
      .gradient = EmitDropoutGradient,
      .kernels = {DropoutGeneric},
      .in_place = {{0, 0}},
      .is_random = true,
      .training_behavior = TrainingBehavior::kDropsElements};
}

// (dY, mask, ratio, training_mode) → dX.
OpDefinition DropoutGradient() {
  return {.name = "DropoutGradient",
          .domain = kStropDomain,
          .minimum_inputs = 2,
          .maximum_inputs = 4,
          .element_types = DropoutGradientTypes,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {DropoutGradientGeneric},
          .in_place = {{0, 0}}};
}

}  // namespace

const RegisteredFamily kDropout = {"dropout", {Dropout(), DropoutGradient()}};

}  // namespace strop
