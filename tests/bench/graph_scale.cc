// How the stages before the first step grow with the number of nodes.
//
//     build/release/tests/graph_scale [NODES…]
//
// Makes ONNX models of a chain of MatMul, Tanh and Add, with a residual Add in every second block
// and a weight in every eighth that another block has already, and prints for each the seconds of
// import, differentiation, optimization and planning of a training step, and of the graph's index.
// R² is that of total = a·nodes + b: 1 where time is linear in the nodes.

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "importer/importer.h"
#include "plugin/engine/passes/passes.h"
#include "plugin/engine/plan/specialize.h"
#include "plugin/engine/plan/step_plan.h"
#include "plugin/engine/runtime/state_store.h"
#include "plugin/training/graph/training_graph.h"

namespace strop {
namespace {

constexpr int64_t kFeatures = 4;
constexpr int64_t kBatch = 2;

class ChainModel {
 public:
  explicit ChainModel(int nodes) {
    model_.set_ir_version(8);
    model_.add_opset_import()->set_version(17);
    graph_ = model_.mutable_graph();
    graph_->set_name("chain");
    Declare("x", *graph_->add_input());
    std::string last = "x";
    for (int block = 0; graph_->node_size() < nodes; ++block) last = AddBlock(block, last);
    Declare(last, *graph_->add_output());
  }

  std::string Bytes() const { return model_.SerializeAsString(); }
  int node_count() const { return graph_->node_size(); }

 private:
  static void Declare(const std::string& name, onnx::ValueInfoProto& info) {
    info.set_name(name);
    onnx::TypeProto::Tensor& type = *info.mutable_type()->mutable_tensor_type();
    type.set_elem_type(onnx::TensorProto::FLOAT);
    type.mutable_shape()->add_dim()->set_dim_param("batch");
    type.mutable_shape()->add_dim()->set_dim_value(kFeatures);
  }

  // tanh(x·W) + b, and + x in every second one.
  std::string AddBlock(int block, const std::string& input) {
    const bool is_tied = block % 8 == 7;
    const std::string weight = absl::StrCat("w", is_tied ? block - 4 : block);
    const std::string bias = absl::StrCat("b", block);
    if (!is_tied) AddWeight(weight, {kFeatures, kFeatures});
    AddWeight(bias, {kFeatures});
    std::string last = AddNode("MatMul", input, weight);
    last = AddNode("Tanh", last, "");
    last = AddNode("Add", last, bias);
    return block % 2 == 0 ? last : AddNode("Add", last, input);
  }

  std::string AddNode(const char* op, const std::string& a, const std::string& b) {
    const std::string output = absl::StrCat("v", graph_->node_size());
    onnx::NodeProto& node = *graph_->add_node();
    node.set_op_type(op);
    node.add_input(a);
    if (!b.empty()) node.add_input(b);
    node.add_output(output);
    return output;
  }

  void AddWeight(const std::string& name, const std::vector<int64_t>& dimensions) {
    onnx::TensorProto& tensor = *graph_->add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    int64_t count = 1;
    for (const int64_t dimension : dimensions) {
      tensor.add_dims(dimension);
      count *= dimension;
    }
    for (int64_t i = 0; i < count; ++i) tensor.add_float_data(0.01f * static_cast<float>(i + 1));
  }

  onnx::ModelProto model_;
  onnx::GraphProto* graph_ = nullptr;
};

struct StageSeconds {
  double import = 0;
  double differentiate = 0;
  double optimize = 0;
  double plan = 0;
  double index = 0;

  double total() const { return import + differentiate + optimize + plan; }
};

// Seconds that the program has computed since the last call: the stages run on one thread, and what
// else the machine does is not theirs.
class Stopwatch {
 public:
  double Lap() {
    const std::clock_t now = std::clock();
    const double seconds = static_cast<double>(now - start_) / CLOCKS_PER_SEC;
    start_ = now;
    return seconds;
  }

 private:
  std::clock_t start_ = std::clock();
};

absl::StatusOr<StageSeconds> Measure(const ChainModel& chain) {
  const std::shared_ptr<const ModelFile> file = ModelFile::FromBytes(chain.Bytes(), "chain.onnx");
  StageSeconds seconds;
  Stopwatch watch;
  STROP_ASSIGN_OR_RETURN(const ImportedModel model, ImportModel(file));
  seconds.import = watch.Lap();
  TrainingGraphOptions options;
  options.loss.kind = LossKind::kMeanSquaredError;
  const DataShapes data = {{{kFeatures}}, std::nullopt, kBatch};
  STROP_ASSIGN_OR_RETURN(TrainingGraph training, BuildTrainingGraph(model, options, data, {}));
  seconds.differentiate = watch.Lap();
  const GraphIndex index(training.graph);
  seconds.index = watch.Lap();
  if (index.use_count(training.graph.outputs[0]) == 0) {
    return absl::InternalError("the loss is no output");
  }

  std::vector<Shape> shapes;
  for (const ValueId input : training.graph.inputs) {
    Shape shape = *training.graph.type(input).shape;
    std::replace(shape.begin(), shape.end(), kUnknownDimension, kBatch);
    shapes.push_back(std::move(shape));
  }
  watch.Lap();
  STROP_ASSIGN_OR_RETURN(Graph specialised, Specialize(std::move(training.graph), shapes));
  STROP_RETURN_IF_ERROR(Optimize(specialised, {}));
  seconds.optimize = watch.Lap();
  StateStore store;
  const auto adopt = [&store](const Value& state, const Layout& wanted) -> absl::StatusOr<Layout> {
    STROP_ASSIGN_OR_RETURN(StateStore::Entry * entry, store.FindOrAdd(state));
    return store.AdoptLayout(*entry, wanted);
  };
  const auto fixed = [&store](const Value& state) { return store.FixedLayout(state.name); };
  STROP_RETURN_IF_ERROR(BuildPlan(std::move(specialised), {adopt, fixed}, {}).status());
  seconds.plan = watch.Lap();
  return seconds;
}

// Of the least-squares line through the points.
double RSquared(const std::vector<double>& x, const std::vector<double>& y) {
  const auto count = static_cast<double>(x.size());
  double sum_x = 0;
  double sum_y = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    sum_x += x[i];
    sum_y += y[i];
  }
  double xx = 0;
  double xy = 0;
  double yy = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double dx = x[i] - sum_x / count;
    const double dy = y[i] - sum_y / count;
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  return xy * xy / (xx * yy);
}

absl::Status Run(const std::vector<int>& sizes) {
  std::printf("  nodes  import  differentiate  optimize    plan   total   index\n");
  std::vector<double> nodes;
  std::vector<double> totals;
  for (const int size : sizes) {
    const ChainModel chain(size);
    STROP_ASSIGN_OR_RETURN(const StageSeconds seconds, Measure(chain));
    std::printf("%7d  %6.3f  %13.3f  %8.3f  %6.3f  %6.3f  %6.4f\n", chain.node_count(),
                seconds.import, seconds.differentiate, seconds.optimize, seconds.plan,
                seconds.total(), seconds.index);
    nodes.push_back(chain.node_count());
    totals.push_back(seconds.total());
  }
  if (nodes.size() > 2) std::printf("R² of total = a·nodes + b: %.4f\n", RSquared(nodes, totals));
  return absl::OkStatus();
}

}  // namespace
}  // namespace strop

int main(int argc, char** argv) {
  std::vector<int> sizes = {1'000, 2'000, 3'000, 5'000, 10'000, 15'000, 20'000, 30'000};
  if (argc > 1) sizes.clear();
  for (int i = 1; i < argc; ++i) {
    int size = 0;
    if (!absl::SimpleAtoi(argv[i], &size) || size < 1) {
      std::fprintf(stderr, "found \"%s\", expected a number of nodes\n", argv[i]);
      return EXIT_FAILURE;
    }
    sizes.push_back(size);
  }
  const absl::Status status = strop::Run(sizes);
  if (status.ok()) return EXIT_SUCCESS;
  std::fprintf(stderr, "%s\n", std::string(status.message()).c_str());
  return EXIT_FAILURE;
}
