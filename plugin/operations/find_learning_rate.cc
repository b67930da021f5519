#include "plugin/operations/find_learning_rate.h"

#include <cmath>
#include <filesystem>
#include <memory>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "graph/status_macros.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/path_role.h"
#include "plugin/report/range_test_page.h"

namespace strop {
namespace {

bool HasGroupRates(const GroupArguments& arguments) {
  for (const std::string& group : arguments.groups) {
    if (absl::StrContains(group, "learning_rate=")) return true;
  }
  return false;
}

absl::Status CheckOptions(const FindLearningRateOptions& options, const RangeTestOptions& test) {
  const absl::Status status = CheckRangeTestOptions(test);
  if (!status.ok()) return UsageError(std::string(status.message()));
  if (options.train.optimizer.learning_rate && !HasGroupRates(options.train.groups)) {
    return UsageError(
        "--learning-rate: the rates are those from --min-learning-rate to --max-learning-rate");
  }
  if (!options.train.modes.unfreeze.empty()) {
    return UsageError("--unfreeze: a test has no epochs; leave tensors out with --freeze");
  }
  return absl::OkStatus();
}

// A step of which no label counts has none.
bool HasLoss(const StepReport& report) { return !std::isnan(report.loss); }

// Runs the steps that `training` says until `on_step` answers that it has seen enough.
absl::Status RunSteps(const FindLearningRateOptions& options, const ImportedModel& model,
                      const TrainingOptions& training, const std::string& what,
                      const std::function<bool()>& should_stop,
                      const std::function<bool(const StepReport&)>& on_step) {
  STROP_ASSIGN_OR_RETURN(OpenedData data, OpenAll(options.train, model));
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Trainer> trainer,
                         Trainer::Create(model, training, std::move(data.training), nullptr,
                                         options.train.model.plan));
  const Listener& listener = options.train.model.listener;
  if (training.learning_rate > 0) {  // not for the baseline too
    listener.TellNote(trainer->note());
    listener.TellNotes(DescribeUnreached(trainer->unreached()));
  }
  listener.progress(what, 0, *training.steps);
  bool is_over = false;
  int64_t steps = 0;
  TrainingCallbacks callbacks;
  callbacks.on_step = [&](const StepReport& report) {
    steps = report.step;
    is_over = on_step(report);
    listener.progress(what, report.step, *training.steps);
  };
  callbacks.should_stop = [&] { return is_over || (should_stop && should_stop()); };
  STROP_ASSIGN_OR_RETURN(const TrainingResult result, trainer->Run(callbacks));
  if (result.failure) return result.failure->status;
  if (should_stop && should_stop()) {
    return Stopped(absl::StrCat("after step ", steps, "; nothing was kept"));
  }
  listener.progress(what, *training.steps, *training.steps);
  return absl::OkStatus();
}

absl::StatusOr<RangeTestFinding> RunTest(const FindLearningRateOptions& options,
                                         const RangeTestOptions& test,
                                         const std::function<bool()>& should_stop) {
  STROP_ASSIGN_OR_RETURN(ImportedModel model, LoadModel(options.train.model));
  STROP_RETURN_IF_ERROR(ApplyLora(options.train.lora, options.train.model, model).status());
  STROP_RETURN_IF_ERROR(
      QuantizeAsTyped(options.train.quantize, options.train.model, model).status());
  STROP_ASSIGN_OR_RETURN(TrainingOptions training, TrainingOptionsOf(options.train, model));
  training = RangeTestTraining(test, std::move(training));
  if (should_stop && should_stop()) return Stopped("before the first step");
  RangeTestWatch watch(test);
  int64_t steps = 0;
  const auto watch_step = [&](const StepReport& report) {
    steps = report.step;
    if (HasLoss(report)) watch.Add(report.learning_rate, report.loss);
    return watch.has_diverged();
  };
  STROP_RETURN_IF_ERROR(
      RunSteps(options, model, training, "growing rates", should_stop, watch_step));
  const bool has_diverged = watch.has_diverged() || steps < test.steps;
  // The same steps again, which go nowhere.
  std::vector<double> baseline;
  training.learning_rate = 0;
  training.steps = steps;
  STROP_RETURN_IF_ERROR(
      RunSteps(options, model, training, "baseline", should_stop, [&](const StepReport& report) {
        if (HasLoss(report)) baseline.push_back(report.loss);
        return false;
      }));
  return RangeTestFinding{RangeTestCurve(watch.learning_rates(), watch.losses(), baseline),
                          has_diverged};
}

std::string SettingsOf(const FindLearningRateOptions& options) {
  const std::string model = std::filesystem::path(options.train.model.path).filename().string();
  return absl::StrCat(model, ", ", options.train.loss.loss, ", ",
                      options.train.optimizer.optimizer);
}

absl::Status VerdictOf(const RangeTestCurve& curve, const RangeTestOptions& test) {
  if (curve.suggestions()) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "range test: the loss falls at no rate from ", test.min_learning_rate, " to ",
      test.max_learning_rate,
      " by more than its noise; widen the range, take more --steps or a larger --batch-size"));
}

void TellNotes(const FindLearningRateOptions& options, const RangeTestFinding& finding) {
  const Listener& listener = options.train.model.listener;
  if (finding.curve.falls_to_the_end() && !finding.has_diverged) {
    listener.note(absl::StrFormat(
        "the loss falls up to the greatest rate, %.3g; a greater --max-learning-rate may find a "
        "better one",
        options.test.max_learning_rate));
  }
  if (!HasGroupRates(options.train.groups)) return;
  listener.note(absl::StrFormat(
      "groups were tried at the ratio of their rates to --learning-rate %.3g; change them with it",
      LearningRateOf(options.train.optimizer)));
}

void AddTestOptions(OptionSet& set, FindLearningRateOptions& options) {
  set.Add("Range test", {{.name = "min-learning-rate",
                          .target = &options.test.min_learning_rate,
                          .range = kAboveZero,
                          .has_default = true,
                          .is_common = true,
                          .help = "First learning rate"},
                         {.name = "max-learning-rate",
                          .target = &options.test.max_learning_rate,
                          .range = kAboveZero,
                          .has_default = true,
                          .is_common = true,
                          .help = "Last learning rate"},
                         {.name = "steps",
                          .target = &options.test.steps,
                          .unit = "steps",
                          .range = kFromOne,
                          .has_default = true,
                          .is_common = true,
                          .help = "Steps from the first rate to the last"},
                         {.name = "mode",
                          .target = &options.mode,
                          .choices = {"exponential", "linear"},
                          .has_default = true,
                          .help = "How the rate grows from step to step"},
                         {.name = "early-stop-threshold",
                          .target = &options.test.early_stop_threshold,
                          .has_default = true,
                          .help = "End when the smoothed loss is so many times its best"},
                         {.name = "page",
                          .target = &options.page,
                          .path = PathRole::kOutputFile,
                          .is_common = true,
                          .help = "Write the curve to a page (.html)"}});
}

}  // namespace

void AddFindLearningRateOptions(OptionSet& set, FindLearningRateOptions& options) {
  AddModelArgument(set, options.train.model);
  AddTestOptions(set, options);
  AddStepOptions(set, options.train);
  AddQuantizeOptions(set, options.train.quantize);
}

absl::StatusOr<RangeTestFinding> FindLearningRate(const FindLearningRateOptions& options,
                                                  const std::function<bool()>& should_stop) {
  using Mode = RangeTestOptions::Mode;
  RangeTestOptions test = options.test;
  test.mode = options.mode == "linear" ? Mode::kLinear : Mode::kExponential;
  STROP_RETURN_IF_ERROR(CheckOptions(options, test));
  STROP_ASSIGN_OR_RETURN(RangeTestFinding finding, RunTest(options, test, should_stop));
  if (!options.page.empty()) {
    STROP_RETURN_IF_ERROR(
        RangeTestPage(finding.curve, test.mode, SettingsOf(options)).Write(options.page));
  }
  finding.verdict = VerdictOf(finding.curve, test);
  if (finding.verdict.ok()) TellNotes(options, finding);
  return finding;
}

nlohmann::ordered_json ToJson(const RangeTestFinding& finding) {
  using Json = nlohmann::ordered_json;
  const std::optional<RangeTestSuggestions>& found = finding.curve.suggestions();
  Json curve = Json::array();
  for (const RangeTestPoint& point : finding.curve.points()) {
    curve.push_back({{"learning_rate", point.learning_rate},
                     {"loss", point.loss},
                     {"baseline_loss", point.baseline_loss},
                     {"smoothed_loss", point.smoothed_loss}});
  }
  Json line = {{"suggestion", nullptr}};
  if (found) {
    line = {{"suggestion", found->suggestion()},
            {"steep", found->steep},
            {"valley", found->valley},
            {"minimum", found->minimum}};
  }
  line["steps"] = finding.curve.points().size();
  line["diverged"] = finding.has_diverged;
  line["curve"] = std::move(curve);
  return line;
}

Operation FindLearningRateOperation() {
  Operation operation(kFindLearningRate);
  const auto options = std::make_shared<FindLearningRateOptions>();
  AddFindLearningRateOptions(*operation.options, *options);
  operation.run =
      [options](const OperationCallbacks& callbacks) -> absl::StatusOr<nlohmann::ordered_json> {
    options->train.model.listener = options->train.data.listener = callbacks.listener;
    STROP_ASSIGN_OR_RETURN(const RangeTestFinding finding,
                           FindLearningRate(*options, callbacks.should_stop));
    STROP_RETURN_IF_ERROR(finding.verdict);
    return ToJson(finding);
  };
  return operation;
}

}  // namespace strop
