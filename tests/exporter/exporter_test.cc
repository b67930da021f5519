// Exported files: equal to the input where nothing was trained, different in the trained tensors'
// data only where something was. The comparison goes through protobuf, which the exporter does not
// use for patching.

#include "exporter/exporter.h"

#include <google/protobuf/unknown_field_set.h>
#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "importer/wire_format.h"
#include "tests/exporter/exported_bytes.h"
#include "tests/importer/test_models.h"

namespace strop {
namespace {

void SetFloats(const Tensor& tensor, onnx::TensorProto* proto) {
  proto->clear_float_data();
  for (const float element : tensor.elements<float>()) proto->add_float_data(element);
}

// Everything at once that a patch must leave alone.
onnx::ModelProto RichModel() {
  onnx::ModelProto model = EmptyModel();
  model.set_producer_name("somebody");
  model.set_doc_string("a model");
  auto* entry = model.add_metadata_props();
  entry->set_key("author");
  entry->set_value("nobody");
  auto* graph = model.mutable_graph();
  *graph->add_initializer() = FloatTensor("raw", {4, 300});
  *graph->add_initializer() = FloatTensor("typed", {300}, Storage::kTyped);
  *graph->add_initializer() = FloatTensor("untouched", {300, 3}, Storage::kTyped);
  graph->mutable_initializer(0)->set_doc_string("weights");
  AddNode(model, "MatMul", {"x", "raw"}, {"h"}, "first")->set_doc_string("a node");
  AddNode(model, "Add", {"h", "typed"}, {"i"}, "second");
  AddNode(model, "MatMul", {"i", "untouched"}, {"j"}, "third");
  onnx::NodeProto* constant = AddNode(model, "Constant", {}, {"c"}, "constant");
  auto* attribute = constant->add_attribute();
  attribute->set_name("value");
  attribute->set_type(onnx::AttributeProto::TENSOR);
  *attribute->mutable_t() = FloatTensor("", {3});
  AddNode(model, "Add", {"j", "c"}, {"k"}, "fourth");
  onnx::NodeProto* call = AddNode(model, "Shift", {"k"}, {"y"}, "call");
  call->set_domain("local");
  auto* import = model.add_opset_import();
  import->set_domain("local");
  import->set_version(1);
  auto* function = model.add_functions();
  function->set_domain("local");
  function->set_name("Shift");
  function->add_input("a");
  function->add_output("b");
  *function->add_node() = *constant;
  auto* add = function->add_node();
  add->set_op_type("Add");
  add->add_input("a");
  add->add_input("c");
  add->add_output("b");
  function->add_opset_import()->set_version(17);
  return model;
}

// Fields that no version of onnx.proto has, in the model, the graph and a tensor.
std::string WithUnknownFields(const onnx::ModelProto& model) {
  onnx::ModelProto changed = model;
  for (google::protobuf::UnknownFieldSet* unknown :
       {changed.mutable_unknown_fields(), changed.mutable_graph()->mutable_unknown_fields(),
        changed.mutable_graph()->mutable_initializer(0)->mutable_unknown_fields()}) {
    unknown->AddLengthDelimited(1000, "from the future");
    unknown->AddVarint(1001, 7);
  }
  return changed.SerializeAsString();
}

TEST(ExporterTest, NothingTrainedIsByteIdentical) {
  const TestFolder folder;
  const std::string bytes = WithUnknownFields(RichModel());
  const ImportedModel model = Import(folder.Write("in.onnx", bytes));
  EXPECT_EQ(Export(model, {}, folder.Path("out.onnx")), bytes);
  Trained same;
  for (const Parameter& parameter : model.parameters) {
    same[parameter.name] = model.graph.value(parameter.value).tensor;
  }
  EXPECT_EQ(same.size(), 5u);
  EXPECT_EQ(Export(model, same, folder.Path("out.onnx")), bytes);
  EXPECT_EQ(folder.List(), (std::vector<std::string>{"in.onnx", "out.onnx"}));
}

TEST(ExporterTest, DoublesThatDidNotChangeAreByteIdentical) {
  const TestFolder folder;
  const std::string bytes = WithUnknownFields(RichModel());
  const ImportedModel model =
      Import(folder.Write("in.onnx", bytes), {.widening = Widening::kToDouble});
  Trained same;
  for (const Parameter& parameter : model.parameters) {
    same[parameter.name] = model.graph.value(parameter.value).tensor;
    EXPECT_EQ(same[parameter.name].type(), DataType::kDouble);
  }
  EXPECT_EQ(Export(model, same, folder.Path("out.onnx")), bytes);
}

TEST(ExporterTest, TrainedTensorsAloneDiffer) {
  const TestFolder folder;
  onnx::ModelProto original;
  ASSERT_TRUE(original.ParseFromString(WithUnknownFields(RichModel())));
  const ImportedModel model = Import(folder.Write("in.onnx", original));
  const Tensor raw = Filled({4, 300}, 7);
  const Tensor typed = Filled({300}, -3);
  const Tensor constant = Filled({3}, 11);
  const Tensor inner = Filled({3}, 23);
  const std::string bytes =
      Export(model, {{"raw", raw}, {"typed", typed}, {"c", constant}, {"call/c", inner}},
             folder.Path("out.onnx"));
  onnx::ModelProto exported;
  ASSERT_TRUE(exported.ParseFromString(bytes));
  EXPECT_NE(exported.SerializeAsString(), original.SerializeAsString());
  auto* graph = original.mutable_graph();
  graph->mutable_initializer(0)->set_raw_data(Raw(raw));
  SetFloats(typed, graph->mutable_initializer(1));
  graph->mutable_node(3)->mutable_attribute(0)->mutable_t()->set_raw_data(Raw(constant));
  original.mutable_functions(0)->mutable_node(0)->mutable_attribute(0)->mutable_t()->set_raw_data(
      Raw(inner));
  EXPECT_EQ(exported.SerializeAsString(), original.SerializeAsString());
  EXPECT_EQ(bytes.size(), original.SerializeAsString().size());
}

// float_data written one element a field, as the encoding allows.
TEST(ExporterTest, UnpackedElements) {
  const TestFolder folder;
  onnx::ModelProto model = LinearModel();
  onnx::TensorProto bias = FloatTensor("b", {3});
  const std::string elements = bias.raw_data();
  bias.clear_raw_data();
  std::string content = bias.SerializeAsString();
  for (size_t i = 0; i < 3; ++i) {
    content += EncodeTag(4, WireType::kFixed32) + elements.substr(4 * i, 4);
  }
  model.mutable_graph()->mutable_initializer()->DeleteSubrange(1, 1);
  const std::string bytes =
      model.SerializeAsString() + EncodeLengthDelimited(7, EncodeLengthDelimited(5, content));
  // Two graph fields are refused, so splice the tensor into the one graph instead.
  EXPECT_FALSE(ImportModel(folder.Write("two.onnx", bytes)).ok());
  onnx::ModelProto rest = model;
  rest.clear_graph();
  const std::string one =
      rest.SerializeAsString() + EncodeLengthDelimited(7, model.graph().SerializeAsString() +
                                                              EncodeLengthDelimited(5, content));
  const ImportedModel imported = Import(folder.Write("in.onnx", one));
  EXPECT_EQ(Export(imported, {}, folder.Path("out.onnx")), one);
  const Tensor trained = Filled({3}, 5);
  onnx::ModelProto exported;
  ASSERT_TRUE(
      exported.ParseFromString(Export(imported, {{"b", trained}}, folder.Path("out.onnx"))));
  onnx::ModelProto expected;
  ASSERT_TRUE(expected.ParseFromString(one));
  SetFloats(trained, expected.mutable_graph()->mutable_initializer(1));
  EXPECT_EQ(exported.SerializeAsString(), expected.SerializeAsString());
}

// Half types: values are rounded back, also where int32_data changes its length.
TEST(ExporterTest, HalfTypes) {
  for (const bool is_raw : {true, false}) {
    for (const auto type : {onnx::TensorProto::FLOAT16, onnx::TensorProto::BFLOAT16}) {
      const TestFolder folder;
      onnx::ModelProto model = EmptyModel();
      model.mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->set_elem_type(
          type);
      model.mutable_graph()
          ->mutable_output(0)
          ->mutable_type()
          ->mutable_tensor_type()
          ->set_elem_type(type);
      onnx::TensorProto tensor;
      tensor.set_name("w");
      tensor.set_data_type(type);
      tensor.add_dims(4);
      tensor.add_dims(3);
      if (is_raw) {
        tensor.set_raw_data(std::string(24, '\0'));
      } else {
        for (int i = 0; i < 12; ++i) tensor.add_int32_data(0);
      }
      *model.mutable_graph()->add_initializer() = tensor;
      AddNode(model, "MatMul", {"x", "w"}, {"y"}, "head");
      const ImportedModel imported = Import(folder.Write("in.onnx", model));
      const Tensor trained = Filled({4, 3}, 1.0001);
      onnx::ModelProto exported;
      ASSERT_TRUE(
          exported.ParseFromString(Export(imported, {{"w", trained}}, folder.Path("out.onnx"))));
      auto* expected = model.mutable_graph()->mutable_initializer(0);
      std::string raw;
      for (int i = 0; i < 12; ++i) {
        const float value = trained.elements<float>()[static_cast<size_t>(i)];
        const uint16_t bits =
            type == onnx::TensorProto::FLOAT16 ? Float16(value).bits : BFloat16(value).bits;
        if (is_raw) {
          raw.append(reinterpret_cast<const char*>(&bits), 2);
        } else {
          expected->set_int32_data(i, bits);
        }
      }
      if (is_raw) expected->set_raw_data(raw);
      EXPECT_EQ(exported.SerializeAsString(), model.SerializeAsString());
    }
  }
}

// Exporters hand equal tensors on through Identity; training parts them.
TEST(ExporterTest, IdentityOfAnInitializer) {
  for (const int64_t ir_version : {int64_t{8}, int64_t{3}}) {
    const TestFolder folder;
    onnx::ModelProto model = EmptyModel();
    model.set_ir_version(ir_version);
    *model.mutable_graph()->add_initializer() = FloatTensor("w", {4, 3});
    *model.mutable_graph()->add_initializer() = FloatTensor("b", {3});
    AddNode(model, "Identity", {"b"}, {"b2"}, "copy");
    AddNode(model, "MatMul", {"x", "w"}, {"h"}, "product");
    AddNode(model, "Add", {"h", "b"}, {"i"}, "one");
    AddNode(model, "Add", {"i", "b2"}, {"y"}, "two");
    const std::string bytes = model.SerializeAsString();
    const ImportedModel imported = Import(folder.Write("in.onnx", bytes));
    ASSERT_EQ(imported.parameters.size(), 3u);
    EXPECT_EQ(imported.parameters[2].origin, Parameter::Origin::kIdentity);
    EXPECT_EQ(imported.parameters[2].role, Parameter::Role::kTrained);
    const Tensor same = imported.graph.value(imported.parameters[1].value).tensor;
    EXPECT_EQ(Export(imported, {{"b2", same}}, folder.Path("out.onnx")), bytes);

    const Tensor bias = Filled({3}, 9);
    Export(imported, {{"b2", bias}}, folder.Path("out.onnx"));
    const ImportedModel exported = Import(folder.Path("out.onnx"));
    ASSERT_EQ(exported.parameters.size(), 3u);
    for (const Parameter& parameter : exported.parameters) {
      const Tensor& found = exported.graph.value(parameter.value).tensor;
      if (parameter.name == "b2") {
        EXPECT_EQ(Raw(found), Raw(bias));
      }
      if (parameter.name == "b") {
        EXPECT_EQ(Raw(found), Raw(same));
      }
    }
    EXPECT_EQ(exported.graph.nodes.size(), 3u);

    // It does not follow when only its source is trained.
    Export(imported, {{"b", bias}}, folder.Path("parted.onnx"));
    const ImportedModel parted = Import(folder.Path("parted.onnx"));
    for (const Parameter& parameter : parted.parameters) {
      const Tensor& found = parted.graph.value(parameter.value).tensor;
      if (parameter.name == "b2") {
        EXPECT_EQ(Raw(found), Raw(same));
      }
      if (parameter.name == "b") {
        EXPECT_EQ(Raw(found), Raw(bias));
      }
    }
  }
}

TEST(ExporterTest, RefusedPaths) {
  const TestFolder folder;
  folder.Write("weights/data.bin", ExternalBytes());
  const std::string path = folder.Write("in.onnx", ExternalModel());
  const std::string bytes = ReadBytes(path);
  const ImportedModel model = Import(path);
  std::filesystem::create_symlink(path, folder.Path("link.onnx"));
  std::filesystem::create_hard_link(path, folder.Path("hard.onnx"));
  for (const std::string name :
       {"in.onnx", "./in.onnx", "link.onnx", "hard.onnx", "weights/data.bin"}) {
    const auto result = ExportModel(model, {{"b", Filled({3}, 1)}}, folder.Path(name));
    EXPECT_EQ(result.status().code(), absl::StatusCode::kAlreadyExists) << result.status();
    EXPECT_EQ(CheckExportPath(model, folder.Path(name)).code(), absl::StatusCode::kAlreadyExists);
  }
  for (const std::string& bad : {folder.Path("none/out.onnx"), folder.Path("weights"),
                                 std::string("/dev/null"), folder.Path("in.onnx/out.onnx")}) {
    const auto result = ExportModel(model, {}, bad);
    EXPECT_EQ(result.status().code(), absl::StatusCode::kPermissionDenied) << result.status();
  }
  EXPECT_EQ(ReadBytes(path), bytes);
  EXPECT_EQ(ReadBytes(folder.Path("weights/data.bin")), ExternalBytes());
}

// A model that changes while it trains must not be patched at places that no longer fit.
TEST(ExporterTest, InputChangedMeanwhile) {
  const TestFolder folder;
  const std::string path = folder.Write("in.onnx", LinearModel());
  const ImportedModel model = Import(path);
  folder.Write("in.onnx", ReadBytes(path) + "x");
  const auto result = ExportModel(model, {}, folder.Path("out.onnx"));
  EXPECT_EQ(result.status().code(), absl::StatusCode::kDataLoss) << result.status();
  EXPECT_EQ(folder.List(), std::vector<std::string>{"in.onnx"});
}

TEST(ExporterTest, FailedWriteLeavesTheOldFile) {
  const TestFolder folder;
  const ImportedModel model = Import(folder.Write("in.onnx", RichModel()));
  const std::string old = "what stood there";
  folder.Write("out.onnx", old);
  // A limit on the size of files fails like a full disk.
  const pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit = {1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    const auto result = ExportModel(model, {}, folder.Path("out.onnx"));
    _exit(result.status().code() == absl::StatusCode::kResourceExhausted ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(ReadBytes(folder.Path("out.onnx")), old);
  EXPECT_EQ(folder.List(), (std::vector<std::string>{"in.onnx", "out.onnx"}));
}

}  // namespace
}  // namespace strop
