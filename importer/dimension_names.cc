#include "importer/dimension_names.h"

#include <onnx/onnx_pb.h>

namespace strop {

std::vector<std::string> DimensionNames(const ImportedModel& model, const std::string& value) {
  std::vector<std::string> names;
  if (model.model == nullptr) return names;
  const onnx::GraphProto& graph = model.model->graph();
  for (const auto* infos : {&graph.input(), &graph.output()}) {
    for (const onnx::ValueInfoProto& info : *infos) {
      if (info.name() != value || !names.empty()) continue;
      for (const auto& dimension : info.type().tensor_type().shape().dim()) {
        names.push_back(dimension.has_dim_param() ? dimension.dim_param() : "");
      }
    }
  }
  return names;
}

}  // namespace strop
