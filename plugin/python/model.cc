#include "plugin/python/model.h"

#include <nanobind/stl/shared_ptr.h>

#include <filesystem>
#include <memory>

#include "plugin/python/arrays.h"
#include "plugin/python/module.h"
#include "plugin/python/types.h"

namespace strop {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

const char* RoleNameOf(strop_role role) {
  switch (role) {
    case STROP_TRAINED:
      return "trained";
    case STROP_FROZEN:
      return "frozen";
    case STROP_STATISTICS:
      return "statistics";
  }
  return "";
}

ValueList GiveValues(const std::vector<Value>& values) {
  ValueList given;
  for (const Value& value : values) {
    nb::object shape = nb::none();
    if (value.shape) {
      nb::list dimensions;
      for (const int64_t dimension : *value.shape) {
        dimensions.append(dimension < 0 ? nb::none() : nb::object(nb::int_(dimension)));
      }
      shape = nb::tuple(dimensions);
    }
    given.append(nb::make_tuple(value.name, NameOf(value.type), shape));
  }
  return given;
}

MetadataDict GiveMetadata(const std::vector<std::pair<std::string, std::string>>& metadata) {
  MetadataDict given;
  for (const auto& [name, value] : metadata) given[TextOf(name)] = TextOf(value);
  return given;
}

ParameterList GiveParameters(const std::vector<Parameter>& parameters) {
  ParameterList given;
  for (const Parameter& parameter : parameters) {
    nb::list dimensions;
    for (const int64_t dimension : parameter.shape) dimensions.append(dimension);
    given.append(nb::make_tuple(parameter.name, NameOf(parameter.type), nb::tuple(dimensions),
                                RoleNameOf(parameter.role), parameter.reason, parameter.position));
  }
  return given;
}

std::shared_ptr<PythonModel> Load(const PathText& path, const OptionPairs& options,
                                  LineFunction note, LineFunction warning,
                                  ProgressFunction progress) {
  Listener listener = ListenerOf(std::move(note), std::move(warning), std::move(progress));
  const std::filesystem::path file = PathOf(path);
  const nb::gil_scoped_release released;
  return std::make_shared<PythonModel>(Model(file, OptionsOf(options), std::move(listener)));
}

std::shared_ptr<PythonModel> LoadBytes(const nb::object& bytes, const OptionPairs& options,
                                       LineFunction note, LineFunction warning,
                                       ProgressFunction progress) {
  std::vector<Array> kept;
  const TensorView view = ViewOf("model", bytes, kept);
  const std::span<const std::byte> span(static_cast<const std::byte*>(view.data()),
                                        view.byte_count());
  Listener listener = ListenerOf(std::move(note), std::move(warning), std::move(progress));
  const nb::gil_scoped_release released;
  return std::make_shared<PythonModel>(
      Model::FromBytes(span, OptionsOf(options), std::move(listener)));
}

NumpyArrays Run(PythonModel& self, const GivenArrays& inputs) {
  const NamedArrays given = ArraysOf(inputs);
  return GiveArrays(InTurn(self.turn, [&] { return self.model.Run(given.views); }));
}

NumpyArrays Gradient(PythonModel& self, const GivenArrays& inputs, const GivenArrays& cotangents,
                     const std::vector<std::string>& wrt) {
  const NamedArrays given = ArraysOf(inputs);
  const NamedArrays weights = ArraysOf(cotangents);
  return GiveArrays(
      InTurn(self.turn, [&] { return self.model.Gradient(given.views, weights.views, wrt); }));
}

std::string Check(PythonModel& self, const GivenArrays& inputs, double tolerance) {
  const NamedArrays given = ArraysOf(inputs);
  return InTurn(self.turn, [&] { return self.model.Check(given.views, tolerance); });
}

NumpyArray ReadParameter(PythonModel& self, const std::string& name) {
  return GiveArray(InTurn(self.turn, [&] { return self.model.ReadParameter(name); }));
}

void WriteParameter(PythonModel& self, const std::string& name, const nb::object& elements) {
  std::vector<Array> kept;
  const TensorView view = ViewOf(name, elements, kept);
  InTurn(self.turn, [&] { self.model.WriteParameter(view); });
}

void Save(PythonModel& self, const PathText& path, const OptionPairs& options) {
  const std::filesystem::path file = PathOf(path);
  InTurn(self.turn, [&] { self.model.Save(file, OptionsOf(options)); });
}

nb::bytes Serialize(PythonModel& self) {
  const Bytes bytes = InTurn(self.turn, [&] { return self.model.Serialize(); });
  return nb::bytes(bytes.span().data(), bytes.span().size());
}

}  // namespace

void AddModel(nb::module_& module) {
  nb::class_<PythonModel>(module, "Model", "An ONNX model; strop.Model is over it.")
      .def_static("load", &Load, "path"_a, "options"_a = OptionPairs(), "note"_a = nb::none(),
                  "warning"_a = nb::none(), "progress"_a = nb::none())
      .def_static("load_bytes", &LoadBytes, "bytes"_a, "options"_a = OptionPairs(),
                  "note"_a = nb::none(), "warning"_a = nb::none(), "progress"_a = nb::none())
      .def("inputs",
           [](PythonModel& self) {
             return GiveValues(InTurn(self.turn, [&] { return self.model.inputs(); }));
           })
      .def("outputs",
           [](PythonModel& self) {
             return GiveValues(InTurn(self.turn, [&] { return self.model.outputs(); }));
           })
      .def("metadata",
           [](PythonModel& self) {
             return GiveMetadata(InTurn(self.turn, [&] { return self.model.metadata(); }));
           })
      .def("class_names",
           [](PythonModel& self) {
             return InTurn(self.turn, [&] { return self.model.class_names(); });
           })
      .def("parameters",
           [](PythonModel& self) {
             return GiveParameters(InTurn(self.turn, [&] { return self.model.parameters(); }));
           })
      .def("read_parameter", &ReadParameter, "name"_a)
      .def("write_parameter", &WriteParameter, "name"_a, "elements"_a)
      .def(
          "train",
          [](PythonModel& self, const std::string& pattern) {
            InTurn(self.turn, [&] { self.model.Train(pattern); });
          },
          "pattern"_a)
      .def(
          "train_only",
          [](PythonModel& self, const std::string& pattern) {
            InTurn(self.turn, [&] { self.model.TrainOnly(pattern); });
          },
          "pattern"_a)
      .def(
          "freeze",
          [](PythonModel& self, const std::string& pattern) {
            InTurn(self.turn, [&] { self.model.Freeze(pattern); });
          },
          "pattern"_a)
      .def(
          "replace_head",
          [](PythonModel& self, int64_t classes, const std::string& at) {
            InTurn(self.turn, [&] { self.model.ReplaceHead(classes, at); });
          },
          "classes"_a, "at"_a)
      .def(
          "add_lora",
          [](PythonModel& self, const OptionPairs& options) {
            InTurn(self.turn, [&] { self.model.AddLora(OptionsOf(options)); });
          },
          "options"_a)
      .def(
          "quantize",
          [](PythonModel& self, const OptionPairs& options) {
            InTurn(self.turn, [&] { self.model.Quantize(OptionsOf(options)); });
          },
          "options"_a)
      .def("run", &Run, "inputs"_a)
      .def("gradient", &Gradient, "inputs"_a, "cotangents"_a = GivenArrays(),
           "wrt"_a = std::vector<std::string>())
      .def("check", &Check, "inputs"_a, "tolerance"_a)
      .def("save", &Save, "path"_a, "options"_a = OptionPairs())
      .def("serialize", &Serialize);
}

}  // namespace strop
