#include "graph/graph_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "graph/split_mix.h"

namespace strop {
namespace {

constexpr TensorType kAnyFloat{DataType::kFloat, std::nullopt};

using ReaderList = std::vector<std::pair<size_t, size_t>>;

ReaderList ReadersOf(const GraphIndex& index, ValueId value) {
  ReaderList readers;
  for (const auto& [node, input] : index.readers(value)) readers.emplace_back(node, input);
  return readers;
}

ValueId Append(Graph& graph, std::vector<ValueId> inputs) {
  const ValueId output = graph.AddValue("", kAnyFloat);
  graph.nodes.push_back({"", "", "Op", {}, std::move(inputs), {output}});
  return output;
}

TEST(GraphIndex, KnowsWhoComputesAndWhoReads) {
  Graph graph;
  const ValueId x = graph.AddInput("x", kAnyFloat);
  const ValueId state = graph.AddState("state", Tensor::Scalar(1.0f));
  const ValueId square = Append(graph, {x, x});
  const ValueId sum = Append(graph, {square, kNoValue, state});
  const ValueId unread = Append(graph, {sum});
  graph.nodes.back().outputs.insert(graph.nodes.back().outputs.begin(), kNoValue);
  graph.outputs = {sum, sum};
  graph.state_updates = {{state, square}};
  const GraphIndex index(graph);

  EXPECT_EQ(index.producer(x), -1);
  EXPECT_EQ(index.producer(state), -1);
  EXPECT_EQ(index.producer(square), 0);
  EXPECT_EQ(index.producer(unread), 2);
  EXPECT_EQ(ReadersOf(index, x), (ReaderList{{0, 0}, {0, 1}}));
  EXPECT_EQ(ReadersOf(index, state), (ReaderList{{1, 2}}));
  EXPECT_EQ(ReadersOf(index, sum), (ReaderList{{2, 0}}));
  EXPECT_EQ(ReadersOf(index, unread), ReaderList());
  EXPECT_EQ(index.use_count(x), 2);
  EXPECT_EQ(index.use_count(square), 2);  // a node and the update
  EXPECT_EQ(index.use_count(state), 1);   // being updated is no read
  EXPECT_EQ(index.use_count(sum), 3);
  EXPECT_EQ(index.use_count(unread), 0);
  EXPECT_TRUE(index.is_output(sum));
  EXPECT_FALSE(index.is_output(square));
  EXPECT_EQ(index.producer(kNoValue), -1);
  EXPECT_EQ(ReadersOf(index, kNoValue), ReaderList());
  EXPECT_EQ(index.use_count(kNoValue), 0);
  EXPECT_FALSE(index.is_output(kNoValue));
}

TEST(GraphIndex, SaysWhatAScanOfAllNodesSays) {
  uint64_t state = 0;
  const auto random_below = [&state](size_t bound) {
    state += kSplitMixStep;
    return SplitMix64(state) % bound;
  };
  Graph graph;
  for (int i = 0; i < 5; ++i) graph.AddInput("", kAnyFloat);
  for (int n = 0; n < 200; ++n) {
    std::vector<ValueId> inputs;
    for (size_t i = random_below(4); i > 0; --i) {
      inputs.push_back(static_cast<ValueId>(random_below(graph.values.size())));
    }
    Append(graph, std::move(inputs));
  }
  const GraphIndex index(graph);
  for (size_t i = 0; i < graph.values.size(); ++i) {
    const auto id = static_cast<ValueId>(i);
    int producer = -1;
    ReaderList readers;
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      const Node& node = graph.nodes[n];
      if (node.outputs[0] == id) producer = static_cast<int>(n);
      for (size_t input = 0; input < node.inputs.size(); ++input) {
        if (node.inputs[input] == id) readers.emplace_back(n, input);
      }
    }
    EXPECT_EQ(index.producer(id), producer);
    EXPECT_EQ(ReadersOf(index, id), readers);
    EXPECT_EQ(index.use_count(id), static_cast<int>(readers.size()));
  }
}

TEST(ValueReplacement, StandsInForReadersAndResults) {
  Graph graph;
  const ValueId a = graph.AddInput("a", kAnyFloat);
  const ValueId b = graph.AddInput("b", kAnyFloat);
  const ValueId c = graph.AddInput("c", kAnyFloat);
  const ValueId sum = Append(graph, {a, kNoValue, b, a});
  graph.outputs = {sum, a};
  graph.state_updates = {{a, a}};
  ValueReplacement replacement;
  replacement.Set(a, c);
  replacement.Set(c, b);  // not followed: a is c

  EXPECT_EQ(replacement.Of(a), c);
  EXPECT_EQ(replacement.Of(b), b);
  EXPECT_EQ(replacement.Of(sum), sum);
  EXPECT_EQ(replacement.Of(kNoValue), kNoValue);
  replacement.ApplyTo(graph.nodes[0]);
  EXPECT_THAT(graph.nodes[0].inputs, testing::ElementsAre(c, kNoValue, b, c));
  EXPECT_THAT(graph.outputs, testing::ElementsAre(sum, a));
  replacement.ApplyToResults(graph);
  EXPECT_THAT(graph.outputs, testing::ElementsAre(sum, c));
  EXPECT_EQ(graph.state_updates[0].updated, c);
  EXPECT_EQ(graph.state_updates[0].state, a);  // what is updated stays
}

}  // namespace
}  // namespace strop
