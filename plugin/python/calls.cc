#include "plugin/python/calls.h"

#include <nanobind/stl/filesystem.h>

#include <utility>

#include "plugin/python/function.h"

namespace strop {
namespace {

namespace nb = nanobind;

std::function<void(const std::string&)> LineHearer(nb::object function) {
  if (function.is_none()) return {};
  return [hear = Function(std::move(function))](const std::string& line) {
    const nb::gil_scoped_acquire acquired;
    hear(TextOf(line));
  };
}

EpochRecord GiveEpoch(const Epoch& epoch) {
  nb::dict metrics;
  for (const strop_metric& metric : MetricsOf(epoch)) metrics[metric.name] = metric.value;
  EpochRecord record;
  record["epoch"] = epoch.epoch;
  record["step"] = epoch.step;
  record["training_loss"] = epoch.training_loss;
  record["validation_loss"] = epoch.validation_loss;
  record["metrics"] = metrics;
  record["learning_rate"] = epoch.learning_rate;
  record["seconds"] = epoch.seconds;
  record["is_best"] = epoch.is_best != 0;
  return record;
}

}  // namespace

Options OptionsOf(const OptionPairs& pairs) {
  Options options;
  for (const auto& [name, value] : pairs) {
    options.emplace_back(name);
    options.back().value = value;
  }
  return options;
}

nb::object TextOf(std::string_view text) {
  return nb::steal<nb::object>(
      PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "backslashreplace"));
}

std::filesystem::path PathOf(const PathText& path) {
  std::filesystem::path file;
  if (!nb::try_cast<std::filesystem::path>(path, file)) {
    PyErr_Clear();
    throw nb::type_error(("path: found a " + nb::cast<std::string>(path.type().attr("__name__")) +
                          ", expected text or a pathlib.Path")
                             .c_str());
  }
  return file;
}

Listener ListenerOf(nb::object note, nb::object warning, nb::object progress) {
  Listener listener = {.note = LineHearer(std::move(note)),
                       .warning = LineHearer(std::move(warning))};
  if (!progress.is_none()) {
    listener.progress = [hear = Function(std::move(progress))](const std::string& work,
                                                               int64_t done, int64_t total) {
      const nb::gil_scoped_acquire acquired;
      hear(work, done, total);
    };
  }
  return listener;
}

StepRecord GiveStep(const Step& step) {
  StepRecord record;
  record["step"] = step.step;
  record["epoch"] = step.epoch;
  record["step_of_epoch"] = step.step_of_epoch;
  record["steps_per_epoch"] = step.steps_per_epoch;
  record["sample_count"] = step.sample_count;
  record["loss"] = step.loss;
  record["learning_rate"] = step.learning_rate;
  record["gradient_norm"] = step.gradient_norm;
  return record;
}

Callbacks CallbacksOf(nb::object on_step, nb::object on_epoch, nb::object should_stop) {
  Callbacks callbacks;
  if (!on_step.is_none()) {
    callbacks.on_step = [call = Function(std::move(on_step))](const Step& step) {
      const nb::gil_scoped_acquire acquired;
      call(GiveStep(step));
    };
  }
  if (!on_epoch.is_none()) {
    callbacks.on_epoch = [call = Function(std::move(on_epoch))](const Epoch& epoch) {
      const nb::gil_scoped_acquire acquired;
      call(GiveEpoch(epoch));
    };
  }
  std::optional<Function> asked;
  if (!should_stop.is_none()) asked.emplace(std::move(should_stop));
  callbacks.should_stop = [asked] {
    const nb::gil_scoped_acquire acquired;
    if (PyErr_CheckSignals() != 0) throw nb::python_error();
    return asked.has_value() && nb::cast<bool>(nb::bool_((*asked)()));
  };
  return callbacks;
}

}  // namespace strop
