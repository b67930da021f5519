#include "tests/ops/op_case.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "absl/strings/str_cat.h"
#include "ops/core/registry.h"
#include "plugin/engine/differentiate/differentiate.h"
#include "plugin/engine/runtime/session.h"

namespace strop {
namespace {

constexpr uint64_t kSeed = 20240917;
constexpr double kGradientTolerance = 1e-7;

std::string Label(const OpCase& row) {
  std::string label = row.op;
  for (const InputCase& input : row.inputs) {
    absl::StrAppend(&label, " ", input.type == DataType::kUndefined ? "_" : ShapeName(input.shape));
  }
  Graph graph;
  Node node{"row", row.domain, row.op, row.attributes, {}, {}};
  graph.nodes.push_back(std::move(node));
  const std::string text = PrintGraph(graph);
  const size_t brace = text.find('{');
  if (brace != std::string::npos) label += " " + text.substr(brace, text.find('\n', brace) - brace);
  return label;
}

DataType Widened(DataType type, DataType floating) { return IsFloating(type) ? floating : type; }

Tensor MakeInput(const InputCase& input, std::mt19937_64& random, DataType floating) {
  if (input.fill == Fill::kFixed) {
    return *ConvertTensor(input.tensor, Widened(input.type, floating));
  }
  const auto count = static_cast<size_t>(ElementCount(input.shape));
  std::vector<double> numbers(count);
  std::uniform_real_distribution<double> uniform(input.low, input.high);
  std::uniform_int_distribution<int64_t> integers(static_cast<int64_t>(input.low),
                                                  static_cast<int64_t>(input.high));
  for (size_t i = 0; i < count; ++i) {
    switch (input.fill) {
      case Fill::kIntegers:
        numbers[i] = static_cast<double>(integers(random));
        break;
      case Fill::kDistinct:
        numbers[i] = input.low + (input.high - input.low) * (static_cast<double>(i) + 0.5) /
                                     static_cast<double>(count);
        break;
      default: {
        const auto near_kink = [&](double x) {
          return std::any_of(input.avoid.begin(), input.avoid.end(),
                             [&](double kink) { return std::abs(x - kink) < input.gap; });
        };
        do {
          numbers[i] = uniform(random);
        } while (near_kink(numbers[i]));
      }
    }
  }
  if (input.fill == Fill::kDistinct) std::shuffle(numbers.begin(), numbers.end(), random);
  // Through float, so that both precisions see the same numbers.
  if (IsFloating(input.type)) {
    for (double& number : numbers) number = static_cast<float>(number);
  }
  return *ConvertTensor(Tensor::FromVector(input.shape, numbers), Widened(input.type, floating));
}

// The op alone in a graph, and the tensors it is fed.
struct Harness {
  Graph graph;
  std::vector<ValueId> inputs;   // by input of the op, kNoValue where absent
  std::vector<ValueId> outputs;  // by output of the op
  std::vector<Tensor> feeds;     // by graph input
  std::vector<int> feed_of;      // by input of the op, -1 where constant or absent
};

Harness MakeHarness(const OpCase& row, DataType floating) {
  Harness harness;
  std::mt19937_64 random(kSeed);
  for (size_t i = 0; i < row.inputs.size(); ++i) {
    const InputCase& input = row.inputs[i];
    harness.feed_of.push_back(-1);
    if (input.type == DataType::kUndefined) {
      harness.inputs.push_back(kNoValue);
      continue;
    }
    Tensor tensor = MakeInput(input, random, floating);
    const std::string name = absl::StrCat("x", i);
    if (input.is_constant) {
      harness.inputs.push_back(harness.graph.AddConstant(name, std::move(tensor)));
      continue;
    }
    harness.inputs.push_back(harness.graph.AddInput(name, {tensor.type(), std::nullopt}));
    harness.feed_of.back() = static_cast<int>(harness.feeds.size());
    harness.feeds.push_back(std::move(tensor));
  }
  Node node{"row", row.domain, row.op, row.attributes, harness.inputs, {}};
  absl::StatusOr<std::vector<ValueId>> outputs =
      AppendNode(harness.graph, std::move(node), row.output_count);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  if (outputs.ok()) harness.outputs = *std::move(outputs);
  return harness;
}

std::vector<Tensor> RunGraph(const Graph& graph, const std::vector<Tensor>& feeds, bool generic) {
  PlanOptions options;
  options.verify = true;
  options.generic_kernels_only = generic;
  absl::StatusOr<std::unique_ptr<Session>> session =
      Session::Create(graph, std::make_shared<StateStore>(), options);
  EXPECT_TRUE(session.ok()) << session.status();
  if (!session.ok()) return {};
  absl::StatusOr<absl::Span<const Tensor>> results = (*session)->Run(feeds);
  EXPECT_TRUE(results.ok()) << results.status();
  std::vector<Tensor> copies;
  if (results.ok()) {
    for (const Tensor& result : *results) copies.push_back(result.Clone());
  }
  return copies;
}

std::vector<double> Numbers(const Tensor& tensor) { return *NumericElements(tensor); }

Tensor RandomLike(const Tensor& tensor, std::mt19937_64& random) {
  std::uniform_real_distribution<double> uniform(-1, 1);
  std::vector<double> numbers(static_cast<size_t>(tensor.element_count()));
  for (double& number : numbers) number = static_cast<float>(uniform(random));
  return *ConvertTensor(Tensor::FromVector(tensor.shape(), numbers), tensor.type());
}

Tensor Moved(const Tensor& x, const Tensor& direction, double distance) {
  std::vector<double> numbers = Numbers(x);
  const std::vector<double> steps = Numbers(direction);
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] += distance * steps[i];
  return Tensor::FromVector(x.shape(), numbers);
}

double Dot(const Tensor& a, const Tensor& b) {
  const std::vector<double> left = Numbers(a);
  const std::vector<double> right = Numbers(b);
  return std::inner_product(left.begin(), left.end(), right.begin(), 0.0);
}

double AbsoluteDot(const Tensor& a, const Tensor& b) {
  const std::vector<double> left = Numbers(a);
  const std::vector<double> right = Numbers(b);
  double sum = 0;
  for (size_t i = 0; i < left.size(); ++i) sum += std::abs(left[i] * right[i]);
  return sum;
}

std::vector<size_t> DifferentiableInputs(const OpCase& row) {
  if (!row.gradients.empty()) return row.gradients;
  const OpDefinition* op = FindOp(row.domain, row.op);
  std::vector<size_t> inputs;
  for (size_t i = 0; i < row.inputs.size(); ++i) {
    if (IsFloating(row.inputs[i].type) && !row.inputs[i].is_constant &&
        op->differentiability_of(i) == Differentiability::kDifferentiable) {
      inputs.push_back(i);
    }
  }
  return inputs;
}

std::vector<size_t> OutputsWithCotangent(const OpCase& row, const Graph& graph,
                                         const std::vector<ValueId>& outputs) {
  if (!row.cotangents.empty()) return row.cotangents;
  std::vector<size_t> chosen;
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (IsFloating(graph.type(outputs[i]).element_type)) chosen.push_back(i);
  }
  return chosen;
}

// The vector–Jacobian product of the row: gradients of `wrt`, and the cotangents used.
struct Gradients {
  std::vector<size_t> cotangent_outputs;
  std::vector<Tensor> cotangents;
  std::vector<Tensor> gradients;  // by entry of `wrt`; empty handles where it failed
};

Gradients RunGradients(const OpCase& row, const std::vector<size_t>& wrt, DataType floating,
                       bool generic) {
  Gradients result;
  Harness harness = MakeHarness(row, floating);
  if (harness.outputs.empty()) return result;
  Graph forward = harness.graph;
  forward.outputs = harness.outputs;
  const std::vector<Tensor> results = RunGraph(forward, harness.feeds, generic);
  if (results.empty()) return result;
  std::mt19937_64 random(kSeed + 1);
  std::vector<OutputCotangent> outputs;
  result.cotangent_outputs = OutputsWithCotangent(row, harness.graph, harness.outputs);
  for (const size_t output : result.cotangent_outputs) {
    Tensor cotangent = RandomLike(results[output], random);
    const ValueId value =
        harness.graph.AddInput(absl::StrCat("dy", output), {cotangent.type(), std::nullopt});
    outputs.push_back({harness.outputs[output], value});
    harness.feeds.push_back(cotangent);
    result.cotangents.push_back(std::move(cotangent));
  }
  std::vector<ValueId> values;
  for (const size_t input : wrt) values.push_back(harness.inputs[input]);
  absl::StatusOr<std::vector<ValueId>> gradients = Differentiate(harness.graph, outputs, values);
  EXPECT_TRUE(gradients.ok()) << gradients.status();
  if (!gradients.ok()) return result;
  for (const ValueId gradient : *gradients) {
    EXPECT_NE(gradient, kNoValue) << "no gradient flows to a differentiable input";
    if (gradient == kNoValue) return result;
    harness.graph.outputs.push_back(gradient);
  }
  result.gradients = RunGraph(harness.graph, harness.feeds, generic);
  return result;
}

// Σ ⟨cotangent, output⟩ with one input moved.
double Objective(const Harness& harness, size_t input, const Tensor& moved,
                 const Gradients& gradients) {
  Graph graph = harness.graph;
  for (const size_t output : gradients.cotangent_outputs) {
    graph.outputs.push_back(harness.outputs[output]);
  }
  std::vector<Tensor> feeds = harness.feeds;
  feeds[static_cast<size_t>(harness.feed_of[input])] = moved;
  const std::vector<Tensor> outputs = RunGraph(graph, feeds, true);
  double objective = 0;
  for (size_t i = 0; i < outputs.size(); ++i) objective += Dot(outputs[i], gradients.cotangents[i]);
  return objective;
}

void CheckGradient(const OpCase& row) {
  const std::vector<size_t> wrt = DifferentiableInputs(row);
  if (wrt.empty()) return;
  const Gradients gradients = RunGradients(row, wrt, DataType::kDouble, true);
  ASSERT_EQ(gradients.gradients.size(), wrt.size());
  const Harness harness = MakeHarness(row, DataType::kDouble);
  std::mt19937_64 random(kSeed + 2);
  for (size_t k = 0; k < wrt.size(); ++k) {
    const Tensor& x = harness.feeds[static_cast<size_t>(harness.feed_of[wrt[k]])];
    ASSERT_EQ(gradients.gradients[k].shape(), x.shape()) << "gradient to input " << wrt[k];
    const Tensor direction = RandomLike(x, random);
    const auto at = [&](double distance) {
      return Objective(harness, wrt[k], Moved(x, direction, distance), gradients);
    };
    const double h = 1e-3;
    const double difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
    const double derivative = Dot(gradients.gradients[k], direction);
    const double scale =
        std::max({std::abs(difference), AbsoluteDot(gradients.gradients[k], direction), 1e-3});
    EXPECT_LE(std::abs(derivative - difference) / scale, kGradientTolerance)
        << "gradient to input " << wrt[k] << ": rule " << derivative << ", finite difference "
        << difference;
  }
}

void ExpectClose(const std::vector<Tensor>& found, const std::vector<Tensor>& expected,
                 double tolerance, const std::string& what) {
  ASSERT_EQ(found.size(), expected.size());
  for (size_t k = 0; k < found.size(); ++k) {
    ASSERT_EQ(found[k].shape(), expected[k].shape()) << what << " " << k;
    ASSERT_EQ(found[k].type(), expected[k].type()) << what << " " << k;
    const std::vector<double> a = Numbers(found[k]);
    const std::vector<double> b = Numbers(expected[k]);
    double largest = 1e-6;
    for (const double number : b) {
      if (std::isfinite(number)) largest = std::max(largest, std::abs(number));
    }
    for (size_t i = 0; i < a.size(); ++i) {
      const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i])) ||
                        std::abs(a[i] - b[i]) <= tolerance * largest;
      ASSERT_TRUE(same) << what << " " << k << " element " << i << ": found " << a[i]
                        << ", expected " << b[i];
    }
  }
}

void CheckFastKernels(const OpCase& row) {
  Harness harness = MakeHarness(row, DataType::kFloat);
  ASSERT_FALSE(harness.outputs.empty());
  Graph graph = harness.graph;
  graph.outputs = harness.outputs;
  const std::vector<Tensor> generic = RunGraph(graph, harness.feeds, true);
  ASSERT_FALSE(generic.empty());
  for (size_t i = 0; i < generic.size(); ++i) {
    EXPECT_EQ(generic[i].type(), graph.type(harness.outputs[i]).element_type) << "output " << i;
  }
  ExpectClose(RunGraph(graph, harness.feeds, false), generic, row.float_tolerance, "output");
  if (!row.check_gradient) return;
  const std::vector<size_t> wrt = DifferentiableInputs(row);
  if (wrt.empty()) return;
  const Gradients expected = RunGradients(row, wrt, DataType::kFloat, true);
  const Gradients found = RunGradients(row, wrt, DataType::kFloat, false);
  ExpectClose(found.gradients, expected.gradients, row.float_tolerance, "gradient");
}

}  // namespace

InputCase Uniform(Shape shape, double low, double high, std::vector<double> avoid) {
  InputCase input;
  input.type = DataType::kFloat;
  input.shape = std::move(shape);
  input.low = low;
  input.high = high;
  input.avoid = std::move(avoid);
  return input;
}

InputCase Distinct(Shape shape, double low, double high) {
  InputCase input = Uniform(std::move(shape), low, high);
  input.fill = Fill::kDistinct;
  return input;
}

InputCase Integers(Shape shape, int64_t low, int64_t high) {
  InputCase input = Uniform(std::move(shape), static_cast<double>(low), static_cast<double>(high));
  input.type = DataType::kInt64;
  input.fill = Fill::kIntegers;
  return input;
}

InputCase Fixed(Tensor tensor) {
  InputCase input;
  input.type = tensor.type();
  input.shape = tensor.shape();
  input.fill = Fill::kFixed;
  input.tensor = std::move(tensor);
  return input;
}

InputCase ConstantIntegers(std::vector<int64_t> elements) {
  const auto count = static_cast<int64_t>(elements.size());
  return ConstantTensor(Tensor::FromVector<int64_t>({count}, elements));
}

InputCase ConstantTensor(Tensor tensor) {
  InputCase input = Fixed(std::move(tensor));
  input.is_constant = true;
  return input;
}

InputCase Absent() { return InputCase(); }

void CheckOp(const OpCase& row) {
  SCOPED_TRACE(Label(row));
  ASSERT_NE(FindOp(row.domain, row.op), nullptr);
  CheckFastKernels(row);
  if (row.check_gradient) CheckGradient(row);
}

std::vector<Tensor> RunInDouble(const OpCase& row) {
  SCOPED_TRACE(Label(row));
  Harness harness = MakeHarness(row, DataType::kDouble);
  harness.graph.outputs = harness.outputs;
  return RunGraph(harness.graph, harness.feeds, true);
}

}  // namespace strop
