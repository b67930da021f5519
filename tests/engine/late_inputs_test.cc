// A step in two parts gives what the whole step gives, and its first outputs before the late inputs
// are known.

#include <gtest/gtest.h>

#include <cstring>

#include "ops/core/registry.h"
#include "plugin/engine/runtime/session.h"

namespace strop {
namespace {

ValueId Append(Graph& graph, const std::string& name, const std::string& op,
               std::vector<ValueId> inputs) {
  return (*AppendNode(graph, Node{name, "", op, {}, std::move(inputs), {}}, 1))[0];
}

// y = relu(x·w), z = y·late, w ← w + xᵀ·late; y comes behind z among the outputs, and last y·v,
// which no node reads and which reads a state that late nodes read and move.
Graph TwoParts() {
  Graph graph;
  const ValueId x = graph.AddInput("x", {DataType::kFloat, Shape{2, 3}});
  const ValueId late = graph.AddInput("late", {DataType::kFloat, Shape{2, 4}});
  Tensor first(DataType::kFloat, {3, 4});
  for (int i = 0; i < 12; ++i) first.mutable_elements<float>()[static_cast<size_t>(i)] = 0.1f * i;
  const ValueId w = graph.AddState("w", first);
  const ValueId y = Append(graph, "relu", "Relu", {Append(graph, "product", "MatMul", {x, w})});
  Tensor column(DataType::kFloat, {4, 1});
  for (float& element : column.mutable_elements<float>()) element = 0.25f;
  const ValueId v = graph.AddState("v", column);
  const ValueId last = Append(graph, "last", "MatMul", {y, v});
  const ValueId z = Append(graph, "z", "Mul", {y, late});
  const ValueId transposed = Append(graph, "transpose", "Transpose", {x});
  const ValueId step = Append(graph, "step", "MatMul", {transposed, late});
  graph.state_updates.push_back({w, Append(graph, "sum", "Add", {w, step})});
  const ValueId back = Append(graph, "back", "MatMul", {late, v});
  const ValueId late_columns = Append(graph, "late_columns", "Transpose", {late});
  const ValueId move = Append(graph, "move", "MatMul", {late_columns, back});
  graph.state_updates.push_back({v, Append(graph, "moved", "Add", {v, move})});
  graph.outputs = {z, y, last};
  return graph;
}

Tensor Numbers(const Shape& shape, float first) {
  Tensor tensor(DataType::kFloat, shape);
  for (float& element : tensor.mutable_elements<float>()) element = first += 0.5f;
  return tensor;
}

void ExpectSame(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.shape(), b.shape());
  EXPECT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0);
}

TEST(LateInputs, TwoPartsAreTheWhole) {
  const auto whole = *Session::Create(TwoParts(), std::make_shared<StateStore>());
  const auto parts =
      *Session::Create(TwoParts(), std::make_shared<StateStore>(), {.late_inputs = 1});
  for (int step = 0; step < 3; ++step) {
    const Tensor x = Numbers({2, 3}, -2.0f - static_cast<float>(step));
    const Tensor late = Numbers({2, 4}, -3.0f);
    const Tensor both[] = {x, late};
    const auto expected = whole->Run(both);
    ASSERT_TRUE(expected.ok()) << expected.status();
    const Tensor without_numbers[] = {x, Tensor(DataType::kFloat, {2, 4})};
    const auto begun = parts->Begin(without_numbers);
    ASSERT_TRUE(begun.ok()) << begun.status();
    ExpectSame((*begun)[1], (*expected)[1]);
    ExpectSame((*begun)[2], (*expected)[2]);
    const Tensor last[] = {late};
    const auto ended = parts->End(last);
    ASSERT_TRUE(ended.ok()) << ended.status();
    ExpectSame((*ended)[0], (*expected)[0]);
    ExpectSame(*parts->store().Read("w"), *whole->store().Read("w"));
    ExpectSame(*parts->store().Read("v"), *whole->store().Read("v"));
  }
}

TEST(LateInputs, AnEndBelongsToItsBegin) {
  const auto session =
      *Session::Create(TwoParts(), std::make_shared<StateStore>(), {.late_inputs = 1});
  const Tensor inputs[] = {Numbers({2, 3}, 0), Numbers({2, 4}, 0)};
  const absl::Span<const Tensor> late = absl::MakeConstSpan(inputs).subspan(1);
  EXPECT_EQ(session->End(late).status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(session->Begin(inputs).ok());
  ASSERT_TRUE(session->Run(inputs).ok());  // on the same arena
  EXPECT_EQ(session->End(late).status().code(), absl::StatusCode::kFailedPrecondition);
  ASSERT_TRUE(session->Begin(inputs).ok());
  const Tensor wrong[] = {Numbers({4, 2}, 0)};
  EXPECT_EQ(session->End(wrong).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace strop
