// Normalization of groups of channels of X[N,C,…], image by image; n elements have a group.
//
//   GroupNormalization-21     x̂ = (X − mean)·inverse, inverse = 1/√(var + epsilon) over a group,
//                             Y = x̂·scale[c] + bias[c]
//   InstanceNormalization-22  the same with one channel a group
//   dX = inverse·(g − Σg/n − x̂·Σ(g·x̂)/n) with g = scale[c]·dY, sums over the group
//   dscale[c] = Σ dY·x̂,  dbias[c] = Σ dY over images and space
//
// Backward computes the statistics again: they cost one reading of X, which it reads anyway.

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"
#include "ops/core/family.h"
#include "ops/core/op_definition.h"
#include "ops/kernels/parallel_for.h"

namespace strop {
namespace {

// ---- Attributes

struct GroupAttributes {
  int64_t groups;  // 0: one for each channel
  double epsilon;  // added to the variance

  explicit GroupAttributes(const Node& node)
      : groups(node.attributes.Int("num_groups", 0)),
        epsilon(node.attributes.Float("epsilon", 1e-5)) {}
};

absl::Status CheckGroups(const Node& node) {
  if (GroupAttributes(node).groups >= 1) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(NodeLabel(node), ": found num_groups ",
                                                 GroupAttributes(node).groups,
                                                 ", expected at least 1"));
}

// ---- Type rules

absl::Status GroupShape(ShapeContext& context) {
  const Shape& x = context.input(0);
  const int64_t groups = GroupAttributes(context.node()).groups;
  const bool fits = x.size() >= 2 && context.input(1) == Shape{x[1]} &&
                    context.input(2) == Shape{x[1]} && (groups == 0 || x[1] % groups == 0);
  if (!fits) {
    return context.Mismatch(
        absl::StrCat("X ", ShapeName(x), ", scale ", ShapeName(context.input(1)), " and bias ",
                     ShapeName(context.input(2))),
        "X[N,C,…] with C divisible by the groups, scale[C] and bias[C]");
  }
  context.set_output(0, x);
  return absl::OkStatus();
}

// (dY, X, scale) → dX, dscale, dbias.
absl::Status GradientShape(ShapeContext& context) {
  context.set_output(0, context.input(1));
  context.set_output(1, context.input(2));
  context.set_output(2, context.input(2));
  return absl::OkStatus();
}

// ---- Gradient rule

absl::Status GradientRule(GradientContext& context) {
  const std::vector<ValueId> gradients =
      context.EmitIn(kStropDomain, absl::StrCat(context.node().op_type, "Gradient"),
                     {context.output_gradient(0), context.input(0), context.input(1)},
                     context.node().attributes, 3);
  for (size_t i = 0; i < 3; ++i) {
    if (context.needs_gradient(i)) context.SetInputGradient(i, gradients[i]);
  }
  return absl::OkStatus();
}

// ---- Kernels

struct GroupSizes {
  int64_t images;
  int64_t groups;
  int64_t channels;  // of a group
  int64_t spatial;
  double epsilon;

  GroupSizes(const Node& node, const Shape& x) {
    const GroupAttributes attributes(node);
    images = x[0];
    groups = attributes.groups == 0 ? x[1] : attributes.groups;
    channels = groups == 0 ? 0 : x[1] / groups;
    spatial = ElementCount(absl::MakeConstSpan(x).subspan(2));
    epsilon = attributes.epsilon;
  }
  int64_t group_elements() const { return channels * spatial; }
  int64_t all_channels() const { return groups * channels; }
};

struct Statistics {
  double mean;
  double inverse;  // of the standard deviation
};

// Sums in runs, runs in double.
template <size_t kSums, typename Compute, typename Term>
std::array<double, kSums> SumTerms(int64_t count, const Term& term) {
  constexpr int64_t kRun = 128;
  std::array<double, kSums> totals = {};
  for (int64_t begin = 0; begin < count; begin += kRun) {
    std::array<Compute, kSums> sums = {};
    const int64_t end = std::min(begin + kRun, count);
    for (int64_t i = begin; i < end; ++i) {
      const std::array<Compute, kSums> terms = term(i);
      for (size_t k = 0; k < kSums; ++k) sums[k] += terms[k];
    }
    for (size_t k = 0; k < kSums; ++k) totals[k] += static_cast<double>(sums[k]);
  }
  return totals;
}

template <typename T>
Statistics StatisticsOf(const GroupSizes& sizes, const T* x) {
  using Compute = ComputeType<T>;
  const int64_t count = sizes.group_elements();
  const Compute shift = count > 0 ? static_cast<Compute>(x[0]) : Compute{0};
  const auto sums = SumTerms<2, Compute>(count, [&](int64_t i) {
    const Compute difference = static_cast<Compute>(x[i]) - shift;
    return std::array{difference, difference * difference};
  });
  const double shifted_mean = sums[0] / static_cast<double>(count);
  const double variance =
      std::max(sums[1] / static_cast<double>(count) - shifted_mean * shifted_mean, 0.0);
  return {static_cast<double>(shift) + shifted_mean, 1 / std::sqrt(variance + sizes.epsilon)};
}

template <typename T>
void Normalize(const GroupSizes& sizes, const KernelArguments& arguments) {
  using Compute = ComputeType<T>;
  const T* const scale = arguments.input<T>(1);
  const T* const bias = arguments.input<T>(2);
  ParallelFor(sizes.images * sizes.groups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const T* const x = arguments.input<T>(0) + item * sizes.group_elements();
      T* const y = arguments.output<T>(0) + item * sizes.group_elements();
      const Statistics statistics = StatisticsOf(sizes, x);
      for (int64_t c = 0; c < sizes.channels; ++c) {
        const int64_t channel = item % sizes.groups * sizes.channels + c;
        const auto mean = static_cast<Compute>(statistics.mean);
        const Compute slope =
            static_cast<Compute>(scale[channel]) * static_cast<Compute>(statistics.inverse);
        const Compute offset = static_cast<Compute>(bias[channel]);
        for (int64_t i = c * sizes.spatial; i < (c + 1) * sizes.spatial; ++i) {
          y[i] = static_cast<T>((static_cast<Compute>(x[i]) - mean) * slope + offset);
        }
      }
    }
  });
}

// dX of one group; channel_sums[c] = (Σ dY, Σ dY·x̂) of its channels.
template <typename T>
void GroupGradient(const GroupSizes& sizes, const T* dy, const T* x, const T* scale, T* dx,
                   std::array<double, 2>* channel_sums) {
  using Compute = ComputeType<T>;
  const Statistics statistics = StatisticsOf(sizes, x);
  const auto mean = static_cast<Compute>(statistics.mean);
  const auto inverse = static_cast<Compute>(statistics.inverse);
  double sum = 0;
  double moment = 0;
  for (int64_t c = 0; c < sizes.channels; ++c) {
    const int64_t first = c * sizes.spatial;
    channel_sums[c] = SumTerms<2, Compute>(sizes.spatial, [&](int64_t i) {
      const Compute cotangent = static_cast<Compute>(dy[first + i]);
      return std::array{cotangent,
                        cotangent * (static_cast<Compute>(x[first + i]) - mean) * inverse};
    });
    sum += channel_sums[c][0] * static_cast<double>(static_cast<Compute>(scale[c]));
    moment += channel_sums[c][1] * static_cast<double>(static_cast<Compute>(scale[c]));
  }
  if (dx == nullptr) return;
  const double share = 1 / static_cast<double>(sizes.group_elements());
  const auto mean_sum = static_cast<Compute>(sum * share);
  const auto mean_moment = static_cast<Compute>(moment * share);
  for (int64_t c = 0; c < sizes.channels; ++c) {
    const Compute gain = static_cast<Compute>(scale[c]);
    for (int64_t i = c * sizes.spatial; i < (c + 1) * sizes.spatial; ++i) {
      const Compute normalized = (static_cast<Compute>(x[i]) - mean) * inverse;
      dx[i] = static_cast<T>(
          inverse * (gain * static_cast<Compute>(dy[i]) - mean_sum - normalized * mean_moment));
    }
  }
}

template <typename T>
void Gradient(const GroupSizes& sizes, const KernelArguments& arguments) {
  using Compute = ComputeType<T>;
  T* const dx = arguments.output<T>(0);
  T* const dscale = arguments.output<T>(1);
  T* const dbias = arguments.output<T>(2);
  auto* const sums = static_cast<std::array<double, 2>*>(arguments.workspace);
  ParallelFor(sizes.images * sizes.groups, 1, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t offset = item * sizes.group_elements();
      GroupGradient(sizes, arguments.input<T>(0) + offset, arguments.input<T>(1) + offset,
                    arguments.input<T>(2) + item % sizes.groups * sizes.channels,
                    dx == nullptr ? nullptr : dx + offset, sums + item * sizes.channels);
    }
  });
  for (int64_t c = 0; c < sizes.all_channels(); ++c) {
    std::array<double, 2> total = {};
    for (int64_t n = 0; n < sizes.images; ++n) {
      const std::array<double, 2>& part = sums[n * sizes.all_channels() + c];
      total = {total[0] + part[0], total[1] + part[1]};
    }
    if (dbias != nullptr) dbias[c] = static_cast<T>(static_cast<Compute>(total[0]));
    if (dscale != nullptr) dscale[c] = static_cast<T>(static_cast<Compute>(total[1]));
  }
}

absl::StatusOr<std::unique_ptr<Kernel>> NormalizationKernel(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const GroupSizes sizes(request.node, request.inputs[0].shape);
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel([sizes](const KernelArguments& arguments) {
          Normalize<T>(sizes, arguments);
          return absl::OkStatus();
        });
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

absl::StatusOr<std::unique_ptr<Kernel>> GradientKernel(const KernelRequest& request) {
  std::unique_ptr<Kernel> kernel;
  const GroupSizes sizes(request.node, request.inputs[1].shape);
  const auto channel_sums = static_cast<size_t>(sizes.images * sizes.all_channels());
  const absl::Status status =
      VisitFloating(request.inputs[0].type, request.node.op_type, [&]<typename T>() {
        kernel = MakeKernel(
            [sizes](const KernelArguments& arguments) {
              Gradient<T>(sizes, arguments);
              return absl::OkStatus();
            },
            channel_sums * sizeof(std::array<double, 2>));
        return absl::OkStatus();
      });
  if (!status.ok()) return status;
  return kernel;
}

// ---- Definitions

using CheckAttributes = absl::Status (*)(const Node&);

OpDefinition Normalization(std::string_view name, int since_version, CheckAttributes check,
                           UnitAxis units) {
  return {.name = name,
          .since_version = since_version,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .check_attributes = check,
          .shapes = GroupShape,
          .differentiability = {Differentiability::kDifferentiable},
          .gradient = GradientRule,
          .kernels = {NormalizationKernel},
          .roles = {{1, "scale"}, {2, "bias"}},
          .output_units = units,
          .watch = OutputWatch()};
}

OpDefinition NormalizationGradient(std::string_view name, CheckAttributes check) {
  return {.name = name,
          .domain = kStropDomain,
          .minimum_inputs = 3,
          .maximum_inputs = 3,
          .minimum_outputs = 0,
          .maximum_outputs = 3,
          .check_attributes = check,
          .shapes = GradientShape,
          .differentiability = {Differentiability::kNotImplemented},
          .kernels = {GradientKernel}};
}

}  // namespace

const RegisteredFamily kGroupNormalization = {
    "group_normalization",
    {
        Normalization("GroupNormalization", 21, CheckGroups, UnitAxis::kUnsaid),
        NormalizationGradient("GroupNormalizationGradient", CheckGroups),
        Normalization("InstanceNormalization", 22, nullptr, UnitAxis::kOne),
        NormalizationGradient("InstanceNormalizationGradient", nullptr),
    }};

}  // namespace strop
