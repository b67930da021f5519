#include "exporter/replace_head.h"

#include <gtest/gtest.h>
#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include "importer/importer.h"
#include "tests/importer/test_models.h"

namespace strop {
namespace {

absl::StatusOr<onnx::ModelProto> Replaced(const onnx::ModelProto& model, int64_t classes,
                                          uint64_t seed = 1, const std::string& at = "") {
  const TestFolder folder;
  auto file = ModelFile::Open(folder.Write("in.onnx", model));
  if (!file.ok()) return file.status();
  auto result = ReplaceHead(**file, {classes, at, seed});
  if (!result.ok()) return result.status();
  const auto imported = ImportModel(result->file);
  if (!imported.ok()) return imported.status();
  onnx::ModelProto proto;
  EXPECT_TRUE(proto.ParseFromString(**result->file->Read()));
  return proto;
}

// LinearModel with Softmax and Identity behind the head, as classifiers are exported.
onnx::ModelProto Classifier() {
  onnx::ModelProto model = LinearModel();
  model.mutable_graph()->mutable_node(0)->set_output(0, "logits");
  AddNode(model, "Softmax", {"logits"}, {"p"});
  AddNode(model, "Identity", {"p"}, {"y"});
  *model.mutable_graph()->add_value_info() = ValueInfo("logits", onnx::TensorProto::FLOAT, {-1, 3});
  *model.mutable_graph()->add_value_info() = ValueInfo("x2", onnx::TensorProto::FLOAT, {-1, 3});
  return model;
}

TEST(ReplaceHeadTest, ChangesTheClassesOnly) {
  const auto result = Replaced(Classifier(), 10);
  ASSERT_TRUE(result.ok()) << result.status();
  onnx::ModelProto expected = Classifier();
  auto* graph = expected.mutable_graph();
  graph->mutable_initializer(0)->set_dims(1, 10);
  graph->mutable_initializer(1)->set_dims(0, 10);
  for (int i = 0; i < 2; ++i) {
    const std::string& drawn = result->graph().initializer(i).raw_data();
    ASSERT_EQ(drawn.size(), i == 0 ? 160u : 40u);
    const auto* elements = reinterpret_cast<const float*>(drawn.data());
    for (size_t e = 0; e < drawn.size() / 4; ++e) EXPECT_LE(std::abs(elements[e]), 0.5f);
    EXPECT_NE(elements[0], elements[1]);
    graph->mutable_initializer(i)->set_raw_data(drawn);
  }
  for (auto* info : {graph->mutable_output(0), graph->mutable_value_info(0)}) {
    info->mutable_type()->mutable_tensor_type()->mutable_shape()->mutable_dim(1)->set_dim_value(10);
  }
  EXPECT_EQ(result->SerializeAsString(), expected.SerializeAsString());
}

TEST(ReplaceHeadTest, SeedDecides) {
  const std::string first = Replaced(Classifier(), 10, 1)->SerializeAsString();
  EXPECT_EQ(first, Replaced(Classifier(), 10, 1)->SerializeAsString());
  EXPECT_NE(first, Replaced(Classifier(), 10, 2)->SerializeAsString());
}

TEST(ReplaceHeadTest, TransposedWeight) {
  onnx::ModelProto model = LinearModel();
  *model.mutable_graph()->mutable_initializer(0) = FloatTensor("w", {3, 4});
  SetInt(model.mutable_graph()->mutable_node(0), "transB", 1);
  const auto result = Replaced(model, 7);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->graph().initializer(0).dims(0), 7);
  EXPECT_EQ(result->graph().initializer(0).dims(1), 4);
}

// MatMul and Add with weights in Constant nodes and typed data, as Paddle's exporter writes them.
TEST(ReplaceHeadTest, MatMulAndAddOfConstantNodes) {
  onnx::ModelProto model = EmptyModel();
  for (const auto& [name, dims] :
       {std::pair<std::string, std::vector<int64_t>>{"w", {4, 3}}, {"b", {3}}}) {
    auto* attribute = AddNode(model, "Constant", {}, {name})->add_attribute();
    attribute->set_name("value");
    attribute->set_type(onnx::AttributeProto::TENSOR);
    *attribute->mutable_t() = FloatTensor("", dims, Storage::kTyped);
  }
  AddNode(model, "MatMul", {"x", "w"}, {"h"});
  AddNode(model, "Add", {"h", "b"}, {"y"});
  const auto result = Replaced(model, 2);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->graph().node(0).attribute(0).t().dims(1), 2);
  EXPECT_EQ(result->graph().node(1).attribute(0).t().dims(0), 2);
}

// What a subgraph takes from outside is renamed there too.
TEST(ReplaceHeadTest, AppendedWhereASubgraphReadsTheOutput) {
  onnx::ModelProto model = LinearModel();
  model.mutable_graph()->mutable_node(0)->set_output(0, "h");
  AddNode(model, "Relu", {"h"}, {"y"});
  auto* choice = AddNode(model, "If", {"yes"}, {"z"});
  for (const char* name : {"then_branch", "else_branch"}) {
    auto* attribute = choice->add_attribute();
    attribute->set_name(name);
    attribute->set_type(onnx::AttributeProto::GRAPH);
    attribute->mutable_g()->set_name(name);
    auto* node = attribute->mutable_g()->add_node();
    node->set_op_type("Neg");
    node->add_input("y");
    node->add_output(name);
    *attribute->mutable_g()->add_output() = ValueInfo(name, onnx::TensorProto::FLOAT, {-1, 3});
  }
  *model.mutable_graph()->add_input() = ValueInfo("yes", onnx::TensorProto::BOOL, {});
  *model.mutable_graph()->add_output() = ValueInfo("z", onnx::TensorProto::FLOAT, {-1, 3});
  const TestFolder folder;
  const auto file = ModelFile::Open(folder.Write("in.onnx", model));
  ASSERT_TRUE(file.ok()) << file.status();
  const auto result = ReplaceHead(**file, {10, "", 1});
  ASSERT_TRUE(result.ok()) << result.status();
  onnx::ModelProto changed;
  ASSERT_TRUE(changed.ParseFromString(**result->file->Read()));
  EXPECT_NO_THROW(onnx::checker::check_model(changed, true));
  const std::string kept = changed.graph().node(1).output(0);
  EXPECT_NE(kept, "y");
  for (const auto& branch : changed.graph().node(2).attribute()) {
    EXPECT_EQ(branch.g().node(0).input(0), kept);
  }
  EXPECT_EQ(changed.graph().node(3).input(0), kept);
  EXPECT_EQ(changed.graph().node(3).output(0), "y");
}

TEST(ReplaceHeadTest, Refused) {
  onnx::ModelProto no_head = EmptyModel();
  no_head.mutable_graph()->mutable_output(0)->set_name("x");
  onnx::ModelProto shared = LinearModel();
  AddNode(shared, "Relu", {"w"}, {"other"});
  for (const onnx::ModelProto& model : {no_head, shared}) {
    EXPECT_EQ(Replaced(model, 10).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EXPECT_EQ(Replaced(LinearModel(), 0).status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace strop
