#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "plugin/report/run_records.h"

namespace strop {

// What a run came to, in a few numbers.
struct RunSummary {
  // The words of records.jsonl, or "unfinished" for a run that goes on or was killed.
  std::string status;
  std::string message;  // of the end; may be empty
  std::string weights;  // as RunEnd has them
  std::optional<int64_t> weights_epoch;
  int64_t steps = 0;
  int64_t epochs = 0;
  double seconds = 0;
  std::optional<int64_t> best_epoch;  // by the validation loss
  std::optional<double> best_validation_loss;
  std::optional<double> last_train_loss;       // mean over the last epoch, or of the last step
  std::optional<double> last_validation_loss;  // of the last epoch
  std::map<std::string, double> metrics;       // of the best epoch; of the last without one
  std::optional<double> samples_per_second;    // median over the run
  std::optional<double> step_seconds;          // median over the run
  std::optional<double> peak_memory_mib;
};

// The folder's own name.
std::string RunName(const RunRecords& run);

RunSummary Summarize(const RunRecords& run);

// "Finished after 120 steps"
std::string StatusText(const RunSummary& summary);

// Whose weights were exported, as a sentence; empty where the records do not say.
std::string WeightsText(const RunSummary& summary);

// "12,300": to four digits.
std::string AmountText(double amount);

// "1.5 s", "12 min 3 s", "2 h 5 min".
std::string DurationText(double seconds);

}  // namespace strop
