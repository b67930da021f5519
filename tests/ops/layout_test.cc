// Chains of convolutions, normalisation, activations and pools keep one layout from end to end, and
// compute what the generic kernels compute on dense tensors.

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "ops/core/registry.h"
#include "plugin/engine/differentiate/differentiate.h"
#include "plugin/engine/runtime/session.h"

namespace strop {
namespace {

using Ints = std::vector<int64_t>;

Tensor Random(Shape shape, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<float> uniform(-1, 1);
  Tensor tensor(DataType::kFloat, std::move(shape));
  for (float& element : tensor.mutable_elements<float>()) element = uniform(random);
  return tensor;
}

class Chain {
 public:
  explicit Chain(Shape x) : input(Random(std::move(x), 1)) {
    last = graph.AddInput("x", {DataType::kFloat, std::nullopt});
  }

  void Convolve(Shape weights, Attributes attributes = {}) {
    const Shape bias = {weights[0]};
    Append("Conv", {last, State(std::move(weights)), State(bias)}, std::move(attributes));
  }
  // Without the bias that a normalization would take away again: its gradient is 0.
  void ConvolveWithoutBias(Shape weights, Attributes attributes = {}) {
    Append("Conv", {last, State(std::move(weights))}, std::move(attributes));
  }
  void Normalize(int64_t channels) {
    std::vector<ValueId> inputs = {last};
    for (int i = 0; i < 4; ++i) inputs.push_back(State({channels}));
    Append("BatchNormalization", std::move(inputs), {{"training_mode", int64_t{1}}});
  }
  void Append(const std::string& op, std::vector<ValueId> inputs, Attributes attributes = {}) {
    Node node{op + std::to_string(graph.nodes.size()),
              "",
              op,
              std::move(attributes),
              std::move(inputs),
              {}};
    absl::StatusOr<std::vector<ValueId>> outputs = AppendNode(graph, std::move(node), 1);
    ASSERT_TRUE(outputs.ok()) << outputs.status();
    last = (*outputs)[0];
  }

  struct Results {
    std::vector<Tensor> outputs;  // of the chain, then the gradients of all states
    std::string plan;
  };

  Results Run(bool generic) const {
    Graph training = graph;
    const ValueId cotangent = training.AddInput("dy", {DataType::kFloat, std::nullopt});
    absl::StatusOr<std::vector<ValueId>> gradients =
        Differentiate(training, {{last, cotangent}}, states_);
    EXPECT_TRUE(gradients.ok()) << gradients.status();
    training.outputs = {last};
    Graph forward = graph;
    forward.outputs = {last};
    const Results shape = Execute(forward, {input}, generic);
    if (shape.outputs.empty()) return {};
    training.outputs.insert(training.outputs.end(), gradients->begin(), gradients->end());
    return Execute(training, {input, Random(shape.outputs[0].shape(), 2)}, generic);
  }

  Graph graph;
  Tensor input;
  ValueId last;

 private:
  ValueId State(Shape shape) {
    states_.push_back(graph.AddState("state" + std::to_string(states_.size()),
                                     Random(std::move(shape), 3 + states_.size())));
    // Variances are positive.
    for (float& element : graph.value(states_.back()).tensor.mutable_elements<float>()) {
      if (graph.value(states_.back()).tensor.shape().size() == 1) element = 1 + std::abs(element);
    }
    return states_.back();
  }

  static Results Execute(const Graph& graph, const std::vector<Tensor>& feeds, bool generic) {
    PlanOptions options;
    options.verify = true;
    options.generic_kernels_only = generic;
    Results results;
    absl::StatusOr<std::unique_ptr<Session>> session =
        Session::Create(graph, std::make_shared<StateStore>(), options);
    EXPECT_TRUE(session.ok()) << session.status();
    if (!session.ok()) return results;
    absl::StatusOr<absl::Span<const Tensor>> outputs = (*session)->Run(feeds);
    EXPECT_TRUE(outputs.ok()) << outputs.status();
    if (!outputs.ok()) return results;
    for (const Tensor& output : *outputs) results.outputs.push_back(output.Clone());
    results.plan = (*session)->DescribePlan();
    return results;
  }

  std::vector<ValueId> states_;
};

int CountOf(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

void ExpectSameAsGeneric(const Chain& chain, int reorders) {
  const Chain::Results fast = chain.Run(false);
  const Chain::Results generic = chain.Run(true);
  ASSERT_EQ(fast.outputs.size(), generic.outputs.size());
  for (size_t k = 0; k < fast.outputs.size(); ++k) {
    ASSERT_EQ(fast.outputs[k].shape(), generic.outputs[k].shape());
    const absl::Span<const float> a = fast.outputs[k].elements<float>();
    const absl::Span<const float> b = generic.outputs[k].elements<float>();
    float largest = 1e-6F;
    for (const float element : b) largest = std::max(largest, std::abs(element));
    for (size_t i = 0; i < a.size(); ++i) {
      ASSERT_NEAR(a[i], b[i], 1e-4F * largest) << "result " << k << " element " << i;
    }
  }
  // States may be packed otherwise for the way back; everything else moves at the ends only.
  EXPECT_LE(CountOf(fast.plan, "reorder ") - CountOf(fast.plan, "reorder state"), reorders)
      << fast.plan;
}

TEST(Layout, BlockedChannels) {
  Chain chain({2, 3, 20, 20});
  chain.ConvolveWithoutBias({16, 3, 3, 3}, {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}});
  chain.Normalize(16);
  chain.Append("Relu", {chain.last});
  chain.Convolve({32, 16, 3, 3}, {{"pads", Ints{1, 1, 1, 1}}});
  chain.Append("Relu", {chain.last});
  chain.Append("MaxPool", {chain.last}, {{"kernel_shape", Ints{2, 2}}, {"strides", Ints{2, 2}}});
  chain.ConvolveWithoutBias({32, 1, 3, 3}, {{"group", int64_t{32}}, {"pads", Ints{1, 1, 1, 1}}});
  chain.Normalize(32);
  chain.Append("GlobalAveragePool", {chain.last});
  // The result, its cotangent, and the gradients of three weights.
  ExpectSameAsGeneric(chain, 5);
}

TEST(Layout, ChannelsThatFillNoBlock) {
  Chain chain({2, 3, 20, 20});
  chain.ConvolveWithoutBias({24, 3, 3, 3}, {{"strides", Ints{2, 2}}, {"pads", Ints{1, 1, 1, 1}}});
  chain.Normalize(24);
  chain.Append("HardSwish", {chain.last});
  chain.Convolve({40, 24, 1, 1});
  chain.Append("AveragePool", {chain.last}, {{"kernel_shape", Ints{2, 2}}});
  chain.Append("Relu", {chain.last});
  chain.ConvolveWithoutBias({32, 40, 1, 1});
  chain.Normalize(32);
  // The same, and the image.
  ExpectSameAsGeneric(chain, 6);
}

}  // namespace
}  // namespace strop
