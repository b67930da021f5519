#pragma once

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "importer/importer.h"
#include "plugin/data/data_source.h"
#include "plugin/engine/plan/plan_options.h"
#include "plugin/training/run/trainer.h"

namespace strop {

// What the passes over a model came to, in their order.
class PassTimes {
 public:
  // For PlanOptions::on_pass; writes into this object, which must outlive it.
  std::function<void(const PassReport&)> Recorder() {
    return [this](const PassReport& report) { reports_.push_back(report); };
  }

  // A line a pass: its name, milliseconds, nodes before and after.
  std::string Describe() const;

 private:
  std::vector<PassReport> reports_;
};

bool WantsPassTimes(const std::vector<std::string>& stages);

// Takes what a stage leaves, as lines.
using TakeStage = std::function<void(const std::string& stage, const std::string& text)>;

// Gives the named stages of a training, for a first full batch of `data`. `pass_times` is what
// plan.on_pass writes to, where the stages want that.
absl::Status DumpStages(const std::vector<std::string>& stages, const ImportedModel& model,
                        const TrainingOptions& options, const DataSource& data,
                        const PlanOptions& plan, const PassTimes& pass_times,
                        const TakeStage& take);

}  // namespace strop
