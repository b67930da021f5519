// External data of exported files: theirs alone, whatever lies in the folder.

#include "exporter/external_export.h"

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include "tests/exporter/exported_bytes.h"
#include "tests/importer/test_models.h"

namespace strop {
namespace {

TEST(ExternalExport, DataInAnotherFolder) {
  const TestFolder folder;
  const TestFolder target;
  folder.Write("weights/data.bin", ExternalBytes());
  const std::string bytes = ExternalModel().SerializeAsString();
  const ImportedModel model = Import(folder.Write("in.onnx", bytes));
  EXPECT_EQ(Export(model, {}, target.Path("out.onnx")), bytes);
  EXPECT_EQ(ReadBytes(target.Path("weights/data.bin")), ExternalBytes());
  const Tensor bias = Filled({3}, 9);
  onnx::ModelProto exported;
  ASSERT_TRUE(exported.ParseFromString(Export(model, {{"b", bias}}, target.Path("out.onnx"))));
  std::string expected = ExternalBytes();
  expected.replace(48, 12, Raw(bias));
  const std::string name = exported.graph().initializer(0).external_data(0).value();
  EXPECT_EQ(name.rfind("out.onnx.", 0), 0u) << name;
  EXPECT_EQ(ReadBytes(target.Path(name)), expected);
  for (auto& tensor : *exported.mutable_graph()->mutable_initializer()) {
    EXPECT_EQ(tensor.external_data(0).value(), name);
    tensor.mutable_external_data(0)->set_value("weights/data.bin");
  }
  EXPECT_EQ(exported.SerializeAsString(), bytes);
  EXPECT_EQ(ReadBytes(target.Path("weights/data.bin")), ExternalBytes());
  EXPECT_EQ(ReadBytes(folder.Path("weights/data.bin")), ExternalBytes());
}

TEST(ExternalExport, DataInTheSameFolder) {
  const TestFolder folder;
  folder.Write("weights/data.bin", ExternalBytes());
  const std::string bytes = ExternalModel().SerializeAsString();
  const ImportedModel model = Import(folder.Write("in.onnx", bytes));
  EXPECT_EQ(Export(model, {}, folder.Path("out.onnx")), bytes);
  EXPECT_EQ(folder.List(), (std::vector<std::string>{"in.onnx", "out.onnx", "weights"}));

  const Tensor bias = Filled({3}, 9);
  const auto notes = ExportModel(model, {{"b", bias}}, folder.Path("out.onnx"));
  ASSERT_TRUE(notes.ok()) << notes.status();
  EXPECT_EQ(notes->lines.size(), 1u);
  onnx::ModelProto exported;
  ASSERT_TRUE(exported.ParseFromString(ReadBytes(folder.Path("out.onnx"))));
  const std::string name = exported.graph().initializer(0).external_data(0).value();
  onnx::ModelProto expected = ExternalModel();
  for (auto& tensor : *expected.mutable_graph()->mutable_initializer()) {
    tensor.mutable_external_data(0)->set_value(name);
  }
  EXPECT_EQ(exported.SerializeAsString(), expected.SerializeAsString());
  EXPECT_EQ(ReadBytes(folder.Path("weights/data.bin")), ExternalBytes());
  std::string data = ExternalBytes();
  data.replace(48, 12, Raw(bias));
  EXPECT_EQ(ReadBytes(folder.Path(name)), data);
  // A file of the name, with other content, belongs to somebody.
  folder.Write(name, std::string("somebody's own"));
  ASSERT_TRUE(ExportModel(model, {{"b", bias}}, folder.Path("out.onnx")).ok());
  EXPECT_EQ(ReadBytes(folder.Path(name)), "somebody's own");
  // And the result can be trained again.
  const ImportedModel again = Import(folder.Path("out.onnx"));
  EXPECT_EQ(Raw(again.graph.value(again.parameters[1].value).tensor), Raw(bias));
}

// Two tensors on the same bytes: training one must not change the other.
TEST(ExternalExport, DataThatOverlap) {
  const TestFolder folder;
  const TestFolder target;
  folder.Write("weights/data.bin", ExternalBytes());
  const ImportedModel model = Import(folder.Write("in.onnx", ExternalModel(16)));
  const Tensor bias = Filled({3}, 9);
  Export(model, {{"b", bias}}, target.Path("out.onnx"));
  const ImportedModel exported = Import(target.Path("out.onnx"));
  for (size_t i = 0; i < 2; ++i) {
    const Tensor& found = exported.graph.value(exported.parameters[i].value).tensor;
    const Tensor& before = model.graph.value(model.parameters[i].value).tensor;
    EXPECT_EQ(Raw(found), i == 0 ? Raw(before) : Raw(bias));
  }
}

}  // namespace
}  // namespace strop
