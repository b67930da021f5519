// strop benchmark: how fast a training step is, how soon the first one ends, how much memory it
// takes, and how near to the machine's roofline it comes.

#include "plugin/operations/benchmark.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/json_lines.h"
#include "plugin/cli/terminal/terminal_listener.h"

namespace strop {
namespace {

void PrintText(const Benchmark& measured) {
  std::printf("step        %.2f ms median, %.2f ms least, of %zu\n",
              measured.median_seconds() * 1e3, measured.least_seconds() * 1e3,
              measured.step_seconds.size());
  std::printf("first step  %.2f s after the start\n", measured.first_step_seconds);
  std::printf("memory      %.0f MB at most\n", measured.peak_rss_mb);
  std::printf("roofline    %.0f %% of what %.0f GFLOP/s and %.1f GB/s, measured now, allow\n",
              measured.roofline_fraction * 100, measured.rates.operations_per_second / 1e9,
              measured.rates.bytes_per_second / 1e9);
}

absl::Status PrintBenchmark(const BenchmarkOptions& options, bool as_json) {
  STROP_ASSIGN_OR_RETURN(const Benchmark measured, RunBenchmark(options));
  if (as_json) {
    PrintJsonLine(ToJson(measured));
  } else {
    PrintText(measured);
  }
  return absl::OkStatus();
}

}  // namespace

Command BenchmarkCommand() {
  const auto options = std::make_shared<BenchmarkOptions>();
  options->model.listener = TerminalListener();
  Command command{.name = kBenchmark.name,
                  .help = kBenchmark.help,
                  .footer =
                      "Example: strop benchmark model.onnx --batch-size 16 --loss cross_entropy "
                      "--optimizer sgd"};
  AddBenchmarkOptions(*command.options, *options);
  Option json = JsonOption(command, "As a JSON line");
  json.is_common = true;
  command.options->AddBehind("shape", {std::move(json)});
  command.run = [options, as_json = command.as_json] { return PrintBenchmark(*options, *as_json); };
  return command;
}

}  // namespace strop
