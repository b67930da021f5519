#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace strop {

// What the watch over a run's health remembers (plugin/monitor/health_monitor.h). It belongs to the
// run, so that one that goes on says what one without a break says. Plain data.
struct HealthState {
  struct Best {
    int64_t epoch = 0;
    double validation_loss = 0;
    double training_loss = 0;
  };

  std::set<std::string> findings;        // what was said
  std::map<std::string, int64_t> looks;  // in a row that showed what a rule asks for, by rule
  int64_t last_look = 0;                 // step; 0: none yet
  std::vector<double> gradient_norms;    // of the last looks
  double largest_rate = 0;
  std::optional<double> first_loss;  // of the first epoch, in training
  // Of the last whole epochs, oldest first; NaN without validation.
  std::vector<double> training_losses;
  std::vector<double> validation_losses;
  std::optional<Best> best_validation;  // smoothed over epochs
};

}  // namespace strop
