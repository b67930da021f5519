#pragma once

#include <map>
#include <string>
#include <vector>

#include "importer/importer.h"
#include "plugin/engine/runtime/state_store.h"

namespace strop {

// Which states of a run's store are the weights that it is about, by name.
struct RunWeights {
  std::vector<std::string> trained;   // parameters that move
  std::vector<std::string> exported;  // parameters and running statistics: what an export writes
  // These, and what else of the model moves: what to come back to.
  std::vector<std::string> restored;
  std::map<std::string, DataType> file_types;  // of `restored`, in which an export keeps them
};

RunWeights WeightsOf(const ImportedModel& model, std::vector<std::string> trained,
                     const StateStore& store);

}  // namespace strop
