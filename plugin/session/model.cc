#include "plugin/session/model.h"

#include <onnx/onnx_pb.h>

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/model_file.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/outcome.h"
#include "plugin/session/export_trained.h"
#include "plugin/session/lora_export.h"

namespace strop {
namespace {

// Options that leave the file as it is.
bool OnlySelects(const OptionTexts& options) {
  return std::all_of(options.begin(), options.end(), [](const auto& option) {
    return option.first == "train" || option.first == "train-only" || option.first == "freeze";
  });
}

const Parameter* FindParameter(const ImportedModel& model, const std::string& name) {
  for (const Parameter& parameter : model.parameters) {
    if (parameter.name == name) return &parameter;
  }
  return nullptr;
}

absl::Status NoParameter(const std::string& name) {
  return absl::InvalidArgumentError(absl::StrCat(
      "parameter \"", name, "\": the model has none of that name; its parameters have the names"));
}

// Values of the graph; in the types that the file declares, where `is_narrowed` says so.
std::vector<InputInterface> InterfaceOf(
    const Graph& graph, const std::vector<ValueId>& values,
    const google::protobuf::RepeatedPtrField<onnx::ValueInfoProto>& declared, bool is_narrowed) {
  std::map<std::string, int> types;
  for (const onnx::ValueInfoProto& value : declared) {
    types[value.name()] = value.type().tensor_type().elem_type();
  }
  std::vector<InputInterface> interface;
  for (const ValueId id : values) {
    interface.push_back({graph.value(id).name, graph.value(id).type});
    const auto type = types.find(interface.back().name);
    if (!is_narrowed || type == types.end() || type->second == 0) continue;
    interface.back().type.element_type = static_cast<DataType>(type->second);
  }
  return interface;
}

// Takes an option back.
void Forget(const std::string& name, OptionSet& set) { set.at(name).given.clear(); }

}  // namespace

void AddModelOptions(OptionSet& set, ModelArguments& arguments) {
  AddReplaceHeadOption(set, arguments.model);
  AddSelectionOptions(set, arguments.model);
  AddLoraOptions(set, arguments.lora);
  AddQuantizeOptions(set, arguments.quantize);
  AddBatchNormOption(set, arguments.modes);
  AddPrecisionOption(set, arguments.model);
  AddThreadsOption(set, arguments.model);
  AddDisablePassOption(set, arguments.model);
  AddSeedOption(set, arguments.model);
}

void AddSaveOptions(OptionSet& set, SaveArguments& arguments) {
  AddLoraExportOption(set, arguments.lora);
  set.at("lora-export").needs.clear();  // which the model has, or has not
  AddWriteClassNamesOption(set, arguments.writes_class_names);
}

absl::StatusOr<std::unique_ptr<Model>> Model::Load(const std::string& path,
                                                   const OptionTexts& options, Listener listener) {
  return Create({.path = path, .listener = std::move(listener)}, options);
}

absl::StatusOr<std::unique_ptr<Model>> Model::LoadBytes(std::string bytes,
                                                        const OptionTexts& options,
                                                        Listener listener) {
  return Create(
      {.file = ModelFile::FromBytes(std::move(bytes), ""), .listener = std::move(listener)},
      options);
}

absl::StatusOr<std::unique_ptr<Model>> Model::Create(ModelOptions from,
                                                     const OptionTexts& options) {
  std::unique_ptr<Model> model(new Model);
  ModelOptions& loading = model->arguments_.model;
  loading.path = std::move(from.path);
  loading.file = std::move(from.file);
  loading.listener = std::move(from.listener);
  STROP_RETURN_IF_ERROR(GiveTexts(options, model->set_));
  STROP_RETURN_IF_ERROR(model->Prepare());
  return model;
}

absl::Status Model::Prepare() {
  STROP_ASSIGN_OR_RETURN(
      PreparedModel prepared,
      PrepareModel(arguments_.model, arguments_.lora, arguments_.quantize, arguments_.modes));
  STROP_ASSIGN_OR_RETURN(file_class_names_, KnownClassNames(DataArguments(), &prepared.model));
  prepared_ = std::make_shared<PreparedModel>(std::move(prepared));
  inference_.reset();
  return absl::OkStatus();
}

absl::Status Model::CheckModes(const ModeArguments& modes) const {
  const QuantizeArguments& quantize = arguments_.quantize;
  if (!FoldsBatchNormalization(quantize, arguments_.modes)) return absl::OkStatus();
  if (FoldsBatchNormalization(quantize, modes)) return absl::OkStatus();
  return UsageError(
      "--batch-norm train: the model's BatchNormalizations were folded when it was quantized; give "
      "it with --quantize");
}

OptionTexts Model::given() const {
  OptionTexts texts;
  for (const Option& option : set_.options()) {
    if (!option.given.empty()) texts.emplace_back(option.name, option.given);
  }
  return texts;
}

absl::Status Model::CheckMayChange(const OptionTexts& options) const {
  const bool has_learned = !prepared_->moved.empty();
  if (has_learned && (!prepared_->adapters.empty() || !arguments_.quantize.type.empty())) {
    return UsageError(
        "the model's adapters or roundings have been trained; save it, and change the model that "
        "is saved");
  }
  for (const auto& [name, texts] : options) {
    const Option* option = set_.Find(name);
    const bool is_fixed =
        name == "precision" || name == "seed" || name == "threads" || name == "disable-pass";
    const bool is_again = (name == "lora" && !prepared_->adapters.empty()) ||
                          (name == "quantize" && !arguments_.quantize.type.empty());
    if (option == nullptr || !(is_again || is_fixed)) continue;
    return UsageError(absl::StrCat(
        option->LongName(), is_again ? ": the model has it already" : ": give it when loading"));
  }
  return absl::OkStatus();
}

absl::Status Model::Change(const OptionTexts& options) {
  STROP_RETURN_IF_ERROR(CheckMayChange(options));
  const auto old_options = set_.options();
  const ModelArguments old_arguments = arguments_;
  const std::shared_ptr<PreparedModel> old_prepared = prepared_;
  const bool only_selects = OnlySelects(options);
  const auto change = [&]() -> absl::Status {
    if (!only_selects && !prepared_->moved.empty()) STROP_RETURN_IF_ERROR(Bake());
    for (const auto& [name, texts] : options) {
      Option* option = set_.Find(name);
      if (option != nullptr && !option->is_list()) option->given.clear();  // the new value counts
    }
    STROP_RETURN_IF_ERROR(GiveTexts(options, set_));
    return Prepare();
  };
  const absl::Status status = change();
  if (!status.ok()) {
    set_.options() = old_options;
    arguments_ = old_arguments;
    prepared_ = old_prepared;
    return status;
  }
  if (only_selects) TakeMoved(*old_prepared);
  return absl::OkStatus();
}

absl::Status Model::Bake() {
  STROP_ASSIGN_OR_RETURN(std::string bytes, Serialize());
  arguments_.model.file = ModelFile::FromBytes(std::move(bytes), *prepared_->model.file);
  // The new head is in the file now, and has learned.
  Forget("replace-head", set_);
  Forget("head-at", set_);
  arguments_.model.head_classes = 0;
  arguments_.model.head_at.clear();
  return absl::OkStatus();
}

void Model::TakeMoved(const PreparedModel& from) {
  for (const std::string& name : from.moved) {
    const Parameter* old_place = FindParameter(from.model, name);
    const Parameter* new_place = FindParameter(prepared_->model, name);
    if (old_place == nullptr || new_place == nullptr) continue;
    prepared_->model.graph.value(new_place->value).tensor =
        from.model.graph.value(old_place->value).tensor;
    prepared_->moved.insert(name);
  }
  prepared_->version = from.version + 1;
}

absl::StatusOr<Tensor> Model::ReadParameter(const std::string& name) const {
  const Parameter* parameter = FindParameter(prepared_->model, name);
  if (parameter == nullptr) return NoParameter(name);
  return prepared_->model.graph.value(parameter->value).tensor;
}

absl::Status Model::WriteParameter(const NamedTensor& elements) {
  const Parameter* parameter = FindParameter(prepared_->model, elements.name);
  if (parameter == nullptr) return NoParameter(elements.name);
  Value& value = prepared_->model.graph.value(parameter->value);
  const auto refuse = [&](const std::string& found, const std::string& expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("parameter \"", elements.name, "\": found ", found, ", expected ", expected));
  };
  if (value.kind != ValueKind::kState) {
    return refuse("a constant of the model", "what is trained; let it be trained first");
  }
  if (!IsFloating(elements.tensor.type())) {
    return refuse(std::string(DataTypeName(elements.tensor.type())), "floating numbers");
  }
  if (elements.tensor.shape() != value.tensor.shape()) {
    return refuse(absl::StrCat("shape ", ShapeName(elements.tensor.shape())),
                  ShapeName(value.tensor.shape()));
  }
  STROP_ASSIGN_OR_RETURN(const Tensor converted,
                         ConvertTensor(elements.tensor, value.type.element_type));
  value.tensor = converted.Clone();  // the caller's stay the caller's
  prepared_->moved.insert(elements.name);
  ++prepared_->version;
  return absl::OkStatus();
}

absl::StatusOr<PreparedModel> Model::ReadAgain(ModelOptions options) const {
  options.listener = Listener();  // it has been told
  STROP_ASSIGN_OR_RETURN(PreparedModel again, PrepareModel(options, arguments_.lora,
                                                           arguments_.quantize, arguments_.modes));
  std::map<std::string, const Tensor*> states;
  for (const Value& value : prepared_->model.graph.values) {
    if (value.kind == ValueKind::kState) states[value.name] = &value.tensor;
  }
  for (Value& value : again.model.graph.values) {
    const auto state = states.find(value.name);
    if (value.kind != ValueKind::kState || state == states.end()) continue;
    STROP_ASSIGN_OR_RETURN(value.tensor, ConvertTensor(*state->second, value.type.element_type));
  }
  return again;
}

absl::StatusOr<PreparedModel> Model::InTypesOfFile() const {
  ModelOptions options = arguments_.model;
  options.keeps_half_types = true;
  return ReadAgain(std::move(options));
}

absl::StatusOr<PreparedModel> Model::InDouble() const {
  ModelOptions options = arguments_.model;
  options.precision = "f64";
  return ReadAgain(std::move(options));
}

absl::StatusOr<Graph> Model::InferenceGraph() const {
  if (!is_narrowed()) return prepared_->model.graph;
  STROP_ASSIGN_OR_RETURN(PreparedModel narrow, InTypesOfFile());
  return std::move(narrow.model.graph);
}

absl::StatusOr<Session*> Model::Inference() {
  if (inference_ != nullptr && inference_version_ == prepared_->version) return inference_.get();
  STROP_ASSIGN_OR_RETURN(Graph graph, InferenceGraph());
  STROP_ASSIGN_OR_RETURN(
      inference_,
      Session::Create(std::move(graph), std::make_shared<StateStore>(), arguments_.model.plan));
  inference_version_ = prepared_->version;
  return inference_.get();
}

std::vector<InputInterface> Model::inputs() const {
  const Graph& graph = prepared_->model.graph;
  return InterfaceOf(graph, graph.inputs, prepared_->model.model->graph().input(), is_narrowed());
}

std::vector<InputInterface> Model::outputs() const {
  const Graph& graph = prepared_->model.graph;
  return InterfaceOf(graph, graph.outputs, prepared_->model.model->graph().output(), is_narrowed());
}

absl::StatusOr<std::vector<NamedTensor>> Model::Run(const std::vector<NamedTensor>& inputs) {
  STROP_ASSIGN_OR_RETURN(Session * session, Inference());
  STROP_ASSIGN_OR_RETURN(const std::vector<Tensor> feeds,
                         FeedsByName(session->graph(), inputs, "inputs"));
  session->set_seed(arguments_.model.seed);
  session->set_step(0);  // the same random numbers each time
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> results, session->Run(feeds));
  std::vector<NamedTensor> outputs;
  for (size_t i = 0; i < results.size(); ++i) {
    const ValueId id = session->graph().outputs[i];
    outputs.push_back({session->graph().value(id).name, results[i].Clone()});
  }
  return outputs;
}

std::map<std::string, TensorMaker> Model::Trained() const {
  std::map<std::string, TensorMaker> trained;
  for (const Parameter& parameter : prepared_->model.parameters) {
    const Value& value = prepared_->model.graph.value(parameter.value);
    const bool moves =
        value.kind == ValueKind::kState && parameter.role != Parameter::Role::kFrozen;
    if (!moves && !prepared_->moved.contains(parameter.name)) continue;
    trained[parameter.name] = [tensor = value.tensor]() -> absl::StatusOr<Tensor> {
      return tensor;
    };
  }
  return trained;
}

std::shared_ptr<const StateStore> Model::States() const {
  if (prepared_->adapters.empty() && arguments_.quantize.type.empty()) return nullptr;
  auto store = std::make_shared<StateStore>();
  for (const Value& value : prepared_->model.graph.values) {
    if (value.kind == ValueKind::kState) (void)store->FindOrAdd(value);  // new: cannot be refused
  }
  return store;
}

absl::StatusOr<ExportNotes> Model::Save(const std::string& path, const OptionTexts& options) {
  OptionSet set;
  SaveArguments arguments;
  AddSaveOptions(set, arguments);
  STROP_RETURN_IF_ERROR(GiveTexts(options, set));
  if (set.IsGiven("lora-export") && prepared_->adapters.empty()) {
    return UsageError("--lora-export: the model has no adapters");
  }
  ImportedModel model = prepared_->model;
  STROP_RETURN_IF_ERROR(NameExportedClasses(arguments.writes_class_names, class_names_,
                                            arguments_.model.listener, model));
  std::unique_ptr<LoraExport> lora;
  if (!prepared_->adapters.empty()) {
    LoraArguments form = arguments_.lora;
    form.export_as = arguments.lora.export_as;
    STROP_ASSIGN_OR_RETURN(
        lora, MakeLoraExport(form, arguments_.modes, model, prepared_->adapters, path));
  }
  return ExportTrained(model, Trained(), States(), lora.get(), prepared_->quantized, path);
}

absl::StatusOr<std::string> Model::Serialize() const {
  return SerializeTrained(*prepared_, Trained(), States());
}

}  // namespace strop
