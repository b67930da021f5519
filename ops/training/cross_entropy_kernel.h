#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>

#include "graph/status_macros.h"
#include "graph/visit_type.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/parallel_for.h"
#include "ops/kernels/workspace.h"
#include "ops/training/loss_reduction.h"
#include "ops/training/loss_target.h"

namespace strop {

struct CrossEntropyAttributes {
  std::optional<int64_t> axis;  // absent: 1, or 0 for logits of rank 1
  double label_smoothing;
  std::optional<int64_t> ignore_index;
  LossReduction reduction;

  explicit CrossEntropyAttributes(const Node& node)
      : label_smoothing(node.attributes.Float("label_smoothing", 0)), reduction(ReductionOf(node)) {
    if (node.attributes.Has("axis")) axis = node.attributes.Int("axis", 1);
    if (node.attributes.Has("ignore_index")) ignore_index = node.attributes.Int("ignore_index", 0);
  }
};

// The shape that labels of these logits have: theirs without the class axis.
inline Shape LabelShape(const Shape& logits, int64_t axis) {
  Shape shape = logits;
  shape.erase(shape.begin() + axis);
  return shape;
}

// Positions that one call takes together where the class axis is not the last.
constexpr int64_t kInnerBlock = 64;

// Logits seen as [outer, classes, inner]; a kernel's operands and its place in the workspace.
// `Rows` does the exponentials of one position whose classes lie side by side.
template <typename T, typename Rows>
class CrossEntropy {
 public:
  using C = ComputeType<T>;

  // `first` is the index of the logits among the node's inputs.
  CrossEntropy(const KernelRequest& request, size_t first, int64_t axis)
      : node_(request.node),
        attributes_(request.node),
        first_(first),
        target_type_(request.inputs[first + 1].type),
        has_weight_(request.has_input(first + 2)),
        is_soft_(request.inputs[first + 1].rank() == request.inputs[first].rank()),
        has_softmax_(!request.node.op_type.starts_with("NegativeLogLikelihood")),
        nothing_is_zero_(request.node.domain == kStropDomain),
        label_shape_(LabelShape(request.inputs[first].shape, axis)) {
    if (has_weight_) weight_type_ = request.inputs[first + 2].type;
    const Shape& shape = request.inputs[first].shape;
    for (int64_t i = 0; i < request.inputs[first].rank(); ++i) {
      int64_t& extent = i < axis ? outer_ : i == axis ? classes_ : inner_;
      extent *= shape[static_cast<size_t>(i)];
    }
    positions_ = outer_ * inner_;
    if (first_ == 0) {
      const size_t saved = request.node.op_type == "SoftmaxCrossEntropyLoss" ? 2 : 1;
      log_prob_ = saved == 2 ? 1 : kNone;
      statistics_ = saved;
    }
  }

  size_t workspace_bytes() const {
    return AlignedBytes(sizeof(C) * static_cast<size_t>(classes_)) +
           AlignedBytes((is_soft_ ? sizeof(C) * static_cast<size_t>(classes_) : sizeof(int64_t)) *
                        static_cast<size_t>(positions_)) +
           AlignedBytes(sizeof(double) * static_cast<size_t>(positions_)) +
           AlignedBytes(2 * sizeof(C) * static_cast<size_t>(positions_));
  }

  absl::Status Forward(const KernelArguments& arguments) const {
    STROP_ASSIGN_OR_RETURN(Operands operands, Prepare(arguments));
    const T* x = arguments.input<T>(0);
    C* saved = arguments.output<C>(statistics_);
    C* max = saved == nullptr ? operands.statistics : saved;
    C* log_sum = max + positions_;
    T* loss = arguments.output<T>(0);
    const bool reduces = attributes_.reduction != LossReduction::kNone;
    ForEachBlock([&](int64_t start, int64_t position, int64_t count) {
      if (has_softmax_) {
        Statistics(x + start, count, max + position, log_sum + position);
      } else {
        std::fill_n(max + position, count, C{0});
        std::fill_n(log_sum + position, count, C{0});
      }
      for (int64_t b = 0; b < count; ++b) {
        const int64_t p = position + b;
        operands.losses[p] = Loss(operands, x + start + b, start + b, p, max[p], log_sum[p]);
        if (!reduces) loss[p] = static_cast<T>(static_cast<C>(operands.losses[p]));
      }
    });
    const double normalizer = Normalizer(operands);
    if (reduces) {
      double sum = 0;
      for (int64_t p = 0; p < positions_; ++p) sum += operands.losses[p];
      const bool is_nothing = normalizer == 0 && nothing_is_zero_;
      loss[0] = static_cast<T>(static_cast<C>(is_nothing ? 0 : sum / normalizer));
    }
    if (C* out = arguments.output<C>(statistics_ + 1)) *out = static_cast<C>(normalizer);
    if (T* out = log_prob_ == kNone ? nullptr : arguments.output<T>(log_prob_)) {
      WriteLogProbabilities(x, max, log_sum, out);
    }
    return absl::OkStatus();
  }

  absl::Status Backward(const KernelArguments& arguments) const {
    STROP_ASSIGN_OR_RETURN(const Operands operands, Prepare(arguments));
    const T* dloss = arguments.input<T>(0);
    const T* x = arguments.input<T>(1);
    const C* max = arguments.input<C>(4);
    const C* log_sum = max + positions_;
    const C normalizer = *arguments.input<C>(5);
    T* dx = arguments.output<T>(0);
    const bool reduces = attributes_.reduction != LossReduction::kNone;
    ForEachBlock([&](int64_t start, int64_t position, int64_t count) {
      for (int64_t b = 0; b < count; ++b) {
        const int64_t p = position + b;
        const C scale =
            normalizer == 0 ? C{0} : static_cast<C>(dloss[reduces ? 0 : p]) / normalizer;
        GradientOf(operands, x, dx, start + b, p, max[p], log_sum[p], scale);
      }
    });
    return absl::OkStatus();
  }

 private:
  static constexpr size_t kNone = static_cast<size_t>(-1);

  // What a step reads besides the logits, in the workspace.
  struct Operands {
    C* weight = nullptr;               // [classes]
    C weight_sum = 0;                  // of all classes
    const int64_t* labels = nullptr;   // [positions], null for soft targets
    const C* probabilities = nullptr;  // as the logits lie, null for labels
    double* losses = nullptr;          // [positions]
    C* statistics = nullptr;           // [2, positions], for who does not save them
  };

  absl::StatusOr<Operands> Prepare(const KernelArguments& arguments) const {
    Operands operands;
    std::byte* next = static_cast<std::byte*>(arguments.workspace);
    operands.weight = Take<C>(next, classes_);
    std::fill_n(operands.weight, classes_, C{1});
    if (has_weight_) {
      STROP_RETURN_IF_ERROR(
          ReadNumbers<C>(weight_type_, arguments.inputs[first_ + 2],
                         absl::MakeSpan(operands.weight, static_cast<size_t>(classes_))));
    }
    for (int64_t c = 0; c < classes_; ++c) operands.weight_sum += operands.weight[c];
    const void* target = arguments.inputs[first_ + 1];
    if (is_soft_) {
      const int64_t count = positions_ * classes_;
      C* converted = Take<C>(next, count);
      operands.probabilities = converted;
      if (target_type_ == DataTypeOf<C>::value) {
        operands.probabilities = static_cast<const C*>(target);
      } else {
        STROP_RETURN_IF_ERROR(ReadNumbers<C>(
            target_type_, target, absl::MakeSpan(converted, static_cast<size_t>(count))));
      }
    } else {
      int64_t* labels = Take<int64_t>(next, positions_);
      STROP_RETURN_IF_ERROR(ReadClassLabels(
          node_, target_type_, target, label_shape_, classes_, attributes_.ignore_index,
          absl::MakeSpan(labels, static_cast<size_t>(positions_))));
      operands.labels = labels;
    }
    operands.losses = Take<double>(next, positions_);
    operands.statistics = Take<C>(next, 2 * positions_);
    return operands;
  }

  // Calls body(first element, first position, positions) for blocks of neighbouring positions.
  template <typename Body>
  void ForEachBlock(const Body& body) const {
    if (positions_ == 0) return;
    const int64_t blocks = (inner_ + kInnerBlock - 1) / kInnerBlock;
    const int64_t grain = std::max<int64_t>(1, kElementwiseGrain / (classes_ * kInnerBlock + 1));
    ParallelFor(outer_ * blocks, grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t outer = i / blocks;
        const int64_t inner = i % blocks * kInnerBlock;
        body(outer * classes_ * inner_ + inner, outer * inner_ + inner,
             std::min(kInnerBlock, inner_ - inner));
      }
    });
  }

  // max_c x and log Σ_c exp(x - max) of `count` neighbouring positions.
  void Statistics(const T* x, int64_t count, C* max, C* log_sum) const {
    if (inner_ == 1) {
      Rows::Statistics(x, classes_, *max, *log_sum);
      return;
    }
    C sum[kInnerBlock] = {};
    std::fill_n(max, count, -std::numeric_limits<C>::infinity());
    for (int64_t c = 0; c < classes_; ++c) {
      for (int64_t b = 0; b < count; ++b) {
        max[b] = std::max(max[b], static_cast<C>(x[c * inner_ + b]));
      }
    }
    for (int64_t c = 0; c < classes_; ++c) {
      for (int64_t b = 0; b < count; ++b) {
        sum[b] += std::exp(static_cast<C>(x[c * inner_ + b]) - max[b]);
      }
    }
    for (int64_t b = 0; b < count; ++b) log_sum[b] = std::log(sum[b]);
  }

  // L[p]; x points at the position's first class, whose element has index `start`.
  double Loss(const Operands& operands, const T* x, int64_t start, int64_t p, C max,
              C log_sum) const {
    const C smoothing = static_cast<C>(attributes_.label_smoothing);
    const auto negative_log = [&](int64_t c) {
      return (max - static_cast<C>(x[c * inner_])) + log_sum;
    };
    double loss = 0;
    if (is_soft_) {
      const C floor = smoothing / static_cast<C>(classes_);
      for (int64_t c = 0; c < classes_; ++c) {
        const C q = (1 - smoothing) * operands.probabilities[start + c * inner_] + floor;
        loss += static_cast<double>(operands.weight[c] * q * negative_log(c));
      }
      return loss;
    }
    const int64_t label = operands.labels[p];
    if (label == kIgnoredLabel) return 0;
    loss = static_cast<double>((1 - smoothing) * operands.weight[label] * negative_log(label));
    if (smoothing == 0) return loss;
    double all = 0;
    for (int64_t c = 0; c < classes_; ++c) {
      all += static_cast<double>(operands.weight[c] * negative_log(c));
    }
    return loss + static_cast<double>(smoothing) / static_cast<double>(classes_) * all;
  }

  // Z: what the sum of the losses is divided by.
  double Normalizer(const Operands& operands) const {
    if (attributes_.reduction != LossReduction::kMean) return 1;
    if (is_soft_) return static_cast<double>(positions_);
    double sum = 0;
    for (int64_t p = 0; p < positions_; ++p) {
      const int64_t label = operands.labels[p];
      if (label != kIgnoredLabel) sum += static_cast<double>(operands.weight[label]);
    }
    return sum;
  }

  void GradientOf(const Operands& operands, const T* x, T* dx, int64_t start, int64_t p, C max,
                  C log_sum, C scale) const {
    const C smoothing = static_cast<C>(attributes_.label_smoothing);
    const C floor = smoothing / static_cast<C>(classes_);
    const int64_t label = is_soft_ ? 0 : operands.labels[p];
    if (label == kIgnoredLabel) {
      for (int64_t c = 0; c < classes_; ++c) dx[start + c * inner_] = T(0);
      return;
    }
    const C on_label = is_soft_ ? C{0} : (1 - smoothing) * operands.weight[label];
    C q_sum = on_label + floor * operands.weight_sum;
    if (is_soft_) {
      for (int64_t c = 0; c < classes_; ++c) {
        q_sum += operands.weight[c] * (1 - smoothing) * operands.probabilities[start + c * inner_];
      }
    }
    const C softmax_scale = has_softmax_ ? scale * q_sum : C{0};
    if (!has_softmax_) {
      for (int64_t c = 0; c < classes_; ++c) dx[start + c * inner_] = T(0);
    } else if (inner_ == 1) {
      Rows::ScaledSoftmax(x + start, classes_, max, log_sum, softmax_scale, dx + start);
    } else {
      for (int64_t c = 0; c < classes_; ++c) {
        const int64_t i = start + c * inner_;
        dx[i] = static_cast<T>(softmax_scale * std::exp((static_cast<C>(x[i]) - max) - log_sum));
      }
    }
    const auto subtract = [&](int64_t c, C q) {
      T& element = dx[start + c * inner_];
      element = static_cast<T>(static_cast<C>(element) - scale * q);
    };
    if (is_soft_) {
      for (int64_t c = 0; c < classes_; ++c) {
        const C t = operands.probabilities[start + c * inner_];
        subtract(c, operands.weight[c] * ((1 - smoothing) * t + floor));
      }
      return;
    }
    if (smoothing != 0) {
      for (int64_t c = 0; c < classes_; ++c) subtract(c, operands.weight[c] * floor);
    }
    subtract(label, on_label);
  }

  void WriteLogProbabilities(const T* x, const C* max, const C* log_sum, T* out) const {
    ForEachBlock([&](int64_t start, int64_t position, int64_t count) {
      for (int64_t c = 0; c < classes_; ++c) {
        for (int64_t b = 0; b < count; ++b) {
          const int64_t i = start + c * inner_ + b;
          const int64_t p = position + b;
          out[i] = static_cast<T>((static_cast<C>(x[i]) - max[p]) - log_sum[p]);
        }
      }
    });
  }

  template <typename Element>
  static Element* Take(std::byte*& next, int64_t count) {
    std::byte* taken = next;
    next += AlignedBytes(sizeof(Element) * static_cast<size_t>(count));
    return reinterpret_cast<Element*>(taken);
  }

  Node node_;
  CrossEntropyAttributes attributes_;
  size_t first_;
  DataType target_type_;
  DataType weight_type_ = DataType::kUndefined;
  bool has_weight_;
  bool is_soft_;
  bool has_softmax_;
  bool nothing_is_zero_;  // the mean of no label that counts, NaN otherwise
  Shape label_shape_;
  int64_t outer_ = 1;
  int64_t classes_ = 1;
  int64_t inner_ = 1;
  int64_t positions_ = 0;
  size_t log_prob_ = kNone;  // output index
  size_t statistics_ = kNone;
};

}  // namespace strop
