#include "models/builder/network_builder.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace strop {
namespace {

// A serialized protobuf message may not exceed 2 GiB; the graph itself needs some of that.
constexpr size_t kLargestFile = (size_t{1} << 31) - (size_t{1} << 24);

// The IR version that came with each opset from 13 on (onnx/docs/Versioning.md).
int64_t IrVersionOf(int opset) {
  if (opset <= 14) return 7;
  if (opset <= 18) return 8;
  if (opset <= 20) return 9;
  if (opset <= 22) return 10;
  return opset <= 23 ? 11 : 12;
}

onnx::ValueInfoProto Describe(const std::string& name, onnx::TensorProto::DataType type,
                              const Shape& shape, const std::vector<std::string>& dimension_names) {
  onnx::ValueInfoProto info;
  info.set_name(name);
  onnx::TypeProto::Tensor* tensor = info.mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  size_t next_name = 0;
  for (const int64_t dimension : shape) {
    onnx::TensorShapeProto::Dimension* proto = tensor->mutable_shape()->add_dim();
    if (dimension == kUnknownDimension) {
      proto->set_dim_param(dimension_names[next_name++]);
    } else {
      proto->set_dim_value(dimension);
    }
  }
  return info;
}

}  // namespace

NodeAttribute::NodeAttribute(std::string_view attribute_name, int64_t value) {
  proto.set_name(std::string(attribute_name));
  proto.set_type(onnx::AttributeProto::INT);
  proto.set_i(value);
}

NodeAttribute::NodeAttribute(std::string_view attribute_name, float value) {
  proto.set_name(std::string(attribute_name));
  proto.set_type(onnx::AttributeProto::FLOAT);
  proto.set_f(value);
}

NodeAttribute::NodeAttribute(std::string_view attribute_name, const std::vector<int64_t>& values) {
  proto.set_name(std::string(attribute_name));
  proto.set_type(onnx::AttributeProto::INTS);
  for (const int64_t value : values) proto.add_ints(value);
}

NodeAttribute::NodeAttribute(std::string_view attribute_name, std::string_view value) {
  proto.set_name(std::string(attribute_name));
  proto.set_type(onnx::AttributeProto::STRING);
  proto.set_s(std::string(value));
}

NetworkBuilder::NetworkBuilder(const NetworkOptions& options) : options_(options) {
  initialization_ = options.initialization.value_or(InitializationOptions());
  model_.set_ir_version(IrVersionOf(options.opset));
  model_.set_producer_name("strop");
  model_.add_opset_import()->set_version(options.opset);
}

void NetworkBuilder::set_initialization(const InitializationOptions& own) {
  if (!options_.initialization.has_value()) initialization_ = own;
}

NetworkValue NetworkBuilder::Input(std::string name, onnx::TensorProto::DataType type, Shape shape,
                                   const std::vector<std::string>& dimension_names) {
  *model_.mutable_graph()->add_input() = Describe(name, type, shape, dimension_names);
  return {std::move(name), std::move(shape)};
}

void NetworkBuilder::Output(const NetworkValue& value, std::string name,
                            const std::vector<std::string>& dimension_names) {
  for (onnx::NodeProto& node : *model_.mutable_graph()->mutable_node()) {
    for (auto* names : {node.mutable_input(), node.mutable_output()}) {
      std::replace(names->begin(), names->end(), value.name, name);
    }
  }
  *model_.mutable_graph()->add_output() =
      Describe(name, onnx::TensorProto::FLOAT, value.shape, dimension_names);
}

NetworkValue NetworkBuilder::Parameter(const std::string& name, Shape shape,
                                       const FirstValue& first_value, bool is_trained) {
  if (const auto count = CheckedElementCount(shape); !count.ok() || *count < 1) {
    Fail(absl::StrCat("\"", name, "\" would have the shape ", ShapeName(shape),
                      "; choose a larger --input or other sizes"));
    shape.assign(shape.size(), 1);
  }
  parameters_.push_back({name, shape, first_value, is_trained});
  return {name, std::move(shape)};
}

NetworkValue NetworkBuilder::Integers(const std::vector<int64_t>& elements) {
  const std::string name = absl::StrCat("integers/", absl::StrJoin(elements, "_"));
  onnx::TensorProto tensor;
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_dims(static_cast<int64_t>(elements.size()));
  for (const int64_t element : elements) tensor.add_int64_data(element);
  NetworkValue value = Scalar(name, std::move(tensor));
  value.shape = {static_cast<int64_t>(elements.size())};
  return value;
}

NetworkValue NetworkBuilder::IntegerScalar(int64_t element) {
  onnx::TensorProto tensor;
  tensor.set_data_type(onnx::TensorProto::INT64);
  tensor.add_int64_data(element);
  return Scalar(absl::StrCat("integer/", element), std::move(tensor));
}

NetworkValue NetworkBuilder::FloatScalar(float element) {
  onnx::TensorProto tensor;
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.add_float_data(element);
  return Scalar(absl::StrCat("number/", element), std::move(tensor));
}

NetworkValue NetworkBuilder::Scalar(const std::string& name, onnx::TensorProto tensor) {
  const auto [found, is_new] = constants_.try_emplace(name, NetworkValue{name, {}});
  if (is_new) {
    tensor.set_name(name);
    *model_.mutable_graph()->add_initializer() = std::move(tensor);
  }
  return found->second;
}

NetworkValue NetworkBuilder::Node(const std::string& name, std::string_view op_type,
                                  const std::vector<NetworkValue>& inputs, Shape shape,
                                  const std::vector<NodeAttribute>& attributes) {
  return NodeOutputs(name, op_type, inputs, {std::move(shape)}, attributes)[0];
}

std::vector<NetworkValue> NetworkBuilder::NodeOutputs(
    const std::string& name, std::string_view op_type, const std::vector<NetworkValue>& inputs,
    const std::vector<Shape>& shapes, const std::vector<NodeAttribute>& attributes) {
  onnx::NodeProto* node = model_.mutable_graph()->add_node();
  node->set_name(name);
  node->set_op_type(std::string(op_type));
  for (const NetworkValue& input : inputs) node->add_input(input.name);
  for (const NodeAttribute& attribute : attributes) *node->add_attribute() = attribute.proto;
  std::vector<NetworkValue> outputs;
  for (size_t i = 0; i < shapes.size(); ++i) {
    for (const int64_t dimension : shapes[i]) {
      if (dimension > 0 || dimension == kUnknownDimension) continue;
      Fail(absl::StrCat("\"", name, "\" (", std::string(op_type), ") would give ",
                        ShapeName(shapes[i]),
                        ", expected dimensions of at least 1; choose a "
                        "larger --input"));
    }
    outputs.push_back({shapes.size() == 1 ? name : absl::StrCat(name, "/", i), shapes[i]});
    node->add_output(outputs.back().name);
  }
  return outputs;
}

void NetworkBuilder::Fail(const std::string& message) {
  if (status_.ok()) status_ = absl::InvalidArgumentError(absl::StrCat("build: ", message));
}

int64_t NetworkBuilder::parameter_count() const {
  int64_t count = 0;
  for (const NetworkParameter& parameter : parameters_) {
    if (parameter.is_trained) count += ElementCount(parameter.shape);
  }
  return count;
}

size_t NetworkBuilder::parameter_bytes() const {
  size_t bytes = 0;
  for (const NetworkParameter& parameter : parameters_) {
    bytes += static_cast<size_t>(ElementCount(parameter.shape)) * sizeof(float);
  }
  return bytes;
}

bool NetworkBuilder::fits_one_file() const { return parameter_bytes() <= kLargestFile; }

absl::StatusOr<onnx::ModelProto> NetworkBuilder::Build(const std::string& architecture,
                                                       const WeightStore& store) {
  if (!status_.ok()) return status_;
  if (store == nullptr && !fits_one_file()) {
    return absl::InvalidArgumentError(
        absl::StrCat("build: the weights take ", parameter_bytes() >> 20,
                     " MiB, but an ONNX file holds at most 2048; put them beside it"));
  }
  onnx::GraphProto* graph = model_.mutable_graph();
  graph->set_name(architecture);
  uint64_t stream = 0;
  std::string bytes;
  for (const NetworkParameter& parameter : parameters_) {
    onnx::TensorProto* tensor = graph->add_initializer();
    tensor->set_name(parameter.name);
    tensor->set_data_type(onnx::TensorProto::FLOAT);
    for (const int64_t dimension : parameter.shape) tensor->add_dims(dimension);
    const size_t count = static_cast<size_t>(ElementCount(parameter.shape));
    std::string& elements = store == nullptr ? *tensor->mutable_raw_data() : bytes;
    elements.resize(count * sizeof(float));
    Draw(parameter.first_value, options_.seed, ++stream,
         absl::MakeSpan(reinterpret_cast<float*>(elements.data()), count));
    if (store == nullptr) continue;
    const absl::Status stored = store(bytes, *tensor);
    if (!stored.ok()) return stored;
  }
  parameters_.clear();
  return std::move(model_);
}

}  // namespace strop
