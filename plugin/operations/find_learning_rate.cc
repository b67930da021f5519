// strop find-learning-rate: the learning rate range test.

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "graph/status_macros.h"
#include "plugin/cli/command.h"
#include "plugin/cli/terminal/progress_bar.h"
#include "plugin/cli/terminal/stop_signal.h"
#include "plugin/cli/terminal/terminal_listener.h"
#include "plugin/cli/terminal/text_curve.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/path_role.h"
#include "plugin/options/train_arguments.h"
#include "plugin/report/range_test_page.h"
#include "plugin/training/exploration/range_test.h"

namespace strop {
namespace {

struct FindOptions {
  TrainOptions train;
  RangeTestOptions test;
  std::string mode = "exponential";
  std::string page;
  bool as_json = false;
};

bool HasGroupRates(const GroupArguments& arguments) {
  for (const std::string& group : arguments.groups) {
    if (absl::StrContains(group, "learning_rate=")) return true;
  }
  return false;
}

absl::Status CheckOptions(const FindOptions& options) {
  const absl::Status status = CheckRangeTestOptions(options.test);
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
absl::Status RunSteps(const FindOptions& options, const ImportedModel& model,
                      const TrainingOptions& training, const std::string& what,
                      const std::function<bool(const StepReport&)>& on_step) {
  STROP_ASSIGN_OR_RETURN(OpenedData data, OpenAll(options.train, model));
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Trainer> trainer,
                         Trainer::Create(model, training, std::move(data.training), nullptr,
                                         options.train.model.plan));
  if (training.learning_rate > 0) {  // once, not for the baseline too
    options.train.model.listener.TellNote(trainer->note());
  }
  ProgressBar bar(what, *training.steps);
  bool is_over = false;
  int64_t steps = 0;
  TrainingCallbacks callbacks;
  callbacks.on_step = [&](const StepReport& report) {
    steps = report.step;
    is_over = on_step(report);
    bar.Update(report.step);
  };
  callbacks.should_stop = [&] { return is_over || CaughtSignal() != 0; };
  STROP_ASSIGN_OR_RETURN(const TrainingResult result, trainer->Run(callbacks));
  if (result.failure) return result.failure->status;
  if (CaughtSignal() == 0) return absl::OkStatus();
  return StoppedBySignal(CaughtSignal(), absl::StrCat("after step ", steps, "; nothing was kept"));
}

// The curve, and whether its end is where the loss exploded.
struct Finding {
  RangeTestCurve curve;
  bool has_diverged = false;
};

absl::StatusOr<Finding> RunTest(const FindOptions& options) {
  STROP_ASSIGN_OR_RETURN(ImportedModel model, LoadModel(options.train.model));
  STROP_RETURN_IF_ERROR(ApplyLora(options.train.lora, options.train.model, model).status());
  STROP_RETURN_IF_ERROR(
      QuantizeAsTyped(options.train.quantize, options.train.model, model).status());
  STROP_ASSIGN_OR_RETURN(TrainingOptions training, TrainingOptionsOf(options.train, model));
  training = RangeTestTraining(options.test, std::move(training));
  CatchStopSignals();
  RangeTestWatch watch(options.test);
  int64_t steps = 0;
  STROP_RETURN_IF_ERROR(
      RunSteps(options, model, training, "growing rates", [&](const StepReport& report) {
        steps = report.step;
        if (HasLoss(report)) watch.Add(report.learning_rate, report.loss);
        return watch.has_diverged();
      }));
  const bool has_diverged = watch.has_diverged() || steps < options.test.steps;
  // The same steps again, which go nowhere.
  std::vector<double> baseline;
  training.learning_rate = 0;
  training.steps = steps;
  STROP_RETURN_IF_ERROR(
      RunSteps(options, model, training, "baseline", [&](const StepReport& report) {
        if (HasLoss(report)) baseline.push_back(report.loss);
        return false;
      }));
  return Finding{RangeTestCurve(watch.learning_rates(), watch.losses(), baseline), has_diverged};
}

void PrintJson(const Finding& finding) {
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
  std::printf("%s\n", line.dump().c_str());
}

void PrintCurve(const RangeTestCurve& curve) {
  const std::vector<RangeTestPoint>& points = curve.points();
  if (points.empty()) return;
  const LossRange range = RangeToShow(curve);
  TextCurve text;
  text.low = range.low;
  text.high = range.high;
  for (const RangeTestPoint& point : points) {
    if (curve.suggestions() && point.learning_rate == curve.suggestions()->suggestion()) {
      text.marked = static_cast<int>(text.values.size());
    }
    text.values.push_back(point.smoothed_loss);
  }
  text.first_label = absl::StrFormat("%.3g", points.front().learning_rate);
  text.last_label = absl::StrFormat("%.3g", points.back().learning_rate);
  std::printf("smoothed loss by learning rate\n%s", Draw(text).c_str());
}

std::string SettingsOf(const FindOptions& options) {
  const std::string model = std::filesystem::path(options.train.model.path).filename().string();
  return absl::StrCat(model, ", ", options.train.loss.loss, ", ",
                      options.train.optimizer.optimizer);
}

absl::Status RunFind(FindOptions& options) {
  using Mode = RangeTestOptions::Mode;
  options.test.mode = options.mode == "linear" ? Mode::kLinear : Mode::kExponential;
  STROP_RETURN_IF_ERROR(CheckOptions(options));
  STROP_ASSIGN_OR_RETURN(const Finding finding, RunTest(options));
  const RangeTestCurve& curve = finding.curve;
  if (!options.page.empty()) {
    STROP_RETURN_IF_ERROR(
        RangeTestPage(curve, options.test.mode, SettingsOf(options)).Write(options.page));
  }
  if (options.as_json) {
    PrintJson(finding);
  } else {
    PrintCurve(curve);
  }
  const std::optional<RangeTestSuggestions>& found = curve.suggestions();
  if (!found) {
    return absl::FailedPreconditionError(absl::StrCat(
        "range test: the loss falls at no rate from ", options.test.min_learning_rate, " to ",
        options.test.max_learning_rate,
        " by more than its noise; widen the range, take more --steps or a larger --batch-size"));
  }
  if (!options.as_json) {
    std::printf(
        "suggestion: --learning-rate %.3g, the middle of the fall (steepest at %.3g, "
        "minimum/10 %.3g)\n",
        found->suggestion(), found->steep, found->minimum);
  }
  if (curve.falls_to_the_end() && !finding.has_diverged) {
    std::fprintf(stderr,
                 "note: the loss falls up to the greatest rate, %.3g; a greater "
                 "--max-learning-rate may find a better one\n",
                 options.test.max_learning_rate);
  }
  if (HasGroupRates(options.train.groups)) {
    std::fprintf(stderr,
                 "note: groups were tried at the ratio of their rates to --learning-rate %.3g; "
                 "change them with it\n",
                 LearningRateOf(options.train.optimizer));
  }
  return absl::OkStatus();
}

void AddTestOptions(OptionSet& set, FindOptions& options) {
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
                          .help = "Write the curve to a page (.html)"},
                         {.name = "json",
                          .target = &options.as_json,
                          .is_common = true,
                          .help = "Suggestions and curve as a JSON line"}});
}

}  // namespace

Command FindLearningRateCommand() {
  const auto options = std::make_shared<FindOptions>();
  options->train.model.listener = options->train.data.listener = TerminalListener();
  Command command{
      .name = "find-learning-rate",
      .help = "Try growing learning rates on a model and suggest one",
      .footer =
          "The options of train that shape a step mean the same here; give those that you will "
          "train with. The model stays as it is.\n"
          "Example: strop find-learning-rate model.onnx --data train.npz --loss cross_entropy "
          "--optimizer adamw",
      .run = [options] { return RunFind(*options); }};
  OptionSet& set = *command.options;
  AddModelArgument(set, options->train.model);
  AddTestOptions(set, *options);
  AddStepOptions(set, options->train);
  AddQuantizeOptions(set, options->train.quantize);
  return command;
}

}  // namespace strop
