#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "plugin/monitor/health_rule.h"
#include "plugin/monitor/record.h"
#include "plugin/training/graph/step_statistics.h"
#include "plugin/training/run/health_state.h"
#include "plugin/training/run/run_report.h"

namespace strop {

// Watches a run and says in words, once each, what looks wrong and what may help. health_rule.h has
// the rules. Not thread-safe.
class HealthMonitor {
 public:
  // `state` is the run's, outlives the monitor, and holds all that it remembers.
  explicit HealthMonitor(HealthState& state) : state_(state) {}

  // After a step that was measured.
  std::vector<HealthFinding> OnStep(const StepReport& report, const StepStatistics& statistics);
  // After a whole epoch.
  std::vector<HealthFinding> OnEpoch(const EpochReport& report);

 private:
  void LookAtGradientFlow(const StepReport& report, const StepStatistics& statistics);
  void LookAtGradientNorm(const StepReport& report, const StepStatistics& statistics);
  void LookAtActivations(const StepReport& report, const StepStatistics& statistics);
  void LookAtLearningRate(const StepReport& report, const StepStatistics& statistics);
  void LookForOverfitting(const EpochReport& report);
  void LookForPlateau(const EpochReport& report);
  void LookForRisingLoss(const EpochReport& report);

  // Whether the rule's finding was told, or its epochs are too few to tell it.
  bool IsOff(const HealthRule& rule) const;
  // Counts a look; true when the rule's finding is due: it holds long enough, or for certain.
  bool IsDue(const HealthRule& rule, bool holds, bool is_certain = false);
  void Say(const HealthRule& rule, std::string message, std::vector<std::string> layers = {},
           bool is_warning = true);

  HealthState& state_;
  std::vector<HealthFinding> findings_;  // of the current look
};

}  // namespace strop
