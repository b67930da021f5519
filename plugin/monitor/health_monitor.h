#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "plugin/monitor/health_rule.h"
#include "plugin/monitor/record.h"
#include "plugin/training/run_report.h"
#include "plugin/training/step_statistics.h"

namespace strop {

// Watches a run and says in words, once each, what is wrong and what helps. health_rule.h has the
// rules. Not thread-safe.
class HealthMonitor {
 public:
  // What was said already, by finding: of the run that is resumed.
  explicit HealthMonitor(std::set<std::string> said = {}) : said_(std::move(said)) {}

  // After a step that was measured.
  std::vector<HealthFinding> OnStep(const StepReport& report, const StepStatistics& statistics);
  std::vector<HealthFinding> OnEpoch(const EpochReport& report);

 private:
  struct Epoch {
    double train_loss;
    std::optional<double> validation_loss;
  };

  void LookAtGradientFlow(const StepReport& report, const StepStatistics& statistics);
  void LookAtGradientNorm(const StepReport& report, const StepStatistics& statistics);
  void LookAtActivations(const StepReport& report, const StepStatistics& statistics);
  void LookAtLearningRate(const StepReport& report, const StepStatistics& statistics);
  void LookForOverfitting(const EpochReport& report);
  void LookForPlateau(const EpochReport& report);
  void LookForRisingLoss(const EpochReport& report);

  // Counts a look; true when the rule's finding is due: it holds long enough, or for certain.
  bool IsDue(const HealthRule& rule, bool holds, bool is_certain = false);
  void Say(const HealthRule& rule, std::string message, std::vector<std::string> layers = {},
           bool is_warning = true);

  std::set<std::string> said_;
  std::map<const HealthRule*, int64_t> looks_;  // in a row that showed what the rule asks for
  std::vector<double> gradient_norms_;
  double largest_rate_ = 0;
  std::vector<Epoch> epochs_;
  std::vector<HealthFinding> findings_;  // of the current look
};

}  // namespace strop
