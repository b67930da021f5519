#include "plugin/operations/train/train.h"

#include <filesystem>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "importer/class_names.h"
#include "plugin/operations/train/dry_run.h"
#include "plugin/operations/train/dump.h"
#include "plugin/operations/train/run_lines.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/outcome.h"
#include "plugin/session/lora_export.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;

Json ResultJson(const TrainOptions& options, const TrainingResult& result, Json epochs) {
  Json json = {{"steps", result.steps}, {"epochs", std::move(epochs)}};
  if (result.averaged_validation_loss) json["averaged"] = AveragedJson(result);
  json["stopped_early"] = result.stopped_early;
  json["output"] = options.output;
  json["weights"] = DescribeWeights(result);
  return json;
}

// The run of a session, told to the callbacks.
absl::StatusOr<Json> RunSession(const TrainOptions& options, TrainingSession& session,
                                const OperationCallbacks& followers) {
  const Listener& listener = followers.listener;
  const int64_t steps = session.trainer().steps_of_run();
  Json epochs = Json::array();
  SessionCallbacks callbacks;
  callbacks.run.on_step = [&](const StepReport& report) {
    listener.progress(kTrain.name, report.step, steps);
  };
  callbacks.run.on_epoch = [&](const EpochReport& report) {
    listener.status(absl::StrJoin(EpochParts(report, options.epochs), "  "));
    epochs.push_back(ToJson(report));
  };
  callbacks.run.should_stop = followers.should_stop;
  callbacks.on_finding = [&](const HealthFinding& finding) { listener.warning(finding.message); };
  STROP_ASSIGN_OR_RETURN(const SessionResult result, session.Run(callbacks));
  STROP_RETURN_IF_ERROR(result.end);
  listener.TellNote(ClassNamesNote(options, session.model(), session.class_names()));
  STROP_RETURN_IF_ERROR(result.kept);
  STROP_RETURN_IF_ERROR(StopOf(result, options.output));
  return ResultJson(options, result.training, std::move(epochs));
}

absl::StatusOr<Json> Train(TrainOptions& options, const OperationCallbacks& callbacks) {
  options.model.listener = options.data.listener = callbacks.listener;
  PassTimes pass_times;
  if (WantsPassTimes(options.dump)) options.model.plan.on_pass = pass_times.Recorder();
  Json stages = Json::object();
  const auto take_stage = [&stages](const std::string& stage, const std::string& text) {
    stages[stage] = text;
  };
  const auto dump = [&](const ImportedModel& model, const TrainingOptions& training,
                        const DataSource& data) {
    return DumpStages(options.dump, model, training, data, options.model.plan, pass_times,
                      take_stage);
  };
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<TrainingSession> session,
                         TrainingSession::Create(options, {}, dump));
  Json json;
  if (options.run.is_dry) {
    STROP_ASSIGN_OR_RETURN(
        const DryRun dry,
        MeasureDryRun(session->model(), ResolvedOptions(*options.set), session->trainer()));
    json = ToJson(dry);
  } else {
    STROP_ASSIGN_OR_RETURN(json, RunSession(options, *session, callbacks));
  }
  if (!stages.empty()) json["dump"] = std::move(stages);
  return json;
}

}  // namespace

void CompleteTrainPaths(const TrainOptions& options, std::vector<CommandPath>& paths) {
  const std::string own_config = options.run.directory + "/config.toml";
  std::erase_if(paths, [&](const CommandPath& path) {
    std::error_code ignored;  // a run may read its own options, which it writes as they were
    return path.option == "--config" && std::filesystem::equivalent(path.path, own_config, ignored);
  });
  AddAdapterPaths(options.lora, options.output, paths);
}

absl::Status StopOf(const SessionResult& result, const std::string& output) {
  if (!result.training.was_stopped) return absl::OkStatus();
  const std::string when = absl::StrCat("after step ", result.training.steps, "; \"");
  return result.checkpoint.empty()
             ? Stopped(absl::StrCat(when, output, "\" holds the weights of that step"))
             : Stopped(
                   absl::StrCat(when, result.checkpoint, "\" holds the run; go on with --resume"));
}

std::string ClassNamesNote(const TrainOptions& options, const ImportedModel& model,
                           const std::vector<std::string>& names) {
  if (names.empty() || options.writes_class_names || ClassNamesInMetadata(*model.model) == names) {
    return "";
  }
  const std::string& source =
      options.run.directory.empty() ? options.data.location : options.run.directory;
  return absl::StrCat("the file does not name its ", names.size(),
                      " classes; where data may lack one, give ", ClassNamesWords(names, source),
                      ", or train with --write-class-names");
}

Operation TrainOperation() {
  Operation operation(kTrain);
  const auto options = std::make_shared<TrainOptions>();
  AddTrainOptions(*operation.options, *options);
  operation.run = [options](const OperationCallbacks& callbacks) {
    return Train(*options, callbacks);
  };
  operation.complete_paths = [options](std::vector<CommandPath>& paths) {
    CompleteTrainPaths(*options, paths);
  };
  return operation;
}

}  // namespace strop
