#include "plugin/operations/study.h"

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/nearest_name.h"
#include "plugin/options/table/path_role.h"

namespace strop {
namespace {

using Clock = std::chrono::steady_clock;

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
                                                           const StudyCallbacks& callbacks) {
  LaboratoryOptions laboratory;
  laboratory.seeds = options.seeds;
  laboratory.plan = options.model.plan;
  // Small networks: waking a second thread costs more than it computes.
  if (laboratory.plan.threads == 0) laboratory.plan.threads = 1;
  laboratory.should_stop = callbacks.should_stop;
  laboratory.on_run = [&listener = options.model.listener, runs = int64_t{0}]() mutable {
    listener.progress("trainings", ++runs, 0);
  };
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

std::string StudyNames() {
  std::string names = "all";
  for (const Study& study : AllStudies()) absl::StrAppend(&names, ", ", study.name);
  return names;
}

}  // namespace

void AddStudyOptions(OptionSet& set, StudyOptions& options) {
  set.Add({{.name = "NAME",
            .target = &options.name,
            .value_name = "STUDY",
            .is_required = true,
            .help = StudyNames()},
           OptionalOutput(options.output, "Write an HTML page of plots"),
           {.name = "seeds",
            .target = &options.seeds,
            .range = {.least = 1, .most = 100},
            .has_default = true,
            .help = "Repetitions of every training"},
           {.name = "model",
            .target = &options.model.path,
            .path = PathRole::kModel,
            .help = "Study your own network, where the study is not about networks"}});
  AddDataOptions(set, options.data);
  AddClassNamesOption(set, options.data);
  set.at("data").is_required = false;
  AddLossOptions(set, options.loss);
  AddThreadsOption(set, options.model);
}

absl::StatusOr<std::vector<StudyRun>> RunStudies(const StudyOptions& options,
                                                 const StudyCallbacks& callbacks) {
  STROP_ASSIGN_OR_RETURN(const std::vector<const Study*> studies, ChosenStudies(options));
  if (callbacks.should_stop && callbacks.should_stop()) return Stopped("before the first study");
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Laboratory> laboratory,
                         OpenLaboratory(options, callbacks));
  Page page(options.name == "all" ? "Seven studies" : absl::StrCat("Study: ", options.name),
            "What textbooks say, and what this machine measured");
  std::vector<StudyRun> runs;
  for (const Study* study : studies) {
    const Clock::time_point start = Clock::now();
    absl::StatusOr<StudyResult> result = study->run(*laboratory);
    if (absl::IsCancelled(result.status())) {
      return Stopped(absl::StrCat("in ", study->name, "; nothing written"));
    }
    if (!result.ok()) return result.status();
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    runs.push_back({study, *std::move(result), seconds});
    if (callbacks.on_study) callbacks.on_study(runs.back());
    options.model.listener.status(absl::StrFormat("%s took %.1f s", study->name, seconds));
    AddToPage(*study, runs.back().result, studies.size() == 1, page);
  }
  if (!options.output.empty()) STROP_RETURN_IF_ERROR(page.Write(options.output));
  return runs;
}

nlohmann::ordered_json ToJson(const StudyRun& run) {
  nlohmann::ordered_json claims = nlohmann::json::array();
  for (const Claim& claim : run.result.claims) {
    claims.push_back({{"textbook", claim.textbook},
                      {"source", claim.source},
                      {"measured", claim.measured},
                      {"agrees", claim.verdict == Verdict::kUndecided
                                     ? nlohmann::ordered_json(nullptr)
                                     : nlohmann::ordered_json(claim.verdict == Verdict::kAgrees)}});
  }
  return {{"study", run.study->name},
          {"setting", run.result.setting},
          {"header", run.result.table.header},
          {"rows", run.result.table.rows},
          {"claims", claims},
          {"seconds", run.seconds}};
}

Operation StudyOperation() {
  Operation operation(kStudy);
  const auto options = std::make_shared<StudyOptions>();
  AddStudyOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->model.listener = options->data.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const std::vector<StudyRun> runs,
                           RunStudies(*options, {.should_stop = callbacks.should_stop}));
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const StudyRun& run : runs) json.push_back(ToJson(run));
    return json;
  };
  return operation;
}

}  // namespace strop
