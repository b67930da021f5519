// strop report: what a run folder holds, as one page.

#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/model_options.h"
#include "plugin/monitor/report_page.h"
#include "plugin/monitor/run_summary.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

struct ReportArguments {
  std::string run;
  std::string output;
  bool as_json = false;
};

Json NumberOf(const std::optional<double>& number) {
  return number && std::isfinite(*number) ? Json(*number) : Json(nullptr);
}

void PrintJson(const RunRecords& run, const RunSummary& summary, const std::string& page) {
  Json line = {{"run", run.folder},
               {"status", summary.status},
               {"message", summary.message},
               {"steps", summary.steps},
               {"epochs", summary.epochs},
               {"seconds", summary.seconds},
               {"train_loss", NumberOf(summary.last_train_loss)},
               {"validation_loss", NumberOf(summary.last_validation_loss)},
               {"best_validation_loss", NumberOf(summary.best_validation_loss)}};
  line["best_epoch"] = summary.best_epoch ? Json(*summary.best_epoch) : Json(nullptr);
  line["metrics"] = Json::object();
  for (const auto& [name, value] : summary.metrics) line["metrics"][name] = NumberOf(value);
  line["samples_per_second"] = NumberOf(summary.samples_per_second);
  line["step_seconds"] = NumberOf(summary.step_seconds);
  line["peak_memory_mib"] = NumberOf(summary.peak_memory_mib);
  line["findings"] = Json::array();
  for (const RunRecords::Finding& found : run.findings) {
    line["findings"].push_back({{"finding", found.finding.finding},
                                {"epoch", found.epoch},
                                {"step", found.step},
                                {"message", found.finding.message}});
  }
  line["damaged_lines"] = run.damaged_lines;
  line["page"] = page;
  std::printf("%s\n", line.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
}

absl::Status RunReport(const ReportArguments& arguments) {
  STROP_ASSIGN_OR_RETURN(const RunRecords run, ReadRunRecords(arguments.run));
  const std::string output =
      arguments.output.empty() ? arguments.run + "/report.html" : arguments.output;
  STROP_RETURN_IF_ERROR(
      CheckOutputPath(output, {arguments.run + "/records.jsonl", arguments.run + "/config.toml"}));
  STROP_RETURN_IF_ERROR(ReportPage(run).Write(output));
  const RunSummary summary = Summarize(run);
  if (arguments.as_json) {
    PrintJson(run, summary, output);
  } else {
    std::printf("%s\nwrote %s\n", StatusText(summary).c_str(), output.c_str());
  }
  return absl::OkStatus();
}

}  // namespace

Command AddReportCommand(CLI::App& program) {
  CLI::App* app = program.add_subcommand("report", "What a run folder holds, as one page");
  const auto arguments = std::make_shared<ReportArguments>();
  app->add_option("RUN", arguments->run, "Folder that strop train --run-directory has filled")
      ->required();
  app->add_option("-o,--output", arguments->output,
                  "Where the page goes; by default RUN/report.html")
      ->type_name("FILE");
  app->add_flag("--json", arguments->as_json, "Print the run's summary as a JSON line");
  app->footer(
      "Example:\n"
      "  strop train model.onnx --data train.npz --validation-split 0.2 --loss cross_entropy \\\n"
      "      --epochs 10 --run-directory runs/first -o tuned.onnx\n"
      "  strop report runs/first");
  return {app, [arguments] { return RunReport(*arguments); }};
}

}  // namespace strop
