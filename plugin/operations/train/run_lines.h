#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "plugin/training/run/run_report.h"

namespace strop {

// What a training tells of a step, of an epoch, and of the averages that it ends with.
nlohmann::ordered_json ToJson(const StepReport& report);
nlohmann::ordered_json ToJson(const EpochReport& report);
// Of a result that has some.
nlohmann::ordered_json AveragedJson(const TrainingResult& result);

// "epoch 1/3", "train loss 0.123", "4.2 s"
std::vector<std::string> EpochParts(const EpochReport& report, int64_t epochs);

}  // namespace strop
