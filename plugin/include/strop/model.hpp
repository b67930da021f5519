#ifndef STROP_MODEL_HPP_
#define STROP_MODEL_HPP_

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "strop/options.hpp"
#include "strop/tensor.hpp"

namespace strop {
inline namespace interface {

// An input or output of a model.
struct Value {
  std::string name;
  strop_type type;
  std::optional<Shape> shape;  // an open dimension is -1; none: the rank is open, too
};

// A floating constant of a model.
struct Parameter {
  std::string name;
  strop_type type;  // as the file has it
  Shape shape;
  strop_role role;
  std::string reason;  // "weight of \"conv1\" (Conv)"
  int64_t position;    // the first node that reads it, as nodes are computed; -1: none does
};

// An ONNX model, whose weights are what trainers made of them. Moved, not copied.
class Model {
 public:
  // From a file; external data lie beside it. Options: precision, seed, threads, disable-pass;
  // train, train-only, freeze; replace-head, head-at; lora…; quantize…; batch-norm.
  // STROP_NO_INPUT where there is no file, STROP_BAD_DATA for one that cannot be used.
  explicit Model(const std::filesystem::path& path, const Options& options = {},
                 Listener listener = {})
      : Model(std::move(listener), [&](const strop_listener& heard, strop_model** model) {
          const std::vector<strop_option> list = detail::COptions(options);
          return strop_model_load(path.c_str(), list.data(), list.size(), &heard, model);
        }) {}
  // From a serialized ModelProto, which is copied and holds its tensors itself.
  static Model FromBytes(std::span<const std::byte> bytes, const Options& options = {},
                         Listener listener = {}) {
    return Model(std::move(listener), [&](const strop_listener& heard, strop_model** model) {
      const std::vector<strop_option> list = detail::COptions(options);
      return strop_model_load_bytes(bytes.data(), bytes.size(), list.data(), list.size(), &heard,
                                    model);
    });
  }
  Model(Model&&) = default;
  Model& operator=(Model&&) = default;

  std::vector<Value> inputs() const {
    return Values(strop_model_input_count(get()), strop_model_input);
  }
  std::vector<Value> outputs() const {
    return Values(strop_model_output_count(get()), strop_model_output);
  }
  // The file's own names and values, in its order.
  std::vector<std::pair<std::string, std::string>> metadata() const {
    std::vector<std::pair<std::string, std::string>> metadata;
    for (size_t i = 0; i < strop_model_metadata_count(get()); ++i) {
      const strop_metadata& found = *strop_model_metadata(get(), i);
      metadata.emplace_back(found.name, found.value);
    }
    return metadata;
  }
  // Of the data that it was trained on, else of the file's metadata; empty where none are known.
  std::vector<std::string> class_names() const {
    std::vector<std::string> names;
    for (size_t i = 0; i < strop_model_class_count(get()); ++i) {
      names.emplace_back(strop_model_class_name(get(), i));
    }
    return names;
  }
  std::vector<Parameter> parameters() const {
    std::vector<Parameter> parameters;
    for (size_t i = 0; i < strop_model_parameter_count(get()); ++i) {
      const strop_parameter& found = *strop_model_parameter(get(), i);
      parameters.push_back({found.name, found.type, Shape(found.shape, found.shape + found.rank),
                            found.role, found.reason, found.position});
    }
    return parameters;
  }

  // A parameter's elements as they are now.
  Tensor ReadParameter(const std::string& name) const {
    return detail::MadeTensors([&](strop_tensors** elements) {
      return strop_model_read_parameter(get(), name.c_str(), elements);
    })[0];
  }
  // Others in their place, of the same name and shape.
  void WriteParameter(const TensorView& elements) {
    const strop_tensor tensor = elements.c_tensor();
    detail::Check(strop_model_write_parameter(get(), &tensor));
  }

  // What is trained, by patterns of names with * and ?. Each adds to those before; freeze has the
  // last word.
  void Train(const std::string& pattern) {
    detail::Check(strop_model_train(get(), pattern.c_str()));
  }
  void TrainOnly(const std::string& pattern) {
    detail::Check(strop_model_train_only(get(), pattern.c_str()));
  }
  void Freeze(const std::string& pattern) {
    detail::Check(strop_model_freeze(get(), pattern.c_str()));
  }
  // A classifier of `classes` outputs in place of the model's last layer, or at the value `at`.
  void ReplaceHead(int64_t classes, const std::string& at = "") {
    detail::Check(strop_model_replace_head(get(), classes, at.empty() ? nullptr : at.c_str()));
  }
  // Options: lora, lora-rank, lora-alpha, …
  void AddLora(const Options& options) {
    const std::vector<strop_option> list = detail::COptions(options);
    detail::Check(strop_model_add_lora(get(), list.data(), list.size()));
  }
  // Options: quantize, quantize-exclude, …; batch-norm.
  void Quantize(const Options& options) {
    const std::vector<strop_option> list = detail::COptions(options);
    detail::Check(strop_model_quantize(get(), list.data(), list.size()));
  }

  // Inference: every input by its name, every output out.
  Tensors Run(const std::vector<TensorView>& inputs) {
    const std::vector<strop_tensor> given = detail::CTensors(inputs);
    return detail::MadeTensors([&](strop_tensors** outputs) {
      return strop_model_run(get(), given.data(), given.size(), outputs);
    });
  }
  // cotangentᵀ · ∂outputs/∂wrt; without cotangents ones, without names of inputs and parameters all
  // floating inputs and all that is trained.
  Tensors Gradient(const std::vector<TensorView>& inputs,
                   const std::vector<TensorView>& cotangents = {},
                   const std::vector<std::string>& wrt = {}) {
    const std::vector<strop_tensor> given = detail::CTensors(inputs);
    const std::vector<strop_tensor> weights = detail::CTensors(cotangents);
    std::vector<const char*> names;
    for (const std::string& name : wrt) names.push_back(name.c_str());
    return detail::MadeTensors([&](strop_tensors** gradients) {
      return strop_model_gradient(get(), given.data(), given.size(), weights.data(), weights.size(),
                                  names.data(), names.size(), gradients);
    });
  }
  // Gradients against finite differences in double precision, as JSON; without inputs random ones.
  std::string Check(const std::vector<TensorView>& inputs = {}, double tolerance = 1e-4) {
    const std::vector<strop_tensor> given = detail::CTensors(inputs);
    return detail::MadeText([&](strop_bytes** json) {
      return strop_model_check(get(), given.data(), given.size(), tolerance, json);
    });
  }

  // The file it came from with the weights of now. Options: lora-export, write-class-names.
  void Save(const std::filesystem::path& path, const Options& options = {}) {
    const std::vector<strop_option> list = detail::COptions(options);
    detail::Check(strop_model_save(get(), path.c_str(), list.data(), list.size()));
  }
  // The same in memory, external data taken in. STROP_BAD_DATA beyond protobuf's 2 GiB.
  Bytes Serialize() {
    return detail::MadeBytes(
        [&](strop_bytes** bytes) { return strop_model_serialize(get(), bytes); });
  }

  strop_model* get() const { return handle_.get(); }
  // For what has to keep the model.
  const std::shared_ptr<strop_model>& handle() const { return handle_; }

 private:
  template <typename Load>
  Model(Listener&& listener, const Load& load)
      : handle_(detail::MadeWith<strop_model>(std::move(listener), strop_model_free, load)) {}

  template <typename At>
  std::vector<Value> Values(size_t count, const At& at) const {
    std::vector<Value> values;
    for (size_t i = 0; i < count; ++i) {
      const strop_value& found = *at(get(), i);
      Value value = {found.name, found.type, std::nullopt};
      if (found.shape != nullptr) value.shape.emplace(found.shape, found.shape + found.rank);
      values.push_back(std::move(value));
    }
    return values;
  }

  std::shared_ptr<strop_model> handle_;
};

}  // namespace interface
}  // namespace strop

#endif  // STROP_MODEL_HPP_
