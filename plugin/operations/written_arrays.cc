#include "plugin/operations/written_arrays.h"

namespace strop {

using Json = nlohmann::ordered_json;

Json WrittenArraysJson(const std::string& output, const std::vector<NamedTensor>& arrays) {
  Json rows = Json::array();
  for (const NamedTensor& array : arrays) {
    const Shape& shape = array.tensor.shape();
    rows.push_back({{"name", array.name},
                    {"type", std::string(DataTypeName(array.tensor.type()))},
                    {"shape", std::vector<int64_t>(shape.begin(), shape.end())}});
  }
  return {{"output", output}, {"arrays", rows}};
}

}  // namespace strop
