// Sequence classifiers: tokens through an embedding, or sequences of features, through layers of
// LSTM (Hochreiter and Schmidhuber 1997) or GRU (Cho et al. 2014) to the classes, from the last
// state. Weights have ONNX's form: both directions in one tensor, the gates in ONNX's order.

#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "models/architectures/architecture.h"
#include "models/architectures/classifier.h"
#include "models/builder/layers.h"

namespace strop {
namespace {

constexpr int64_t kVocabulary = 10000;
constexpr int64_t kWidth = 128;
constexpr int64_t kDepth = 1;
constexpr int64_t kClasses = 2;

struct Cell {
  std::string_view op_type;
  std::string name;
  int64_t gates;
};

// [N, T, features], N and T unknown.
NetworkValue Sequence(NetworkBuilder& builder, int64_t width) {
  const NetworkOptions& options = builder.options();
  if (options.input.empty()) {
    const NetworkValue ids =
        builder.Input("input_ids", onnx::TensorProto::INT64, {kUnknownDimension, kUnknownDimension},
                      {"batch", "sequence"});
    return Embedding(builder, "embedding", ids, options.vocabulary.value_or(kVocabulary), width, 1);
  }
  if (options.input.size() != 1 || options.vocabulary.has_value()) {
    builder.Fail(
        absl::StrCat("--input ", absl::StrJoin(options.input, "x"),
                     ": expected the number of features of one step, without --vocabulary"));
  }
  return builder.Input("sequence", onnx::TensorProto::FLOAT,
                       {kUnknownDimension, kUnknownDimension, options.input[0]},
                       {"batch", "sequence"});
}

struct LayerResult {
  NetworkValue sequence;    // [T, N, directions·width]
  NetworkValue last_state;  // [directions, N, width]
};

// x [T, N, features]. Weights start as torch.nn's do: U(-1/√width, 1/√width).
LayerResult RecurrentLayer(NetworkBuilder& builder, const Cell& cell, int64_t layer,
                           const NetworkValue& x, int64_t width) {
  const int64_t directions = builder.options().bidirectional ? 2 : 1;
  const int64_t rows = cell.gates * width;
  const double bound = 1 / std::sqrt(static_cast<double>(width));
  const FirstValue uniform = {Distribution::kUniform, bound};
  const bool is_own = !builder.options().initialization.has_value();
  const auto weight = [&](const std::string& kind, int64_t inputs) {
    const FirstValue chosen = FirstWeight(builder.initialization(), 1, inputs, width,
                                          directions * rows, /*is_convolution=*/false);
    return builder.Parameter(absl::StrCat(cell.name, ".weight_", kind, "_l", layer),
                             {directions, rows, inputs}, is_own ? uniform : chosen);
  };
  const NetworkValue weight_input = weight("ih", x.width());
  const NetworkValue weight_hidden = weight("hh", width);
  const FirstValue zero = {};
  const NetworkValue bias = builder.Parameter(absl::StrCat(cell.name, ".bias_l", layer),
                                              {directions, 2 * rows}, is_own ? uniform : zero);
  std::vector<NodeAttribute> attributes = {
      {"hidden_size", width},
      {"direction", std::string_view(directions == 2 ? "bidirectional" : "forward")}};
  // PyTorch's GRU multiplies the reset gate behind the recurrent product.
  if (cell.op_type == "GRU") attributes.emplace_back("linear_before_reset", 1);
  const std::string name = absl::StrCat(cell.name, ".", layer);
  const std::vector<NetworkValue> outputs = builder.NodeOutputs(
      name, cell.op_type, {x, weight_input, weight_hidden, bias},
      {{x.shape[0], directions, x.shape[1], width}, {directions, x.shape[1], width}}, attributes);
  const NetworkValue merged = Transpose(builder, name + ".merge", outputs[0], {0, 2, 1, 3});
  const NetworkValue sequence =
      Reshape(builder, name + ".output", merged, {0, 0, directions * width},
              {x.shape[0], x.shape[1], directions * width});
  return {sequence, outputs[1]};
}

void BuildRecurrent(NetworkBuilder& builder, const Cell& cell) {
  const NetworkOptions& options = builder.options();
  const int64_t width = SingleWidth(builder, kWidth);
  const int64_t directions = options.bidirectional ? 2 : 1;
  NetworkValue x = Transpose(builder, "time_first", Sequence(builder, width), {1, 0, 2});
  NetworkValue last_state;
  for (int64_t layer = 0; layer < options.depth.value_or(kDepth); ++layer) {
    x = Dropout(builder, absl::StrCat("dropout.", layer), x, options.dropout.value_or(0));
    const LayerResult result = RecurrentLayer(builder, cell, layer, x, width);
    x = result.sequence;
    last_state = result.last_state;
  }
  const NetworkValue batch_first = Transpose(builder, "batch_first", last_state, {1, 0, 2});
  const NetworkValue features = Reshape(builder, "features", batch_first, {0, directions * width},
                                        {kUnknownDimension, directions * width});
  ClassLogits(builder, "classifier", features, kClasses);
}

}  // namespace

std::vector<Architecture> RecurrentArchitectures() {
  const std::vector<std::string> options = {"vocabulary", "input",         "classes", "depth",
                                            "width",      "bidirectional", "dropout"};
  const std::string size = " classifier of tokens (--vocabulary 10000), or of --input features";
  return {{"lstm", "LSTM" + size, options,
           [](NetworkBuilder& builder) {
             BuildRecurrent(builder, {"LSTM", "lstm", 4});
           }},
          {"gru", "GRU" + size, options, [](NetworkBuilder& builder) {
             BuildRecurrent(builder, {"GRU", "gru", 3});
           }}};
}

}  // namespace strop
