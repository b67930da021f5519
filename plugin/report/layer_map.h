#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "plugin/report/chart.h"
#include "plugin/report/run_records.h"

namespace strop {

// A layer as a row of a heat map: a node's name, and what it reads.
struct LayerRow {
  std::string name;
  std::vector<LayerList::Parameter> parameters;
};

// The layers of which a parameter was trained, in forward order. Where the records lack their list,
// every parameter that was measured is one, by name, of an unknown number of elements (0).
std::vector<LayerRow> ParameterLayers(const RunRecords& run);

// The nodes for which a number under `tag` (which ends in a slash) was recorded, in forward order.
std::vector<LayerRow> ActivationLayers(const RunRecords& run, std::string_view tag);

// A heat map over layers and steps. `values` gives a layer's numbers, one for each row of
// run.measured. Of very many layers some are shown, as a sentence at the caption's end says.
HeatMap LayerMap(const RunRecords& run, const std::vector<LayerRow>& rows,
                 const std::function<std::vector<double>(const LayerRow&)>& values);

}  // namespace strop
