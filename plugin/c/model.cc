#include "plugin/c/model.h"

#include <onnx/onnx_pb.h>

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/graph_index.h"
#include "graph/status_macros.h"
#include "plugin/c/listener.h"
#include "plugin/c/options.h"
#include "plugin/c/status.h"
#include "plugin/c/tensors.h"

namespace strop {
namespace {

std::vector<strop_value> ViewsOf(const std::vector<InputInterface>& values) {
  std::vector<strop_value> views;
  for (const InputInterface& value : values) {
    const auto& shape = value.type.shape;
    views.push_back({.name = value.name.c_str(),
                     .type = static_cast<strop_type>(value.type.element_type),
                     .rank = shape ? shape->size() : 0,
                     .shape = shape ? shape->data() : nullptr});
  }
  return views;
}

strop_role RoleOf(Parameter::Role role) {
  switch (role) {
    case Parameter::Role::kTrained:
      return STROP_TRAINED;
    case Parameter::Role::kFrozen:
      return STROP_FROZEN;
    case Parameter::Role::kStatistics:
      return STROP_STATISTICS;
  }
  return STROP_FROZEN;
}

// The first node that reads a value; -1 where none does.
int64_t PositionOf(ValueId value, const GraphIndex& index) {
  const absl::Span<const GraphIndex::Reader> readers = index.readers(value);
  return readers.empty() ? -1 : static_cast<int64_t>(readers.front().node);
}

// After everything that changes what the model has.
void Look(strop_model& handle) {
  handle.inputs = handle.model->inputs();
  handle.outputs = handle.model->outputs();
  handle.input_views = ViewsOf(handle.inputs);
  handle.output_views = ViewsOf(handle.outputs);
  handle.metadata_views.clear();
  handle.parameter_views.clear();
  const ImportedModel& model = handle.model->imported();
  for (const onnx::StringStringEntryProto& entry : model.model->metadata_props()) {
    handle.metadata_views.push_back({.name = entry.key().c_str(), .value = entry.value().c_str()});
  }
  const GraphIndex index(model.graph);
  for (const Parameter& parameter : model.parameters) {
    const Shape& shape = model.graph.value(parameter.value).tensor.shape();
    handle.parameter_views.push_back({.name = parameter.name.c_str(),
                                      .type = static_cast<strop_type>(parameter.type),
                                      .rank = shape.size(),
                                      .shape = shape.data(),
                                      .role = RoleOf(parameter.role),
                                      .reason = parameter.reason.c_str(),
                                      .position = PositionOf(parameter.value, index)});
  }
}

absl::Status Give(std::unique_ptr<Model> model, strop_model** handle) {
  auto made = std::make_unique<strop_model>();
  made->model = std::move(model);
  Look(*made);
  *handle = made.release();
  return absl::OkStatus();
}

strop_status Change(strop_model* handle, const OptionTexts& options) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{handle, "model"}}));
    STROP_RETURN_IF_ERROR(handle->model->Change(options));
    Look(*handle);
    return absl::OkStatus();
  });
}

strop_status ChangeByPattern(strop_model* handle, const char* option, const char* pattern) {
  const strop_status status = Call([&] { return CheckGiven({{pattern, "pattern"}}); });
  return status != STROP_OK ? status : Change(handle, {{option, {pattern}}});
}

strop_status ChangeByOptions(strop_model* handle, const strop_option* options, size_t count) {
  OptionTexts texts;
  const strop_status status = Call([&]() -> absl::Status {
    STROP_ASSIGN_OR_RETURN(texts, TakeOptions(options, count));
    return absl::OkStatus();
  });
  return status != STROP_OK ? status : Change(handle, texts);
}

// What of a model C sees; nothing of none.
template <typename View>
size_t Count(const strop_model* model, std::vector<View> strop_model::*views) {
  return model == nullptr ? 0 : (model->*views).size();
}

template <typename View>
const View* At(const strop_model* model, std::vector<View> strop_model::*views, size_t index) {
  return index < Count(model, views) ? &(model->*views)[index] : nullptr;
}

}  // namespace
}  // namespace strop

using strop::Call;
using strop::CheckGiven;

extern "C" {

strop_status strop_model_load(const char* path, const strop_option* options, size_t option_count,
                              const strop_listener* listener, strop_model** model) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{path, "path"}, {model, "model"}}));
    STROP_ASSIGN_OR_RETURN(const auto texts, strop::TakeOptions(options, option_count));
    STROP_ASSIGN_OR_RETURN(auto loaded,
                           strop::Model::Load(path, texts, strop::ListenerOf(listener)));
    return strop::Give(std::move(loaded), model);
  });
}

strop_status strop_model_load_bytes(const void* bytes, size_t size, const strop_option* options,
                                    size_t option_count, const strop_listener* listener,
                                    strop_model** model) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{bytes, "bytes"}, {model, "model"}}));
    STROP_ASSIGN_OR_RETURN(const auto texts, strop::TakeOptions(options, option_count));
    STROP_ASSIGN_OR_RETURN(
        auto loaded, strop::Model::LoadBytes(std::string(static_cast<const char*>(bytes), size),
                                             texts, strop::ListenerOf(listener)));
    return strop::Give(std::move(loaded), model);
  });
}

void strop_model_free(strop_model* model) { delete model; }

size_t strop_model_input_count(const strop_model* model) {
  return strop::Count(model, &strop_model::input_views);
}

const strop_value* strop_model_input(const strop_model* model, size_t index) {
  return strop::At(model, &strop_model::input_views, index);
}

size_t strop_model_output_count(const strop_model* model) {
  return strop::Count(model, &strop_model::output_views);
}

const strop_value* strop_model_output(const strop_model* model, size_t index) {
  return strop::At(model, &strop_model::output_views, index);
}

size_t strop_model_metadata_count(const strop_model* model) {
  return strop::Count(model, &strop_model::metadata_views);
}

const strop_metadata* strop_model_metadata(const strop_model* model, size_t index) {
  return strop::At(model, &strop_model::metadata_views, index);
}

size_t strop_model_class_count(const strop_model* model) {
  return model == nullptr ? 0 : model->model->class_names().size();
}

const char* strop_model_class_name(const strop_model* model, size_t index) {
  return index < strop_model_class_count(model) ? model->model->class_names()[index].c_str()
                                                : nullptr;
}

size_t strop_model_parameter_count(const strop_model* model) {
  return strop::Count(model, &strop_model::parameter_views);
}

const strop_parameter* strop_model_parameter(const strop_model* model, size_t index) {
  return strop::At(model, &strop_model::parameter_views, index);
}

strop_status strop_model_read_parameter(const strop_model* model, const char* name,
                                        strop_tensors** elements) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{model, "model"}, {name, "name"}, {elements, "elements"}}));
    STROP_ASSIGN_OR_RETURN(const strop::Tensor tensor, model->model->ReadParameter(name));
    *elements = strop::GiveTensors({{name, tensor}});
    return absl::OkStatus();
  });
}

strop_status strop_model_write_parameter(strop_model* model, const strop_tensor* elements) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{model, "model"}, {elements, "elements"}}));
    STROP_ASSIGN_OR_RETURN(const auto taken,
                           strop::TakeTensors(elements, 1, "elements", strop::Elements::kBorrowed));
    return model->model->WriteParameter(taken[0]);
  });
}

strop_status strop_model_train(strop_model* model, const char* pattern) {
  return strop::ChangeByPattern(model, "train", pattern);
}

strop_status strop_model_train_only(strop_model* model, const char* pattern) {
  return strop::ChangeByPattern(model, "train-only", pattern);
}

strop_status strop_model_freeze(strop_model* model, const char* pattern) {
  return strop::ChangeByPattern(model, "freeze", pattern);
}

strop_status strop_model_replace_head(strop_model* model, int64_t classes, const char* at) {
  strop::OptionTexts options = {{"replace-head", {absl::StrCat(classes)}}};
  if (at != nullptr) options.push_back({"head-at", {at}});
  return strop::Change(model, options);
}

strop_status strop_model_add_lora(strop_model* model, const strop_option* options,
                                  size_t option_count) {
  return strop::ChangeByOptions(model, options, option_count);
}

strop_status strop_model_quantize(strop_model* model, const strop_option* options,
                                  size_t option_count) {
  return strop::ChangeByOptions(model, options, option_count);
}

strop_status strop_model_run(strop_model* model, const strop_tensor* inputs, size_t input_count,
                             strop_tensors** outputs) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{model, "model"}, {outputs, "outputs"}}));
    STROP_ASSIGN_OR_RETURN(const auto taken, strop::TakeTensors(inputs, input_count, "inputs",
                                                                strop::Elements::kBorrowed));
    STROP_ASSIGN_OR_RETURN(auto results, model->model->Run(taken));
    *outputs = strop::GiveTensors(std::move(results));
    return absl::OkStatus();
  });
}

strop_status strop_model_save(strop_model* model, const char* path, const strop_option* options,
                              size_t option_count) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{model, "model"}, {path, "path"}}));
    STROP_ASSIGN_OR_RETURN(const auto texts, strop::TakeOptions(options, option_count));
    STROP_ASSIGN_OR_RETURN(const auto notes, model->model->Save(path, texts));
    model->model->arguments().model.listener.TellNotes(notes.lines);
    return absl::OkStatus();
  });
}

strop_status strop_model_serialize(strop_model* model, strop_bytes** bytes) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{model, "model"}, {bytes, "bytes"}}));
    STROP_ASSIGN_OR_RETURN(std::string serialized, model->model->Serialize());
    *bytes = strop::GiveBytes(std::move(serialized));
    return absl::OkStatus();
  });
}

}  // extern "C"
