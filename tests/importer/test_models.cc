#include "tests/importer/test_models.h"

#include <unistd.h>

#include <atomic>
#include <fstream>
#include <sstream>

namespace strop {

namespace fs = std::filesystem;

TestFolder::TestFolder() {
  static std::atomic<int> count = 0;
  path_ = fs::temp_directory_path() /
          ("strop_test_" + std::to_string(getpid()) + "_" + std::to_string(count++));
  fs::create_directories(path_);
}

TestFolder::~TestFolder() {
  std::error_code error;
  fs::remove_all(path_, error);
}

std::string TestFolder::Write(const std::string& name, const std::string& bytes) const {
  fs::create_directories(fs::path(Path(name)).parent_path());
  std::ofstream(Path(name), std::ios::binary) << bytes;
  return Path(name);
}

std::string TestFolder::Write(const std::string& name, const onnx::ModelProto& model) const {
  return Write(name, model.SerializeAsString());
}

std::vector<std::string> TestFolder::List() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::string ReadBytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

onnx::ValueInfoProto ValueInfo(const std::string& name, int type,
                               const std::vector<int64_t>& dims) {
  onnx::ValueInfoProto info;
  info.set_name(name);
  auto* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  auto* shape = tensor->mutable_shape();
  for (const int64_t dim : dims) {
    auto* added = shape->add_dim();
    if (dim < 0) {
      added->set_dim_param("n");
    } else {
      added->set_dim_value(dim);
    }
  }
  return info;
}

onnx::ModelProto EmptyModel(int64_t opset) {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.add_opset_import()->set_version(opset);
  model.mutable_graph()->set_name("g");
  *model.mutable_graph()->add_input() = ValueInfo("x", onnx::TensorProto::FLOAT, {-1, 4});
  *model.mutable_graph()->add_output() = ValueInfo("y", onnx::TensorProto::FLOAT, {-1, 3});
  return model;
}

onnx::NodeProto* AddNode(onnx::ModelProto& model, const std::string& op,
                         const std::vector<std::string>& inputs,
                         const std::vector<std::string>& outputs, const std::string& name) {
  onnx::NodeProto* node = model.mutable_graph()->add_node();
  node->set_op_type(op);
  node->set_name(name);
  for (const std::string& input : inputs) node->add_input(input);
  for (const std::string& output : outputs) node->add_output(output);
  return node;
}

void SetInt(onnx::NodeProto* node, const std::string& name, int64_t value) {
  auto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INT);
  attribute->set_i(value);
}

void SetInts(onnx::NodeProto* node, const std::string& name, const std::vector<int64_t>& values) {
  auto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::INTS);
  for (const int64_t value : values) attribute->add_ints(value);
}

void SetFloat(onnx::NodeProto* node, const std::string& name, float value) {
  auto* attribute = node->add_attribute();
  attribute->set_name(name);
  attribute->set_type(onnx::AttributeProto::FLOAT);
  attribute->set_f(value);
}

onnx::TensorProto FloatTensor(const std::string& name, const std::vector<int64_t>& dims,
                              Storage storage) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  int64_t count = 1;
  for (const int64_t dim : dims) {
    tensor.add_dims(dim);
    count *= dim;
  }
  std::vector<float> elements;
  for (int64_t i = 0; i < count; ++i) elements.push_back(static_cast<float>(i) + 0.5f);
  if (storage == Storage::kTyped) {
    for (const float element : elements) tensor.add_float_data(element);
  } else {
    tensor.set_raw_data(elements.data(), elements.size() * sizeof(float));
  }
  return tensor;
}

onnx::TensorProto IntTensor(const std::string& name, const std::vector<int64_t>& values) {
  onnx::TensorProto tensor;
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<int64_t>(values.size()));
  for (const int64_t value : values) tensor.add_int64_data(value);
  return tensor;
}

onnx::ModelProto LinearModel() {
  onnx::ModelProto model = EmptyModel();
  *model.mutable_graph()->add_initializer() = FloatTensor("w", {4, 3});
  *model.mutable_graph()->add_initializer() = FloatTensor("b", {3});
  AddNode(model, "Gemm", {"x", "w", "b"}, {"y"}, "head");
  return model;
}

}  // namespace strop
