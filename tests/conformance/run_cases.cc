// Runs many models in one process: each line of stdin is "model inputs outputs", tabs between. The
// two others are onnx::GraphProto files whose initializers are the arrays by name, in any element
// type. Prints a line for each: the model and "done", or its error; conformance_test.py compares.

#include <onnx/onnx_pb.h>

#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"
#include "importer/importer.h"
#include "importer/tensor_conversion.h"
#include "plugin/engine/runtime/session.h"

namespace strop {
namespace {

absl::StatusOr<std::map<std::string, Tensor>> ReadArrays(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  onnx::GraphProto arrays;
  if (!arrays.ParseFromIstream(&file)) return absl::NotFoundError(path);
  ExternalData no_external_data;
  const ModelLayout no_layout;
  TensorReader reader("", no_layout, no_external_data);
  std::map<std::string, Tensor> tensors;
  for (const onnx::TensorProto& array : arrays.initializer()) {
    STROP_ASSIGN_OR_RETURN(tensors[array.name()], reader.Read(array));
  }
  return tensors;
}

void AddArray(const std::string& name, const Tensor& tensor, onnx::GraphProto& arrays) {
  onnx::TensorProto& array = *arrays.add_initializer();
  array.set_name(name);
  array.set_data_type(static_cast<int>(tensor.type()));
  for (const int64_t extent : tensor.shape()) array.add_dims(extent);
  if (tensor.type() == DataType::kString) {
    for (const std::string& text : tensor.strings()) array.add_string_data(text);
  } else {
    array.set_raw_data(tensor.data(), tensor.bytes());
  }
}

absl::Status RunCase(const std::string& model, const std::string& inputs,
                     const std::string& outputs) {
  STROP_ASSIGN_OR_RETURN(ImportedModel imported, ImportModel(model));
  STROP_ASSIGN_OR_RETURN(const auto arrays, ReadArrays(inputs));
  std::vector<Tensor> feeds;
  for (const ValueId id : imported.graph.inputs) {
    const std::string& name = imported.graph.value(id).name;
    const auto found = arrays.find(name);
    if (found == arrays.end()) {
      return absl::InvalidArgumentError(absl::StrCat("no array for the input \"", name, "\""));
    }
    feeds.push_back(found->second);
  }
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Session> session,
      Session::Create(std::move(imported.graph), std::make_shared<StateStore>()));
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> results, session->Run(feeds));
  onnx::GraphProto named;
  for (size_t i = 0; i < results.size(); ++i) {
    AddArray(session->graph().value(session->graph().outputs[i]).name, results[i], named);
  }
  std::ofstream file(outputs, std::ios::binary);
  return named.SerializeToOstream(&file) ? absl::OkStatus() : absl::DataLossError(outputs);
}

}  // namespace
}  // namespace strop

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::vector<std::string> parts = absl::StrSplit(line, '\t');
    if (parts.size() != 3) return 2;
    std::cout << parts[0] << "\tstarted" << std::endl;  // names the culprit of a crash
    const absl::Status status = strop::RunCase(parts[0], parts[1], parts[2]);
    std::cout << parts[0] << '\t'
              << (status.ok() ? "done"
                              : absl::StrCat(absl::StatusCodeToString(status.code()), ": ",
                                             std::string(status.message())))
              << std::endl;
  }
  return 0;
}
