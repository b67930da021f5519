#include "plugin/report/layer_map.h"

#include <numeric>

#include "absl/strings/str_cat.h"
#include "plugin/monitor/tags.h"
#include "plugin/report/evenly_spread.h"

namespace strop {
namespace {

// What a screen can tell apart.
constexpr size_t kMostRows = 120;
constexpr size_t kMostColumns = 200;

// The names behind a tag, where the records lack the list of layers.
std::vector<std::string> NamesUnder(const RunRecords& run, std::string_view tag) {
  std::vector<std::string> names;
  for (const auto& [name, column] : run.measured.columns) {
    if (name.starts_with(tag)) names.push_back(name.substr(tag.size()));
  }
  return names;
}

}  // namespace

std::vector<LayerRow> ParameterLayers(const RunRecords& run) {
  std::vector<LayerRow> rows;
  for (const LayerList::Parameter& parameter : run.layers.parameters) {
    if (rows.empty() || rows.back().name != parameter.layer) rows.push_back({parameter.layer, {}});
    rows.back().parameters.push_back(parameter);
  }
  if (!rows.empty()) return rows;
  for (const std::string& name : NamesUnder(run, kGradientRmsOf)) {
    rows.push_back({name, {{name, name, 0}}});
  }
  return rows;
}

std::vector<LayerRow> ActivationLayers(const RunRecords& run, std::string_view tag) {
  std::vector<LayerRow> rows;
  for (const LayerList::Activation& activation : run.layers.activations) {
    const std::string column = absl::StrCat(std::string(tag), activation.name);
    if (run.measured.Find(column) != nullptr) rows.push_back({activation.name, {}});
  }
  if (!run.layers.activations.empty()) return rows;
  for (const std::string& name : NamesUnder(run, tag)) rows.push_back({name, {}});
  return rows;
}

HeatMap LayerMap(const RunRecords& run, const std::vector<LayerRow>& rows,
                 const std::function<std::vector<double>(const LayerRow&)>& values) {
  HeatMap map;
  map.x_title = "step";
  std::vector<size_t> columns(run.measured.row_count());
  std::iota(columns.begin(), columns.end(), size_t{0});
  columns = EvenlySpread(columns, kMostColumns);
  for (const size_t column : columns) {
    map.x_numbers.push_back(static_cast<double>(run.measured.steps[column]));
  }
  for (const LayerRow& row : EvenlySpread(rows, kMostRows)) {
    map.y_labels.push_back(row.name);
    const std::vector<double> of_layer = values(row);
    for (const size_t column : columns) map.values.push_back(of_layer[column]);
  }
  if (rows.size() > kMostRows) {
    map.caption = absl::StrCat(" ", kMostRows, " of ", rows.size(), " layers.");
  }
  return map;
}

}  // namespace strop
