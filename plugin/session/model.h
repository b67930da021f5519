#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "exporter/exporter.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/data/model_binding.h"
#include "plugin/engine/runtime/session.h"
#include "plugin/options/listener.h"
#include "plugin/options/table/option_texts.h"
#include "plugin/session/prepared_model.h"

namespace strop {

// All that a model is given before it trains, as typed.
struct ModelArguments {
  ModelOptions model;
  LoraArguments lora;
  QuantizeArguments quantize;
  ModeArguments modes;  // batch_norm, for what is folded, and for PEFT's files
};

// The rows of these options, MODEL excepted.
void AddModelOptions(OptionSet& set, ModelArguments& arguments);

// How a model is written, as typed.
struct SaveArguments {
  LoraArguments lora;
  bool writes_class_names = false;
};
void AddSaveOptions(OptionSet& set, SaveArguments& arguments);

// A model in the hands of a host program: a file and what was done to it, with the weights that
// trainings left in it. Not thread-safe.
class Model {
 public:
  // `options` of AddModelOptions. The listener is told what is done to the model, now and later.
  // Errors as of LoadModel, and UsageError for options that have no meaning.
  static absl::StatusOr<std::unique_ptr<Model>> Load(const std::string& path,
                                                     const OptionTexts& options, Listener listener);
  // A serialized ModelProto; NotFound for one with external data.
  static absl::StatusOr<std::unique_ptr<Model>> LoadBytes(std::string bytes,
                                                          const OptionTexts& options,
                                                          Listener listener);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const ImportedModel& imported() const { return prepared_->model; }
  // For trainings; another object when Change has succeeded.
  const std::shared_ptr<PreparedModel>& prepared() const { return prepared_; }
  const ModelArguments& arguments() const { return arguments_; }
  // UsageError for BatchNormalizations that are to be trained and were folded away.
  absl::Status CheckModes(const ModeArguments& modes) const;
  // What the model was given, for the record of a run.
  OptionTexts given() const;

  // Gives the model more of these options. Weights that have moved stay; where the file itself
  // changes, they become its own first. UsageError for adapters, rounding or types of numbers a
  // second time, and for anything once adapters or ranges of rounding have learned. After an error
  // the model is as it was.
  absl::Status Change(const OptionTexts& options);

  // The model of now in other types: those of the file, or double throughout.
  absl::StatusOr<PreparedModel> InTypesOfFile() const;
  absl::StatusOr<PreparedModel> InDouble() const;

  // Elements of a parameter, as they are now, in the type that the model computes in; and others in
  // their place, of its shape and any floating type. InvalidArgument for a name that is none, and
  // for writing what is a constant to the model.
  absl::StatusOr<Tensor> ReadParameter(const std::string& name) const;
  absl::Status WriteParameter(const NamedTensor& elements);

  // The inputs and outputs as the file has them, or in double where everything is.
  std::vector<InputInterface> inputs() const;
  std::vector<InputInterface> outputs() const;
  // What inference computes, in the types of the file, with the weights of now.
  absl::StatusOr<Graph> InferenceGraph() const;
  // Inference: an array for every input, by name; every output out.
  absl::StatusOr<std::vector<NamedTensor>> Run(const std::vector<NamedTensor>& inputs);

  // Writes the file with the weights of now. `options` of AddSaveOptions. Errors as of ExportModel.
  absl::StatusOr<ExportNotes> Save(const std::string& path, const OptionTexts& options);
  // The same in memory, adapters merged, external data taken in.
  absl::StatusOr<std::string> Serialize() const;

  // Of the data that it was trained on, else those in the file's metadata; empty where none are
  // known.
  const std::vector<std::string>& class_names() const {
    return class_names_.empty() ? file_class_names_ : class_names_;
  }
  // Of the data that it was trained on, for Save.
  void set_class_names(std::vector<std::string> names) { class_names_ = std::move(names); }

 private:
  Model() { AddModelOptions(set_, arguments_); }

  static absl::StatusOr<std::unique_ptr<Model>> Create(ModelOptions from,
                                                       const OptionTexts& options);
  absl::Status Prepare();
  // Whether the model computes in wider types than the file's, and inference does not.
  bool is_narrowed() const {
    return prepared_->model.is_widened && arguments_.model.precision != "f64";
  }
  absl::Status CheckMayChange(const OptionTexts& options) const;
  // Makes the weights that have moved those of the file.
  absl::Status Bake();
  // Puts what has moved in `from` into the same parameters of the model.
  void TakeMoved(const PreparedModel& from);
  // The model as other options read it, with the states of now.
  absl::StatusOr<PreparedModel> ReadAgain(ModelOptions options) const;
  // The session of the weights of now.
  absl::StatusOr<Session*> Inference();
  std::map<std::string, TensorMaker> Trained() const;
  // For adapters and ranges; null without.
  std::shared_ptr<const StateStore> States() const;

  OptionSet set_;
  ModelArguments arguments_;
  std::shared_ptr<PreparedModel> prepared_;
  std::vector<std::string> class_names_;
  std::vector<std::string> file_class_names_;
  std::unique_ptr<Session> inference_;  // null until it is asked for
  int64_t inference_version_ = 0;       // prepared_->version that it has
};

}  // namespace strop
