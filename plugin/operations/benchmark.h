#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/operations/operation.h"
#include "plugin/operations/roofline.h"
#include "plugin/options/lora_options.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/model_options.h"
#include "plugin/options/optimizer_options.h"

namespace strop {

inline constexpr OperationTitle kBenchmark = {
    "benchmark", "Time, memory and share of the roofline of a training step on random data"};

struct BenchmarkOptions {
  ModelOptions model;
  LossArguments loss;
  OptimizerArguments optimizer;
  ModeArguments modes;
  LoraArguments lora;
  std::optional<int64_t> batch_size;
  int64_t steps = 20;               // to time, after the first
  std::vector<std::string> shapes;  // "NAME=1,3,224,224"
};

void AddBenchmarkOptions(OptionSet& set, BenchmarkOptions& options);

// How fast a training step is, how soon the first one ends, how much memory it takes, and how near
// to the machine's roofline it comes.
struct Benchmark {
  std::string model;  // its path
  std::string precision;
  int threads = 0;
  int64_t batch_size = 0;
  double first_step_seconds = 0;     // from the start on
  std::vector<double> step_seconds;  // without the first
  double peak_rss_mb = 0;
  double roofline_fraction = 0;
  MachineRates rates;

  double median_seconds() const;
  double least_seconds() const;
};

absl::StatusOr<Benchmark> RunBenchmark(const BenchmarkOptions& options);

nlohmann::ordered_json ToJson(const Benchmark& benchmark);

Operation BenchmarkOperation();

}  // namespace strop
