// Models that must be refused: the code, one line that names the culprit, no crash.

#include <gtest/gtest.h>

#include <functional>

#include "importer/importer.h"
#include "importer/wire_format.h"
#include "tests/importer/test_models.h"

namespace strop {
namespace {

struct BadModel {
  std::string name;
  absl::StatusCode code;
  std::string culprit;  // in the message
  std::function<void(onnx::ModelProto&)> damage;
};

void PrintTo(const BadModel& model, std::ostream* stream) { *stream << model.name; }

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
constexpr auto kUnimplemented = absl::StatusCode::kUnimplemented;

onnx::TensorProto* Weight(onnx::ModelProto& model) {
  return model.mutable_graph()->mutable_initializer(0);
}

void MakeExternal(onnx::TensorProto* tensor, const std::string& location,
                  const std::string& offset = "", const std::string& length = "") {
  tensor->clear_raw_data();
  tensor->set_data_location(onnx::TensorProto::EXTERNAL);
  for (const auto& [key, value] : {std::pair<std::string, std::string>{"location", location},
                                   {"offset", offset},
                                   {"length", length}}) {
    if (value.empty()) continue;
    auto* entry = tensor->add_external_data();
    entry->set_key(key);
    entry->set_value(value);
  }
}

onnx::FunctionProto* AddFunction(onnx::ModelProto& model, const std::string& name,
                                 const std::vector<std::string>& called) {
  auto* function = model.add_functions();
  function->set_domain("local");
  function->set_name(name);
  function->add_input("a");
  function->add_output("b");
  std::string value = "a";
  for (size_t i = 0; i < called.size(); ++i) {
    auto* node = function->add_node();
    node->set_op_type(called[i]);
    node->set_domain("local");
    node->add_input(value);
    value = i + 1 == called.size() ? "b" : "v" + std::to_string(i);
    node->add_output(value);
  }
  if (called.empty()) {
    auto* node = function->add_node();
    node->set_op_type("Relu");
    node->add_input("a");
    node->add_output("b");
  }
  auto* import = function->add_opset_import();
  import->set_version(17);
  return function;
}

void CallFunction(onnx::ModelProto& model, const std::string& name) {
  auto* import = model.add_opset_import();
  import->set_domain("local");
  import->set_version(1);
  AddNode(model, name, {"x"}, {"z"}, "call")->set_domain("local");
}

const BadModel kBadModels[] = {
    {"cycle", kInvalid, "\"one\" (Relu)",
     [](auto& model) {
       AddNode(model, "Relu", {"q"}, {"p"}, "one");
       AddNode(model, "Relu", {"p"}, {"q"}, "two");
     }},
    {"missing_initializer", kInvalid, "reads \"w\"",
     [](auto& model) { model.mutable_graph()->mutable_initializer()->DeleteSubrange(0, 1); }},
    {"unknown_value", kInvalid, "reads \"nowhere\"",
     [](auto& model) { model.mutable_graph()->mutable_node(0)->set_input(0, "nowhere"); }},
    {"unknown_operators", kUnimplemented, "Bar (\"second\"); Foo (\"first\", \"third\")",
     [](auto& model) {
       AddNode(model, "Foo", {"x"}, {"f1"}, "first");
       AddNode(model, "Bar", {"x"}, {"f2"}, "second");
       AddNode(model, "Foo", {"f1"}, {"f3"}, "third");
     }},
    {"strings", kUnimplemented, "Equal of strings (\"compared\")",
     [](auto& model) {
       *model.mutable_graph()->add_input() = ValueInfo("s", onnx::TensorProto::STRING, {-1});
       AddNode(model, "Equal", {"s", "s"}, {"is_equal"}, "compared");
     }},
    {"cast_to_strings", kUnimplemented, "\"printed\" (Cast)",
     [](auto& model) {
       auto* to = AddNode(model, "Cast", {"x"}, {"text"}, "printed")->add_attribute();
       to->set_name("to");
       to->set_type(onnx::AttributeProto::INT);
       to->set_i(onnx::TensorProto::STRING);
     }},
    {"output_missing", kInvalid, "output \"z\"",
     [](auto& model) { model.mutable_graph()->mutable_output(0)->set_name("z"); }},
    {"wrong_index_type", kInvalid, "\"cut\" (Trilu): input 1 (\"k\") is int32, expected int64",
     [](auto& model) {
       auto* k = model.mutable_graph()->add_initializer();
       k->set_name("k");
       k->set_data_type(onnx::TensorProto::INT32);
       k->add_int32_data(1);
       AddNode(model, "Trilu", {"x", "k"}, {"cut"}, "cut");
     }},
    {"wrong_weight_type", kInvalid, "input 1 (\"w\") is float64, expected float32",
     [](auto& model) {
       Weight(model)->set_data_type(onnx::TensorProto::DOUBLE);
       Weight(model)->set_raw_data(std::string(4 * 3 * 8, '\0'));
     }},
    {"wrong_output_type", kInvalid, "\"y\": found float32",
     [](auto& model) {
       *model.mutable_graph()->mutable_output(0) =
           ValueInfo("y", onnx::TensorProto::INT64, {-1, 3});
     }},
    {"no_such_type", kInvalid, "\"w\": found element type 99",
     [](auto& model) { Weight(model)->set_data_type(99); }},
    {"undefined_type", kInvalid, "\"w\": found element type 0",
     [](auto& model) { Weight(model)->clear_data_type(); }},
    {"shape_overflow", kInvalid, "\"w\": shape [4611686018427387904,3]",
     [](auto& model) { Weight(model)->set_dims(0, int64_t{1} << 62); }},
    {"huge_shape", kInvalid, "\"w\": found 48 bytes of data",
     [](auto& model) { Weight(model)->set_dims(0, int64_t{1} << 40); }},
    {"negative_dimension", kInvalid, "\"w\": shape",
     [](auto& model) { Weight(model)->set_dims(0, -4); }},
    {"raw_data_too_short", kInvalid, "\"w\": found 44 bytes of data, expected 48",
     [](auto& model) { Weight(model)->set_raw_data(std::string(44, '\0')); }},
    {"raw_data_too_long", kInvalid, "\"w\": found 4096 bytes of data, expected 48",
     [](auto& model) { Weight(model)->set_raw_data(std::string(4096, '\0')); }},
    {"typed_data_too_short", kInvalid, "\"w\": found 2 elements of data, expected 12",
     [](auto& model) {
       Weight(model)->clear_raw_data();
       Weight(model)->add_float_data(1);
       Weight(model)->add_float_data(2);
     }},
    {"typed_data_in_wrong_field", kInvalid, "\"w\": found 0 elements",
     [](auto& model) {
       Weight(model)->clear_raw_data();
       for (int i = 0; i < 12; ++i) Weight(model)->add_double_data(i);
     }},
    {"long_typed_data_in_wrong_field", kInvalid, "float_data",
     [](auto& model) {
       onnx::TensorProto tensor = FloatTensor("h", {1000}, Storage::kTyped);
       tensor.set_data_type(onnx::TensorProto::FLOAT16);
       *model.mutable_graph()->add_initializer() = tensor;
     }},
    {"duplicate_initializer", kInvalid, "\"w\"",
     [](auto& model) { *model.mutable_graph()->add_initializer() = model.graph().initializer(0); }},
    {"duplicate_output", kInvalid, "computes \"y\"",
     [](auto& model) { AddNode(model, "Relu", {"x"}, {"y"}, "again"); }},
    {"node_shadows_initializer", kInvalid, "\"w\"",
     [](auto& model) { AddNode(model, "Relu", {"x"}, {"w"}, "again"); }},
    {"duplicate_input", kInvalid, "input \"x\" is listed twice",
     [](auto& model) { *model.mutable_graph()->add_input() = model.graph().input(0); }},
    {"opset_too_old", kInvalid, "opset 6",
     [](auto& model) { model.mutable_opset_import(0)->set_version(6); }},
    {"opset_too_new", kInvalid, "opset 29",
     [](auto& model) { model.mutable_opset_import(0)->set_version(29); }},
    {"no_opset", kInvalid, "imports no opset", [](auto& model) { model.clear_opset_import(); }},
    {"ir_too_new", kInvalid, "IR version 15", [](auto& model) { model.set_ir_version(15); }},
    {"wrong_attribute", kInvalid, "\"head\" (Gemm)",
     [](auto& model) { SetFloat(model.mutable_graph()->mutable_node(0), "transB", 1); }},
    {"unknown_attribute", kInvalid, "\"head\" (Gemm)",
     [](auto& model) { SetInt(model.mutable_graph()->mutable_node(0), "colour", 1); }},
    {"too_many_inputs", kInvalid, "\"head\" (Gemm)",
     [](auto& model) { model.mutable_graph()->mutable_node(0)->add_input("x"); }},
    {"constant_without_value", kInvalid, "(Constant)",
     [](auto& model) { AddNode(model, "Constant", {}, {"c"}); }},
    {"external_parent", kInvalid, "..",
     [](auto& model) { MakeExternal(Weight(model), "../outside.bin"); }},
    {"external_hidden_parent", kInvalid, "..",
     [](auto& model) { MakeExternal(Weight(model), "sub/../../outside.bin"); }},
    {"external_absolute", kInvalid, "absolute path",
     [](auto& model) { MakeExternal(Weight(model), "/etc/passwd"); }},
    {"external_link", kInvalid, "is a link to",
     [](auto& model) { MakeExternal(Weight(model), "link.bin"); }},
    {"external_linked_folder", kInvalid, "is a link to",
     [](auto& model) { MakeExternal(Weight(model), "linked/outside.bin"); }},
    {"external_missing", absl::StatusCode::kNotFound, "none.bin",
     [](auto& model) { MakeExternal(Weight(model), "none.bin"); }},
    {"external_folder", kInvalid, "not a regular file",
     [](auto& model) { MakeExternal(Weight(model), "folder"); }},
    {"external_no_location", kInvalid, "no location",
     [](auto& model) { MakeExternal(Weight(model), ""); }},
    {"external_beyond_end", kInvalid, "beyond the end",
     [](auto& model) { MakeExternal(Weight(model), "data.bin", "20"); }},
    {"external_offset_overflow", kInvalid, "beyond the end",
     [](auto& model) { MakeExternal(Weight(model), "data.bin", "18446744073709551600"); }},
    {"external_bad_number", kInvalid, "\"-4\"",
     [](auto& model) { MakeExternal(Weight(model), "data.bin", "-4"); }},
    {"external_wrong_length", kInvalid, "found 40 bytes of external data, expected 48",
     [](auto& model) { MakeExternal(Weight(model), "data.bin", "0", "40"); }},
    {"function_calls_itself", kInvalid, "being called already",
     [](auto& model) {
       AddFunction(model, "F", {"F"});
       CallFunction(model, "F");
     }},
    {"functions_call_each_other", kInvalid, "being called already",
     [](auto& model) {
       AddFunction(model, "F", {"G"});
       AddFunction(model, "G", {"F"});
       CallFunction(model, "F");
     }},
    {"function_tower", kInvalid, "deep",
     [](auto& model) {
       for (int i = 0; i < 200; ++i) {
         AddFunction(model, "F" + std::to_string(i), {"F" + std::to_string(i + 1)});
       }
       AddFunction(model, "F200", {});
       CallFunction(model, "F0");
     }},
    {"function_explosion", kInvalid, "expand to more than",
     [](auto& model) {  // 10^40 nodes
       for (int i = 0; i < 40; ++i) {
         AddFunction(model, "F" + std::to_string(i),
                     std::vector<std::string>(10, "F" + std::to_string(i + 1)));
       }
       AddFunction(model, "F40", {});
       CallFunction(model, "F0");
     }},
    {"function_defined_twice", kInvalid, "function \"F\"",
     [](auto& model) {
       AddFunction(model, "F", {});
       AddFunction(model, "F", {});
     }},
    {"domain_without_opset", kInvalid, "\"call\" (nowhere.F)",
     [](auto& model) { AddNode(model, "F", {"x"}, {"z"}, "call")->set_domain("nowhere"); }},
    {"sequence_input", kUnimplemented, "\"s\"",
     [](auto& model) {
       auto* input = model.mutable_graph()->add_input();
       input->set_name("s");
       input->mutable_type()->mutable_sequence_type();
     }},
    {"segment", kInvalid, "segments",
     [](auto& model) { Weight(model)->mutable_segment()->set_begin(7); }},
};

class BadModelTest : public testing::TestWithParam<BadModel> {};

TEST_P(BadModelTest, IsRefused) {
  const TestFolder folder;
  const TestFolder outside;
  outside.Write("outside.bin", std::string(48, 'o'));
  folder.Write("data.bin", std::string(48, 'd'));
  std::filesystem::create_directory(folder.Path("folder"));
  std::filesystem::create_symlink(outside.Path("outside.bin"), folder.Path("link.bin"));
  std::filesystem::create_directory_symlink(outside.Path(""), folder.Path("linked"));
  onnx::ModelProto model = LinearModel();
  GetParam().damage(model);
  const auto imported = ImportModel(folder.Write("model.onnx", model));
  ASSERT_FALSE(imported.ok());
  const std::string message(imported.status().message());
  EXPECT_EQ(imported.status().code(), GetParam().code) << message;
  EXPECT_NE(message.find(GetParam().culprit), std::string::npos) << message;
  EXPECT_EQ(message.rfind("import: ", 0), 0u) << message;
  EXPECT_EQ(message.find('\n'), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(All, BadModelTest, testing::ValuesIn(kBadModels),
                         [](const auto& info) { return info.param.name; });

void ExpectInvalid(const std::string& bytes) {
  const TestFolder folder;
  const auto imported = ImportModel(folder.Write("model.onnx", bytes));
  ASSERT_FALSE(imported.ok());
  EXPECT_EQ(imported.status().code(), kInvalid) << imported.status();
  EXPECT_EQ(imported.status().message().find('\n'), absl::string_view::npos) << imported.status();
}

TEST(BadFileTest, EmptyFile) { ExpectInvalid(""); }
TEST(BadFileTest, Text) { ExpectInvalid("This is no model, it is a letter.\n"); }
TEST(BadFileTest, NoGraph) {
  onnx::ModelProto model = LinearModel();
  model.clear_graph();
  ExpectInvalid(model.SerializeAsString());
}

TEST(BadFileTest, EveryTruncation) {
  const std::string bytes = LinearModel().SerializeAsString();
  for (size_t length = 1; length < bytes.size(); ++length) {
    const TestFolder folder;
    const auto imported = ImportModel(folder.Write("model.onnx", bytes.substr(0, length)));
    EXPECT_FALSE(imported.ok()) << length;
  }
}

// Any single damaged byte: an answer, whatever it is, and no sanitizer report.
TEST(BadFileTest, EveryByteDamaged) {
  const std::string bytes = LinearModel().SerializeAsString();
  const TestFolder folder;
  for (size_t i = 0; i < bytes.size(); ++i) {
    for (const char flip : {'\x01', '\x80', '\xff'}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ flip);
      const auto imported = ImportModel(folder.Write("model.onnx", damaged));
      EXPECT_NE(imported.status().code(), absl::StatusCode::kInternal) << imported.status();
    }
  }
}

// If inside If inside If …
TEST(BadFileTest, NestedSubgraphs) {
  std::string graph;
  for (int depth = 0; depth < 5000; ++depth) {
    // graph.node = {attribute: {g: graph}}
    graph = EncodeLengthDelimited(1, EncodeLengthDelimited(5, EncodeLengthDelimited(6, graph)));
  }
  ExpectInvalid(EncodeTag(1, WireType::kVarint) + "\x08" + EncodeLengthDelimited(7, graph));
}

TEST(BadFileTest, MissingFileAndFolder) {
  const TestFolder folder;
  EXPECT_EQ(ImportModel(folder.Path("none.onnx")).status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ImportModel(folder.Path("")).status().code(), absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace strop
