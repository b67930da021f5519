// strop study: what textbooks say, measured.

#include "plugin/study/study.h"

#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/atomic_file.h"
#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/terminal/terminal_listener.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/data_options.h"
#include "plugin/options/loss_options.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/nearest_name.h"
#include "plugin/options/table/path_role.h"

namespace strop {
namespace {

using Clock = std::chrono::steady_clock;

struct StudyOptions {
  std::string name;
  ModelOptions model;
  DataArguments data;
  LossArguments loss;
  int64_t seeds = 3;
  std::string output;
  bool as_json = false;
};

absl::StatusOr<std::vector<const Study*>> ChosenStudies(const StudyOptions& options) {
  const bool has_model = !options.model.path.empty();
  std::vector<const Study*> chosen;
  std::vector<std::string> names = {"all"};
  for (const Study& study : AllStudies()) {
    names.push_back(study.name);
    if (options.name == "all" ? study.takes_model || !has_model : study.name == options.name) {
      chosen.push_back(&study);
    }
  }
  if (chosen.empty()) {
    return UsageError(absl::StrCat("found study \"", options.name, "\", expected one of ",
                                   absl::StrJoin(names, ", "), DidYouMean(options.name, names)));
  }
  if (has_model && !chosen[0]->takes_model) {
    return UsageError(absl::StrCat("the study ", options.name,
                                   " compares networks of its own; leave --model out"));
  }
  if (has_model && options.data.location.empty()) {
    return UsageError("--model needs --data that it can be trained on");
  }
  return chosen;
}

absl::StatusOr<std::unique_ptr<Laboratory>> OpenLaboratory(const StudyOptions& options,
                                                           std::function<void()> on_run) {
  LaboratoryOptions laboratory;
  laboratory.seeds = options.seeds;
  laboratory.plan = options.model.plan;
  // Small networks: waking a second thread costs more than it computes.
  if (laboratory.plan.threads == 0) laboratory.plan.threads = 1;
  laboratory.should_stop = [] { return CaughtSignal() != 0; };
  laboratory.on_run = std::move(on_run);
  STROP_ASSIGN_OR_RETURN(laboratory.loss, LossOptionsOf(options.loss));
  if (!options.model.path.empty()) {
    STROP_ASSIGN_OR_RETURN(laboratory.model, LoadModel(options.model));
    STROP_ASSIGN_OR_RETURN(laboratory.data,
                           OpenFor(*laboratory.model, options.data.location, options.data, {}));
  } else if (!options.data.location.empty()) {
    DataOptions data = DataOptionsOf(options.data);
    STROP_ASSIGN_OR_RETURN(data.class_names, KnownClassNames(options.data, nullptr));
    STROP_ASSIGN_OR_RETURN(laboratory.data, OpenData(options.data.location, {}, data));
  }
  return Laboratory::Create(std::move(laboratory));
}

void PrintJson(const Study& study, const StudyResult& result, double seconds) {
  nlohmann::ordered_json claims = nlohmann::json::array();
  for (const Claim& claim : result.claims) {
    claims.push_back({{"textbook", claim.textbook},
                      {"source", claim.source},
                      {"measured", claim.measured},
                      {"agrees", claim.verdict == Verdict::kUndecided
                                     ? nlohmann::ordered_json(nullptr)
                                     : nlohmann::ordered_json(claim.verdict == Verdict::kAgrees)}});
  }
  const nlohmann::ordered_json line = {
      {"study", study.name},       {"setting", result.setting}, {"header", result.table.header},
      {"rows", result.table.rows}, {"claims", claims},          {"seconds", seconds}};
  std::printf("%s\n", line.dump().c_str());
}

absl::Status RunStudies(const StudyOptions& options) {
  STROP_ASSIGN_OR_RETURN(const std::vector<const Study*> studies, ChosenStudies(options));
  CatchStopSignals();
  const bool is_terminal = isatty(STDERR_FILENO) != 0;
  int64_t runs = 0;
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Laboratory> laboratory, OpenLaboratory(options, [&] {
                           if (is_terminal)
                             std::fprintf(stderr, "\r%lld trainings ",
                                          static_cast<long long>(++runs));
                         }));
  Page page(options.name == "all" ? "Seven studies" : absl::StrCat("Study: ", options.name),
            "What textbooks say, and what this machine measured");
  for (const Study* study : studies) {
    const Clock::time_point start = Clock::now();
    const absl::StatusOr<StudyResult> result = study->run(*laboratory);
    if (is_terminal) std::fprintf(stderr, "\r\x1b[K");
    if (absl::IsCancelled(result.status())) {
      return StoppedBySignal(CaughtSignal(), absl::StrCat("in ", study->name, "; nothing written"));
    }
    if (!result.ok()) return result.status();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    if (options.as_json) {
      PrintJson(*study, *result, seconds);
    } else {
      std::printf("%s", StudyText(*study, *result).c_str());
    }
    std::fflush(stdout);
    std::fprintf(stderr, "%s took %.1f s\n", study->name.c_str(), seconds);
    AddToPage(*study, *result, studies.size() == 1, page);
  }
  if (options.output.empty()) return absl::OkStatus();
  STROP_RETURN_IF_ERROR(page.Write(options.output));
  if (!options.as_json) std::printf("wrote %s\n", options.output.c_str());
  return absl::OkStatus();
}

std::string StudyNames() {
  std::string names = "all";
  for (const Study& study : AllStudies()) absl::StrAppend(&names, ", ", study.name);
  return names;
}

}  // namespace

Command StudyCommand() {
  const auto options = std::make_shared<StudyOptions>();
  options->model.listener = options->data.listener = TerminalListener();
  Command command{.name = "study",
                  .help = "Measure what textbooks say about training, here, on real data",
                  .footer = "Example: strop study optimizers -o optimizers.html",
                  .run = [options] { return RunStudies(*options); }};
  OptionSet& set = *command.options;
  set.Add({{.name = "NAME",
            .target = &options->name,
            .value_name = "STUDY",
            .is_required = true,
            .help = StudyNames()},
           OptionalOutput(options->output, "Write an HTML page of plots"),
           {.name = "seeds",
            .target = &options->seeds,
            .range = {.least = 1, .most = 100},
            .has_default = true,
            .help = "Repetitions of every training"},
           {.name = "json", .target = &options->as_json, .help = "A JSON line a study"},
           {.name = "model",
            .target = &options->model.path,
            .path = PathRole::kModel,
            .help = "Study your own network, where the study is not about networks"}});
  AddDataOptions(set, options->data);
  AddClassNamesOption(set, options->data);
  set.at("data").is_required = false;
  AddLossOptions(set, options->loss);
  AddThreadsOption(set, options->model);
  return command;
}

}  // namespace strop
