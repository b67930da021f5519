#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/tensor_type.h"
#include "models/builder/initialization.h"
#include "models/builder/network_options.h"

namespace strop {

// A value of the network under construction. Dimensions that a run decides, the batch first of all,
// are kUnknownDimension.
struct NetworkValue {
  std::string name;
  Shape shape;

  int64_t channels() const { return shape[1]; }  // of [N, C, …]
  int64_t width() const { return shape.back(); }
};

struct NetworkParameter {
  std::string name;
  Shape shape;
  FirstValue first_value;
  bool is_trained = true;  // false: a running statistic
};

struct NodeAttribute {
  NodeAttribute(std::string_view attribute_name, int64_t value);
  NodeAttribute(std::string_view attribute_name, int value)
      : NodeAttribute(attribute_name, int64_t{value}) {}
  NodeAttribute(std::string_view attribute_name, float value);
  NodeAttribute(std::string_view attribute_name, const std::vector<int64_t>& values);
  NodeAttribute(std::string_view attribute_name, std::string_view value);

  onnx::AttributeProto proto;
};

// Puts an ONNX model together node by node. Weights are described first and drawn by Build, so that
// a network can be counted before it takes memory. Not thread-safe.
//
// A mistake (Fail, or a dimension that came out below 1) does not stop the construction: Build
// answers the first one.
class NetworkBuilder {
 public:
  explicit NetworkBuilder(const NetworkOptions& options);

  int opset() const { return options_.opset; }
  const NetworkOptions& options() const { return options_; }
  // How weights are drawn where the user says nothing; set it before the first layer.
  void set_initialization(const InitializationOptions& own);
  const InitializationOptions& initialization() const { return initialization_; }

  // Declares an input. `dimension_names` names the dimensions that are unknown, in their order.
  NetworkValue Input(std::string name, onnx::TensorProto::DataType type, Shape shape,
                     const std::vector<std::string>& dimension_names);
  void Output(const NetworkValue& value, std::string name,
              const std::vector<std::string>& dimension_names);

  // An initializer of float elements, under its PyTorch name.
  NetworkValue Parameter(const std::string& name, Shape shape, const FirstValue& first_value,
                         bool is_trained = true);
  // Initializers that are no parameters; equal ones are shared.
  NetworkValue Integers(const std::vector<int64_t>& elements);
  NetworkValue IntegerScalar(int64_t element);
  NetworkValue FloatScalar(float element);

  // Adds the node `name`; its output has the same name. `shape` is what it will have.
  NetworkValue Node(const std::string& name, std::string_view op_type,
                    const std::vector<NetworkValue>& inputs, Shape shape,
                    const std::vector<NodeAttribute>& attributes = {});
  // The same for a node with several outputs.
  std::vector<NetworkValue> NodeOutputs(const std::string& name, std::string_view op_type,
                                        const std::vector<NetworkValue>& inputs,
                                        const std::vector<Shape>& shapes,
                                        const std::vector<NodeAttribute>& attributes = {});

  void Fail(const std::string& message);
  const absl::Status& status() const { return status_; }

  const std::vector<NetworkParameter>& parameters() const { return parameters_; }
  // Elements of the parameters that are trained: what papers count.
  int64_t parameter_count() const;
  size_t parameter_bytes() const;

  // Whether the weights fit into the ONNX file itself, which protobuf limits to 2 GiB.
  bool fits_one_file() const;

  // Takes a weight's bytes and says in the tensor where they lie.
  using WeightStore = std::function<absl::Status(const std::string& bytes, onnx::TensorProto&)>;
  // Draws the weights, one after another, into `store`, or without one into the model:
  // InvalidArgument unless fits_one_file(). `architecture` becomes the graph's name. Leaves the
  // builder empty.
  absl::StatusOr<onnx::ModelProto> Build(const std::string& architecture,
                                         const WeightStore& store = nullptr);

 private:
  NetworkValue Scalar(const std::string& name, onnx::TensorProto tensor);

  NetworkOptions options_;
  InitializationOptions initialization_;
  onnx::ModelProto model_;
  std::vector<NetworkParameter> parameters_;
  std::map<std::string, NetworkValue> constants_;
  absl::Status status_;
};

}  // namespace strop
