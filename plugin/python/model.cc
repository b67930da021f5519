#include "plugin/python/model.h"

#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/shared_ptr.h>

#include <filesystem>
#include <memory>

#include "plugin/python/arrays.h"
#include "plugin/python/module.h"

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

// (name, type, shape): an open dimension is None, a shape of open rank, too.
nb::list GiveValues(const std::vector<Value>& values) {
  nb::list given;
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

// (name, type, shape, role, reason, position)
nb::list GiveParameters(const std::vector<Parameter>& parameters) {
  nb::list given;
  for (const Parameter& parameter : parameters) {
    nb::list dimensions;
    for (const int64_t dimension : parameter.shape) dimensions.append(dimension);
    given.append(nb::make_tuple(parameter.name, NameOf(parameter.type), nb::tuple(dimensions),
                                RoleNameOf(parameter.role), parameter.reason, parameter.position));
  }
  return given;
}

std::shared_ptr<PythonModel> Load(const std::filesystem::path& path, const OptionPairs& options,
                                  nb::object note, nb::object warning, nb::object progress) {
  Listener listener = ListenerOf(std::move(note), std::move(warning), std::move(progress));
  const nb::gil_scoped_release released;
  return std::make_shared<PythonModel>(Model(path, OptionsOf(options), std::move(listener)));
}

std::shared_ptr<PythonModel> LoadBytes(const nb::object& bytes, const OptionPairs& options,
                                       nb::object note, nb::object warning, nb::object progress) {
  std::vector<Array> kept;
  const TensorView view = ViewOf("model", bytes, kept);
  const std::span<const std::byte> span(static_cast<const std::byte*>(view.data()),
                                        view.byte_count());
  Listener listener = ListenerOf(std::move(note), std::move(warning), std::move(progress));
  const nb::gil_scoped_release released;
  return std::make_shared<PythonModel>(
      Model::FromBytes(span, OptionsOf(options), std::move(listener)));
}

nb::dict Run(PythonModel& self, const nb::dict& inputs) {
  const NamedArrays given = ArraysOf(inputs);
  return GiveArrays(InTurn(self.turn, [&] { return self.model.Run(given.views); }));
}

nb::dict Gradient(PythonModel& self, const nb::dict& inputs, const nb::dict& cotangents,
                  const std::vector<std::string>& wrt) {
  const NamedArrays given = ArraysOf(inputs);
  const NamedArrays weights = ArraysOf(cotangents);
  return GiveArrays(
      InTurn(self.turn, [&] { return self.model.Gradient(given.views, weights.views, wrt); }));
}

std::string Check(PythonModel& self, const nb::dict& inputs, double tolerance) {
  const NamedArrays given = ArraysOf(inputs);
  return InTurn(self.turn, [&] { return self.model.Check(given.views, tolerance); });
}

nb::object ReadParameter(PythonModel& self, const std::string& name) {
  return GiveArray(InTurn(self.turn, [&] { return self.model.ReadParameter(name); }));
}

void WriteParameter(PythonModel& self, const std::string& name, const nb::object& elements) {
  std::vector<Array> kept;
  const TensorView view = ViewOf(name, elements, kept);
  InTurn(self.turn, [&] { self.model.WriteParameter(view); });
}

void Save(PythonModel& self, const std::filesystem::path& path, const OptionPairs& options) {
  InTurn(self.turn, [&] { self.model.Save(path, OptionsOf(options)); });
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
      .def("gradient", &Gradient, "inputs"_a, "cotangents"_a = nb::dict(),
           "wrt"_a = std::vector<std::string>())
      .def("check", &Check, "inputs"_a, "tolerance"_a)
      .def("save", &Save, "path"_a, "options"_a = OptionPairs())
      .def("serialize", &Serialize);
}

}  // namespace strop
