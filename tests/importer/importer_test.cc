// What a good model becomes: interface, parameters, nodes in the newest opset's words.

#include "importer/importer.h"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <map>

#include "importer/glob.h"
#include "tests/importer/test_models.h"

namespace strop {
namespace {

ImportedModel Import(const onnx::ModelProto& model, const ImportOptions& options = {}) {
  const TestFolder folder;
  absl::StatusOr<ImportedModel> imported = ImportModel(folder.Write("model.onnx", model), options);
  if (!imported.ok()) {
    ADD_FAILURE() << imported.status();
    return {};
  }
  return *std::move(imported);
}

std::vector<std::string> Operators(const Graph& graph) {
  std::vector<std::string> names;
  for (const Node& node : graph.nodes) names.push_back(node.op_type);
  return names;
}

const Parameter& Find(const ImportedModel& model, const std::string& name) {
  for (const Parameter& parameter : model.parameters) {
    if (parameter.name == name) return parameter;
  }
  ADD_FAILURE() << name;
  return model.parameters.at(0);
}

TEST(ImporterTest, InterfaceAndParameters) {
  onnx::ModelProto model = LinearModel();
  *model.mutable_graph()->add_input() = ValueInfo("w", onnx::TensorProto::FLOAT, {4, 3});
  const ImportedModel imported = Import(model);
  ASSERT_EQ(imported.graph.inputs.size(), 1u);  // an initializer is no input
  EXPECT_EQ(TypeName(imported.graph.type(imported.graph.inputs[0])), "float32[?,4]");
  EXPECT_EQ(imported.graph.value(imported.graph.outputs[0]).name, "y");
  ASSERT_EQ(imported.parameters.size(), 2u);
  EXPECT_EQ(imported.parameters[0].reason, "weight of \"head\" (Gemm)");
  EXPECT_EQ(imported.graph.value(imported.parameters[0].value).kind, ValueKind::kState);
}

TEST(ImporterTest, NodesOutOfOrderAndWithoutNames) {
  onnx::ModelProto model = LinearModel();
  model.mutable_graph()->mutable_node(0)->set_input(0, "r");
  model.mutable_graph()->mutable_node(0)->clear_name();
  AddNode(model, "Relu", {"x"}, {"r"});
  const ImportedModel imported = Import(model);
  EXPECT_EQ(Operators(imported.graph), (std::vector<std::string>{"Relu", "Gemm"}));
  EXPECT_EQ(imported.graph.nodes[0].name, "Relu_r");
}

TEST(ImporterTest, WidensToDouble) {
  onnx::ModelProto model = LinearModel();
  model.mutable_graph()->mutable_node(0)->set_output(0, "h");
  SetInt(AddNode(model, "Cast", {"h"}, {"y"}), "to", onnx::TensorProto::FLOAT);
  const ImportedModel imported = Import(model, {.widening = Widening::kToDouble});
  for (const Value& value : imported.graph.values) {
    EXPECT_EQ(value.type.element_type, DataType::kDouble) << value.name;
  }
}

TEST(ImporterTest, WidensHalfTypesAlone) {
  onnx::ModelProto model = LinearModel();
  model.mutable_graph()->mutable_node(0)->set_output(0, "h");
  SetInt(AddNode(model, "Cast", {"h"}, {"narrow"}), "to", onnx::TensorProto::FLOAT16);
  SetInt(AddNode(model, "Cast", {"narrow"}, {"wide"}), "to", onnx::TensorProto::DOUBLE);
  SetInt(AddNode(model, "Cast", {"wide"}, {"y"}), "to", onnx::TensorProto::FLOAT);
  const ImportedModel imported = Import(model, {.widening = Widening::kHalfToFloat});
  std::map<std::string, DataType> types;
  for (const Value& value : imported.graph.values) types[value.name] = value.type.element_type;
  EXPECT_EQ(types.at("narrow"), DataType::kFloat);
  EXPECT_EQ(types.at("wide"), DataType::kDouble);
  EXPECT_EQ(Find(imported, "w").type, DataType::kFloat);
}

TEST(ImporterTest, UserSelectsParameters) {
  const ImportedModel frozen = Import(LinearModel(), {.selection = {.freeze = {"w*"}}});
  EXPECT_EQ(Find(frozen, "w").role, Parameter::Role::kFrozen);
  EXPECT_EQ(frozen.graph.value(Find(frozen, "w").value).kind, ValueKind::kState);
  EXPECT_EQ(Find(frozen, "b").role, Parameter::Role::kTrained);
  const ImportedModel only =
      Import(LinearModel(), {.selection = {.train_only = {"?"}, .freeze = {"b"}}});
  EXPECT_EQ(Find(only, "w").role, Parameter::Role::kTrained);
  EXPECT_EQ(Find(only, "b").role, Parameter::Role::kFrozen);
  const TestFolder folder;
  const auto none = ImportModel(folder.Write("model.onnx", LinearModel()),
                                {.selection = {.train = {"nothing*"}}});
  EXPECT_EQ(none.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(ImporterTest, MasksAndInputNormalizationAreNotTrained) {
  onnx::ModelProto model = LinearModel();
  auto* graph = model.mutable_graph();
  graph->mutable_node(0)->set_input(0, "normal");
  graph->mutable_node(0)->set_output(0, "h");
  *graph->add_initializer() = FloatTensor("mean", {4});
  onnx::TensorProto mask = FloatTensor("mask", {3});
  const float elements[] = {0, -1e9f, 0};
  mask.set_raw_data(elements, sizeof(elements));
  *graph->add_initializer() = mask;
  *graph->add_initializer() = FloatTensor("embedding", {1, 3});
  AddNode(model, "Sub", {"x", "mean"}, {"normal"});
  AddNode(model, "Add", {"h", "mask"}, {"i"});
  AddNode(model, "Add", {"i", "embedding"}, {"y"});
  const ImportedModel imported = Import(model);
  EXPECT_EQ(Find(imported, "mean").role, Parameter::Role::kFrozen);
  EXPECT_EQ(Find(imported, "mask").reason, "a mask");
  EXPECT_EQ(imported.graph.value(Find(imported, "mask").value).kind, ValueKind::kConstant);
  EXPECT_EQ(Find(imported, "embedding").role, Parameter::Role::kTrained);
}

TEST(ImporterTest, TellsNormsAndBiasesFromWeights) {
  onnx::ModelProto model = LinearModel();
  auto* graph = model.mutable_graph();
  graph->mutable_node(0)->set_output(0, "h");
  for (const char* name : {"scale", "shift", "gain", "offset"}) {
    *graph->add_initializer() = FloatTensor(name, {3});
  }
  *graph->add_initializer() = FloatTensor("embedding", {2, 3});
  AddNode(model, "LayerNormalization", {"h", "scale", "shift"}, {"n"});
  AddNode(model, "Mul", {"n", "gain"}, {"g"});
  AddNode(model, "Add", {"g", "offset"}, {"i"});
  AddNode(model, "Add", {"i", "embedding"}, {"y"});
  const ImportedModel imported = Import(model);
  for (const char* name : {"b", "scale", "shift", "gain", "offset"}) {
    EXPECT_TRUE(Find(imported, name).is_norm_or_bias) << name;
  }
  EXPECT_FALSE(Find(imported, "w").is_norm_or_bias);
  EXPECT_FALSE(Find(imported, "embedding").is_norm_or_bias);
}

// A function called once trains the tensors in its body; called twice it cannot.
TEST(ImporterTest, Functions) {
  for (const int calls : {1, 2}) {
    onnx::ModelProto model = LinearModel();
    auto* import = model.add_opset_import();
    import->set_domain("local");
    import->set_version(1);
    model.mutable_graph()->mutable_node(0)->set_output(0, "h0");
    for (int i = 0; i < calls; ++i) {
      const std::string output = i + 1 == calls ? "y" : "h" + std::to_string(i + 1);
      AddNode(model, "Shift", {"h" + std::to_string(i)}, {output}, "call")->set_domain("local");
    }
    auto* function = model.add_functions();
    function->set_domain("local");
    function->set_name("Shift");
    function->add_input("a");
    function->add_output("b");
    function->add_opset_import()->set_version(17);
    auto* constant = function->add_node();
    constant->set_op_type("Constant");
    constant->add_output("c");
    auto* value = constant->add_attribute();
    value->set_name("value");
    value->set_type(onnx::AttributeProto::TENSOR);
    *value->mutable_t() = FloatTensor("", {3});
    auto* add = function->add_node();
    add->set_op_type("Add");
    for (const char* input : {"a", "c"}) add->add_input(input);
    add->add_output("b");
    const ImportedModel imported = Import(model);
    EXPECT_EQ(imported.graph.nodes.size(), 1u + static_cast<size_t>(calls));
    EXPECT_EQ(imported.graph.nodes.back().outputs, imported.graph.outputs);
    EXPECT_EQ(Find(imported, "call/c").role,
              calls == 1 ? Parameter::Role::kTrained : Parameter::Role::kFrozen);
  }
}

// Clip-6: bounds were attributes.
TEST(ImporterTest, ClipOfOpset10) {
  onnx::ModelProto model = LinearModel();
  model.mutable_opset_import(0)->set_version(10);
  model.mutable_graph()->mutable_node(0)->set_output(0, "h");
  SetFloat(AddNode(model, "Clip", {"h"}, {"y"}, "clip"), "max", 6);
  const ImportedModel imported = Import(model);
  const Node& clip = imported.graph.nodes.back();
  ASSERT_EQ(clip.inputs.size(), 3u);
  EXPECT_EQ(clip.inputs[1], kNoValue);
  EXPECT_EQ(imported.graph.value(clip.inputs[2]).tensor.elements<float>()[0], 6);
  EXPECT_FALSE(clip.attributes.Has("max"));
}

// Softmax-11 on its default axis 1 takes a matrix; the input's rank is not known here.
TEST(ImporterTest, SoftmaxOfOpset11) {
  for (const int64_t axis : {-1, 1}) {
    onnx::ModelProto model = LinearModel();
    model.mutable_opset_import(0)->set_version(11);
    model.mutable_graph()->mutable_node(0)->set_output(0, "h");
    SetInt(AddNode(model, "Softmax", {"h"}, {"y"}, "softmax"), "axis", axis);
    const ImportedModel imported = Import(model);
    EXPECT_EQ(Operators(imported.graph),
              axis == -1
                  ? (std::vector<std::string>{"Gemm", "Softmax"})
                  : (std::vector<std::string>{"Gemm", "Shape", "Flatten", "Softmax", "Reshape"}));
  }
}

TEST(GlobTest, Patterns) {
  EXPECT_TRUE(MatchesGlob("layer?.*weight", "layer4.conv1.weight"));
  EXPECT_TRUE(MatchesGlob("*", ""));
  EXPECT_FALSE(MatchesGlob("layer?", "layer10"));
  EXPECT_FALSE(MatchesGlob("", "x"));
  EXPECT_FALSE(MatchesGlob("*a*a*a*a*a*a*a*b", std::string(5000, 'a')));
}

}  // namespace
}  // namespace strop
