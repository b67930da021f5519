#include "exporter/constant_node.h"

#include <gtest/gtest.h>
#include <onnx/checker.h>

#include "tests/importer/test_models.h"

namespace strop {
namespace {

// A node by itself, as ONNX's checker sees it.
void Check(const onnx::NodeProto& node) {
  onnx::checker::CheckerContext context;
  context.set_ir_version(3);
  context.set_opset_imports({{"", 12}});
  onnx::checker::LexicalScopeContext scope;
  EXPECT_NO_THROW(onnx::checker::check_node(node, context, scope));
}

TEST(ConstantNode, GivesTheTensorUnderItsName) {
  const onnx::TensorProto tensor = FloatTensor("w", {2, 3});
  const onnx::NodeProto node = ConstantNode(tensor);
  Check(node);
  EXPECT_EQ(node.name(), "w");
  ASSERT_EQ(node.output_size(), 1);
  EXPECT_EQ(node.output(0), "w");
  EXPECT_EQ(node.attribute(0).t().SerializeAsString(), tensor.SerializeAsString());
}

TEST(ConstantNode, ANodeReadsNothingAnyMore) {
  onnx::NodeProto node;
  node.set_op_type("Identity");
  node.set_name("copy");
  node.add_input("w");
  node.add_output("y");
  BecomeConstant(node) = FloatTensor("", {3});
  Check(node);
  EXPECT_EQ(node.input_size(), 0);
  EXPECT_EQ(node.name(), "copy");
  EXPECT_EQ(node.output(0), "y");
}

}  // namespace
}  // namespace strop
