#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plugin/report/page.h"
#include "plugin/tune/journal.h"
#include "plugin/tune/search_space.h"

namespace strop {

// A study that is over, or the part of it that was run.
struct TuneReport {
  std::vector<SearchDimension> space;
  std::vector<std::vector<std::string>> values;  // [trials][space]
  std::vector<TrialRecord> ranked;               // the best first
  std::string objective;
  bool is_higher_better = false;
};

// "validation_loss 0.123", "learning-rate 0.01", "4.2 s"
std::vector<std::string> TrialParts(const TrialRecord& record,
                                    const std::vector<SearchDimension>& space,
                                    const std::vector<std::string>& values,
                                    const std::string& objective);

// A row of names, then a row a trial, the best first.
std::vector<std::vector<std::string>> TrialTable(const TuneReport& report);

// The trials, the best first.
nlohmann::ordered_json ToJson(const TuneReport& report);

// What a study would try, in the order of the trials.
nlohmann::ordered_json TrialsJson(const std::vector<SearchDimension>& space,
                                  const std::vector<std::vector<std::string>>& values);

// The trials as parallel coordinates, by epoch, and as a table. `training_losses` are the trials'
// by number, each by epoch.
Page TunePage(const TuneReport& report,
              const std::map<int64_t, std::vector<double>>& training_losses);

}  // namespace strop
