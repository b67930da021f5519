#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "plugin/data/given_data.h"
#include "plugin/options/listener.h"
#include "plugin/options/table/option_texts.h"
#include "plugin/options/train_arguments.h"
#include "plugin/session/model.h"
#include "plugin/session/training_session.h"

namespace strop {

// What a trainer is given to train on and to validate with; absent where its options say where the
// data lie, or where there is none.
struct TrainerData {
  std::optional<GivenData> training;
  std::optional<GivenData> validation;
};

// A training of a Model for a host program. The trainer starts from the model's weights and has its
// own until Fit or Finish, which give them back. Not thread-safe.
class ModelTrainer {
 public:
  // `options` are those of `strop train`; what a model is given is refused. Without any training
  // data only Step can be called, and an epoch is one step. `loss` takes the place of the options'
  // and of what belongs to it; null: theirs. The model has to outlive the trainer.
  static absl::StatusOr<std::unique_ptr<ModelTrainer>> Create(
      Model& model, TrainerData data, const OptionTexts& options, const Listener& listener,
      std::shared_ptr<const HostLoss> loss = nullptr);

  // The run to its end, with the option `output` to a file, too. An error is also what ended it
  // before its time; the model then has the weights of the last good epoch, if there was one.
  // UsageError after steps, or a second time.
  absl::StatusOr<SessionResult> Fit(const SessionCallbacks& callbacks);

  // One step on samples of the caller's.
  absl::StatusOr<StepReport> Step(const GivenData& batch);
  // Chooses weights, after steps, as the end of a run does, and gives them to the model.
  absl::StatusOr<SessionResult> Finish();

  // Loss and metrics of data, or of the validation data, with the weights of now.
  absl::StatusOr<EvaluationResult> Evaluate(const GivenData* data);

  // The model's outputs by name for samples as training sees them: scaled, resized, cut. Targets are
  // passed over. With the model's weights, which are not those of steps before Finish. A batch size
  // of 0 is that of the options, or 32.
  absl::StatusOr<std::vector<NamedTensor>> Predict(const GivenData& data, int64_t batch_size = 0);

  // What a run goes on from, as bytes; see Checkpoint.
  absl::StatusOr<std::string> State();
  absl::Status SetState(std::string_view bytes);

 private:
  explicit ModelTrainer(Model& model) : model_(model) {}

  absl::Status TakeOptions(const OptionTexts& options, bool has_data, const Listener& listener,
                           std::shared_ptr<const HostLoss> loss);
  absl::Status Begin(TrainerData data);
  // That the model is the one that the trainer was made of, and there is a session.
  absl::Status CheckBegun() const;
  absl::Status CheckGoesOn() const;
  absl::StatusOr<std::unique_ptr<DataSource>> Open(const GivenData& data, bool needs_weights) const;
  absl::StatusOr<SessionResult> HandOver(absl::StatusOr<SessionResult> result);

  Model& model_;
  OptionSet set_;
  TrainOptions options_;
  std::shared_ptr<PreparedModel> prepared_;   // of the model as it was
  std::unique_ptr<TrainingSession> session_;  // null until there are data
  bool has_stepped_ = false;
  bool has_ended_ = false;
};

}  // namespace strop
