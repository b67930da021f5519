#include <gtest/gtest.h>

#include "tests/ops/op_case.h"

namespace strop {
namespace {

// What the three recurrent operators have in common: how many gates, biases and states.
struct Cell {
  std::string op;
  int64_t gates;
  size_t outputs;
};

const Cell kLstmCell = {"LSTM", 4, 3};
const Cell kGruCell = {"GRU", 3, 2};
const Cell kRnnCell = {"RNN", 1, 2};

struct Sizes {
  int64_t steps = 4;
  int64_t batch = 3;
  int64_t inputs = 5;
  int64_t hidden = 6;
};

InputCase Small(Shape shape) { return Uniform(std::move(shape), -0.7, 0.7); }

// X, W and R only.
OpCase Bare(const Cell& cell, const Sizes& n, const std::string& direction) {
  const int64_t d = direction == "bidirectional" ? 2 : 1;
  return {
      .op = cell.op,
      .inputs = {Small({n.steps, n.batch, n.inputs}), Small({d, cell.gates * n.hidden, n.inputs}),
                 Small({d, cell.gates * n.hidden, n.hidden})},
      .attributes = {{"hidden_size", n.hidden}, {"direction", direction}},
      .output_count = cell.outputs};
}

InputCase Lengths(std::vector<int32_t> lengths) {
  const auto count = static_cast<int64_t>(lengths.size());
  return Fixed(Tensor::FromVector<int32_t>({count}, lengths));
}

// Every input: biases, sequence lengths, initial states, peepholes.
OpCase Full(const Cell& cell, const Sizes& n, const std::string& direction) {
  OpCase row = Bare(cell, n, direction);
  const int64_t d = direction == "bidirectional" ? 2 : 1;
  row.inputs.push_back(Small({d, 2 * cell.gates * n.hidden}));
  std::vector<int32_t> lengths;
  for (int64_t b = 0; b < n.batch; ++b) {
    lengths.push_back(static_cast<int32_t>(n.steps - b % (n.steps + 1)));
  }
  row.inputs.push_back(Lengths(lengths));
  row.inputs.push_back(Small({d, n.batch, n.hidden}));
  if (cell.op == "LSTM") {
    row.inputs.push_back(Small({d, n.batch, n.hidden}));
    row.inputs.push_back(Small({d, 3 * n.hidden}));
  }
  return row;
}

// The same model with the batch as the first axis.
OpCase BatchFirst(OpCase row) {
  row.attributes.Set("layout", int64_t{1});
  std::swap(row.inputs[0].shape[0], row.inputs[0].shape[1]);
  for (size_t i = 5; i < std::min<size_t>(row.inputs.size(), 7); ++i) {
    std::swap(row.inputs[i].shape[0], row.inputs[i].shape[1]);
  }
  return row;
}

OpCase With(OpCase row, const std::string& name, Attribute value) {
  row.attributes.Set(name, std::move(value));
  return row;
}

class Recurrent : public testing::TestWithParam<Cell> {};

TEST_P(Recurrent, Directions) {
  for (const char* direction : {"forward", "reverse", "bidirectional"}) {
    CheckOp(Bare(GetParam(), {}, direction));
    CheckOp(Full(GetParam(), {}, direction));
  }
}

TEST_P(Recurrent, BatchFirst) {
  CheckOp(BatchFirst(Bare(GetParam(), {}, "forward")));
  CheckOp(BatchFirst(Full(GetParam(), {}, "bidirectional")));
}

TEST_P(Recurrent, SingleOutputs) {
  for (size_t output = 0; output < GetParam().outputs; ++output) {
    OpCase row = Full(GetParam(), {}, "bidirectional");
    row.cotangents = {output};
    CheckOp(row);
  }
  OpCase first = Full(GetParam(), {}, "forward");
  first.output_count = 1;
  CheckOp(first);
}

TEST_P(Recurrent, Sizes) {
  CheckOp(Bare(GetParam(), {.steps = 1, .batch = 1, .inputs = 1, .hidden = 1}, "forward"));
  CheckOp(Full(GetParam(), {.steps = 3, .batch = 14, .inputs = 9, .hidden = 37}, "bidirectional"));
}

INSTANTIATE_TEST_SUITE_P(Cells, Recurrent, testing::Values(kLstmCell, kGruCell, kRnnCell),
                         [](const testing::TestParamInfo<Cell>& cell) { return cell.param.op; });

TEST(Lstm, InputForget) {
  CheckOp(With(Full(kLstmCell, {}, "forward"), "input_forget", int64_t{1}));
}

TEST(Lstm, Clip) { CheckOp(With(Full(kLstmCell, {}, "forward"), "clip", 0.4)); }

TEST(Lstm, Activations) {
  using Names = std::vector<std::string>;
  CheckOp(With(Full(kLstmCell, {}, "forward"), "activations",
               Names{"Softplus", "Softsign", "ScaledTanh"}));
  OpCase row = With(Full(kLstmCell, {}, "bidirectional"), "activations",
                    Names{"Sigmoid", "ScaledTanh", "Affine", "Sigmoid", "Tanh", "Elu"});
  row.attributes.Set("activation_alpha", std::vector<double>{0.8, 0.7, 0.6});
  row.attributes.Set("activation_beta", std::vector<double>{1.3, 0.1});
  CheckOp(row);
}

TEST(Gru, LinearBeforeReset) {
  for (const char* direction : {"forward", "bidirectional"}) {
    CheckOp(With(Bare(kGruCell, {}, direction), "linear_before_reset", int64_t{1}));
    CheckOp(With(Full(kGruCell, {}, direction), "linear_before_reset", int64_t{1}));
    CheckOp(BatchFirst(With(Full(kGruCell, {}, direction), "linear_before_reset", int64_t{1})));
  }
}

TEST(Gru, Clip) { CheckOp(With(Full(kGruCell, {}, "forward"), "clip", 0.4)); }

TEST(Rnn, Activations) {
  for (const char* name : {"Affine", "Elu", "HardSigmoid", "LeakyRelu", "Relu", "ScaledTanh",
                           "Sigmoid", "Softplus", "Softsign", "Tanh"}) {
    CheckOp(With(Full(kRnnCell, {.hidden = 3}, "forward"), "activations",
                 std::vector<std::string>{name}));
  }
}

}  // namespace
}  // namespace strop
