#include "plugin/session/model_trainer.h"

#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/data_options.h"
#include "plugin/options/outcome.h"
#include "plugin/options/table/path_conflict.h"
#include "plugin/session/lora_export.h"
#include "plugin/training/metrics/forward_pass.h"
#include "plugin/training/metrics/gathered_outputs.h"
#include "plugin/training/run/checkpoint.h"

namespace strop {
namespace {

// Options that a program says by what it calls.
constexpr const char* kSaidOtherwise[] = {"json", "dump", "dry-run"};

// Options that belong to a model may be repeated here where they mean the steps, too.
bool IsOfModel(const OptionSet& model_options, const std::string& name) {
  return model_options.Find(name) != nullptr && name != "batch-norm" && name != "threads" &&
         name != "seed" && name != "disable-pass";
}

absl::Status CheckNames(const OptionTexts& options) {
  OptionSet of_model;
  ModelArguments ignored;
  AddModelOptions(of_model, ignored);
  for (const auto& [name, texts] : options) {
    if (name == "MODEL" || IsOfModel(of_model, name)) {
      return UsageError(
          absl::StrCat("--", name, ": found for a trainer, expected for its model; give it there"));
    }
    for (const char* other : kSaidOtherwise) {
      if (name != other) continue;
      return UsageError(absl::StrCat("--", name, ": belongs to the command line"));
    }
  }
  return absl::OkStatus();
}

// What a file of options says of the model has to be what the model was given.
absl::Status CheckModelStays(const OptionTexts& given, const OptionSet& set) {
  OptionSet of_model;
  ModelArguments ignored;
  AddModelOptions(of_model, ignored);
  for (const auto& [name, texts] : given) of_model.at(name).given = texts;
  for (const Option& option : of_model.options()) {
    if (!IsOfModel(of_model, option.name)) continue;
    if (ValuesOf(option) == ValuesOf(set.at(option.name))) continue;
    return UsageError(absl::StrCat(option.LongName(),
                                   ": found in --config for a trainer, expected what its model was "
                                   "given; load the model with it"));
  }
  return absl::OkStatus();
}

// Options that need whole epochs, with their validation.
absl::Status CheckSingleSteps(const OptionSet& set) {
  const auto refuse = [](const std::string& option) {
    return UsageError(
        absl::StrCat(option, ": belongs to whole runs, expected none of single steps"));
  };
  for (const char* name : {"run-directory", "early-stopping", "export"}) {
    if (set.IsGiven(name)) return refuse(set.at(name).LongName());
  }
  const std::vector<std::string> schedule = ValuesOf(set.at("schedule"));
  const bool looks_at_losses = !schedule.empty() && schedule.front() == "reduce_on_plateau";
  return looks_at_losses ? refuse("--schedule reduce_on_plateau") : absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<ModelTrainer>> ModelTrainer::Create(
    Model& model, TrainerData data, const OptionTexts& options, const Listener& listener,
    std::shared_ptr<const HostLoss> loss) {
  std::unique_ptr<ModelTrainer> trainer(new ModelTrainer(model));
  STROP_RETURN_IF_ERROR(
      trainer->TakeOptions(options, data.training.has_value(), listener, std::move(loss)));
  trainer->prepared_ = model.prepared();
  if (data.training || !trainer->options_.data.location.empty()) {
    STROP_RETURN_IF_ERROR(trainer->Begin(std::move(data)));
    return trainer;
  }
  if (data.validation) {
    return UsageError("validation data are given, expected training data with them");
  }
  if (trainer->set_.IsGiven("batch-size")) {
    return UsageError("--batch-size: found no training data, of which to make batches");
  }
  trainer->options_.data.batch_size = "full";  // of the batch that will be given
  return trainer;
}

absl::Status ModelTrainer::TakeOptions(const OptionTexts& options, bool has_data,
                                       const Listener& listener,
                                       std::shared_ptr<const HostLoss> loss) {
  STROP_RETURN_IF_ERROR(CheckNames(options));
  AddTrainOptions(set_, options_);
  for (const char* name : {"MODEL", "data", "output"}) set_.at(name).is_required = false;
  const ModelArguments& of_model = model_.arguments();
  options_.model = of_model.model;
  options_.lora = of_model.lora;
  options_.quantize = of_model.quantize;
  options_.modes = of_model.modes;
  OptionTexts all = model_.given();
  std::erase_if(all, [&](const auto& given) {  // what is said for the steps wins
    return std::any_of(options.begin(), options.end(),
                       [&](const auto& option) { return option.first == given.first; });
  });
  for (const auto& [name, texts] : all) set_.at(name).given = texts;  // as a run records them
  if (loss != nullptr) {
    for (const auto& [name, texts] : options) {
      if (name != "loss") continue;
      return UsageError("--loss: found a loss by name beside one of the program's own");
    }
    // As the name of a loss, so that what belongs to others is refused.
    options_.loss.host = std::move(loss);
    set_.at("loss").choices = {kHostLossName};
    set_.at("loss").given = {kHostLossName};
  }
  if (!of_model.model.path.empty()) set_.at("MODEL").given = {of_model.model.path};
  STROP_RETURN_IF_ERROR(GiveTexts(options, set_));
  STROP_RETURN_IF_ERROR(CheckModelStays(model_.given(), set_));
  STROP_RETURN_IF_ERROR(CheckGivenPaths(set_, [this](std::vector<CommandPath>& paths) {
    if (!options_.output.empty()) AddAdapterPaths(options_.lora, options_.output, paths);
  }));
  options_.model.listener = options_.data.listener = listener;
  if (has_data && !options_.data.location.empty()) {
    return UsageError("training data are given, expected no --data besides");
  }
  for (const char* name : {"lora-export", "write-class-names"}) {
    if (set_.IsGiven(name) && options_.output.empty()) {
      return UsageError(
          absl::StrCat("--", name, ": found no --output; give it when the model is saved"));
    }
  }
  return model_.CheckModes(options_.modes);
}

absl::Status ModelTrainer::Begin(TrainerData data) {
  STROP_ASSIGN_OR_RETURN(
      session_, TrainingSession::Create(options_, {.model = prepared_,
                                                   .training = std::move(data.training),
                                                   .validation = std::move(data.validation)}));
  return absl::OkStatus();
}

absl::Status ModelTrainer::CheckBegun() const {
  if (prepared_ != model_.prepared()) {
    return UsageError(
        "the model was changed after its trainer was made, expected as it was; make another "
        "trainer");
  }
  if (session_ == nullptr) {
    return UsageError("the trainer has no training data, expected some; give them when it is made");
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<DataSource>> ModelTrainer::Open(const GivenData& data,
                                                               bool needs_weights) const {
  DataArguments arguments = options_.data;
  arguments.needs_weights = needs_weights;
  return OpenGivenFor(prepared_->model, data, arguments, session_->class_names());
}

absl::Status ModelTrainer::CheckGoesOn() const {
  STROP_RETURN_IF_ERROR(CheckBegun());
  if (!has_ended_) return absl::OkStatus();
  return UsageError("the training has ended, expected one that has not; make another trainer");
}

absl::StatusOr<SessionResult> ModelTrainer::Fit(const SessionCallbacks& callbacks) {
  STROP_RETURN_IF_ERROR(CheckGoesOn());
  if (has_stepped_) {
    return UsageError("the trainer has made steps by itself, expected none before a whole run");
  }
  if (!options_.output.empty()) {
    STROP_RETURN_IF_ERROR(CheckExportPath(prepared_->model, options_.output));
  }
  has_ended_ = true;
  SessionCallbacks heard = callbacks;
  if (!heard.on_finding) {
    heard.on_finding = [this](const HealthFinding& finding) {
      options_.model.listener.warning(finding.message);
    };
  }
  return HandOver(session_->Run(heard));
}

absl::StatusOr<StepReport> ModelTrainer::Step(const GivenData& batch) {
  if (session_ == nullptr) STROP_RETURN_IF_ERROR(Begin({.training = batch}));
  STROP_RETURN_IF_ERROR(CheckGoesOn());
  STROP_RETURN_IF_ERROR(CheckSingleSteps(set_));
  if (!AugmentationOptionsOf(options_.data.augmentation).are_default()) {
    return UsageError("options of augmentation are of whole runs, expected none for single steps");
  }
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> source, Open(batch, /*needs_weights=*/true));
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> tensors,
                         session_->trainer().BatchOf(std::move(source)));
  has_stepped_ = true;
  return session_->trainer().Step(tensors);
}

absl::StatusOr<SessionResult> ModelTrainer::Finish() {
  STROP_RETURN_IF_ERROR(CheckGoesOn());
  has_ended_ = true;
  return HandOver(session_->Finish());
}

absl::StatusOr<SessionResult> ModelTrainer::HandOver(absl::StatusOr<SessionResult> result) {
  STROP_RETURN_IF_ERROR(result.status());
  model_.set_class_names(session_->class_names());
  if (result->has_weights && !options_.output.empty()) {
    OptionTexts saving;
    for (const char* name : {"lora-export", "write-class-names"}) {
      if (set_.IsGiven(name)) saving.emplace_back(name, set_.at(name).given);
    }
    STROP_ASSIGN_OR_RETURN(const ExportNotes notes, model_.Save(options_.output, saving));
    options_.model.listener.TellNotes(notes.lines);
  }
  STROP_RETURN_IF_ERROR(result->end);
  STROP_RETURN_IF_ERROR(result->kept);
  return result;
}

absl::StatusOr<EvaluationResult> ModelTrainer::Evaluate(const GivenData* data) {
  STROP_RETURN_IF_ERROR(CheckBegun());
  if (data == nullptr) return session_->trainer().Evaluate();
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> source, Open(*data, /*needs_weights=*/false));
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Evaluator> evaluator,
                         session_->trainer().NewEvaluator(prepared_->model, std::move(source)));
  return session_->trainer().Evaluate(*evaluator);
}

absl::StatusOr<std::vector<NamedTensor>> ModelTrainer::Predict(const GivenData& data,
                                                               int64_t batch_size) {
  STROP_ASSIGN_OR_RETURN(Graph graph, model_.InferenceGraph());
  const std::vector<InputInterface> inputs = InputsOf(graph);
  DataOptions options = DataOptionsOf(options_.data);
  options.reads_labels = false;
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> source, OpenGiven(data, inputs, options));
  const std::string& said = options_.data.batch_size;
  if (batch_size == 0) batch_size = BatchSizeOf(said == "full" ? "" : said, model_.imported(), 32);
  const ModelOptions& of_model = model_.arguments().model;
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<ForwardPass> pass,
      ForwardPass::Create(std::move(graph), inputs, std::move(source), batch_size,
                          PaddingOptionsOf(options_.data), of_model.plan, of_model.seed));
  return GatherOutputs(*pass);
}

absl::StatusOr<std::string> ModelTrainer::State() {
  STROP_RETURN_IF_ERROR(CheckBegun());
  const Trainer& trainer = session_->trainer();
  STROP_ASSIGN_OR_RETURN(const Checkpoint checkpoint,
                         TakeCheckpoint(trainer.state(), *trainer.store()));
  return SerializeCheckpoint(checkpoint);
}

absl::Status ModelTrainer::SetState(std::string_view bytes) {
  STROP_RETURN_IF_ERROR(CheckBegun());
  // The run may keep parts of it, which the caller's bytes do not outlive.
  const auto owned = std::make_shared<const std::string>(bytes);
  STROP_ASSIGN_OR_RETURN(Checkpoint checkpoint, ParseCheckpoint(*owned, owned, "state"));
  Trainer& trainer = session_->trainer();
  STROP_RETURN_IF_ERROR(RestoreStore(checkpoint, *trainer.store()));
  trainer.set_state(std::move(checkpoint.state));
  return absl::OkStatus();
}

}  // namespace strop
