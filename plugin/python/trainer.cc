#include <nanobind/stl/shared_ptr.h>

#include <memory>

#include "plugin/python/arrays.h"
#include "plugin/python/calls.h"
#include "plugin/python/data.h"
#include "plugin/python/loss.h"
#include "plugin/python/model.h"
#include "plugin/python/module.h"
#include "plugin/python/types.h"

namespace strop {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

// A Trainer in Python's hands, and what it uses.
struct PythonTrainer {
  std::shared_ptr<PythonModel> model;
  std::shared_ptr<PythonData> training;
  std::shared_ptr<PythonData> validation;
  std::optional<Trainer> trainer;  // from when it is made

  ~PythonTrainer() {
    const nb::gil_scoped_release released;
    trainer.reset();
  }
};

std::shared_ptr<PythonTrainer> Make(std::shared_ptr<PythonModel> model,
                                    std::shared_ptr<PythonData> training,
                                    std::shared_ptr<PythonData> validation,
                                    const OptionPairs& pairs, LineFunction note,
                                    LineFunction warning, ProgressFunction progress,
                                    LossFunction loss) {
  Listener heard = ListenerOf(std::move(note), std::move(warning), std::move(progress));
  const Options options = OptionsOf(pairs);
  auto made = std::make_shared<PythonTrainer>();
  made->model = std::move(model);
  made->training = std::move(training);
  made->validation = std::move(validation);
  Loss computed = LossOf(std::move(loss));
  const auto data_of = [](const std::shared_ptr<PythonData>& given) {
    return given == nullptr ? nullptr : &given->data;
  };
  InTurn(made->model->turn, [&] {
    made->trainer.emplace(made->model->model, data_of(made->training), data_of(made->validation),
                          options, std::move(heard), std::move(computed));
  });
  return made;
}

template <typename Work>
auto InTurnOf(PythonTrainer& self, const Work& work) {
  return InTurn(self.model->turn, [&] { return work(*self.trainer); });
}

ResultRecord Fit(PythonTrainer& self, StepFunction on_step, EpochFunction on_epoch,
                 StopFunction should_stop) {
  const Callbacks callbacks =
      CallbacksOf(std::move(on_step), std::move(on_epoch), std::move(should_stop));
  const Result result = InTurnOf(self, [&](Trainer& trainer) { return trainer.Fit(callbacks); });
  ResultRecord given;
  given["steps"] = result.steps;
  given["epochs"] = result.epochs;
  given["weights_epoch"] = result.weights_epoch;
  given["best_epoch"] = result.best_epoch;
  given["stopped_early"] = result.stopped_early != 0;
  given["was_stopped"] = result.was_stopped != 0;
  return given;
}

StepRecord TakeStep(PythonTrainer& self, const GivenArrays& batch) {
  const NamedArrays given = ArraysOf(batch);
  return GiveStep(InTurnOf(self, [&](Trainer& trainer) { return trainer.TakeStep(given.views); }));
}

std::string Evaluate(PythonTrainer& self, const std::shared_ptr<PythonData>& data) {
  return InTurnOf(self, [&](Trainer& trainer) {
    return data == nullptr ? trainer.Evaluate() : trainer.Evaluate(data->data);
  });
}

NumpyArrays Predict(PythonTrainer& self, const std::shared_ptr<PythonData>& data,
                    int64_t batch_size) {
  return GiveArrays(
      InTurnOf(self, [&](Trainer& trainer) { return trainer.Predict(data->data, batch_size); }));
}

nb::bytes State(PythonTrainer& self) {
  const Bytes state = InTurnOf(self, [](Trainer& trainer) { return trainer.State(); });
  return nb::bytes(state.span().data(), state.span().size());
}

void SetState(PythonTrainer& self, const nb::bytes& state) {
  const std::span<const std::byte> bytes(static_cast<const std::byte*>(state.data()), state.size());
  InTurnOf(self, [&](Trainer& trainer) { trainer.SetState(bytes); });
}

}  // namespace

void AddTrainer(nb::module_& module) {
  nb::class_<PythonTrainer>(module, "Trainer", "One run; strop.Trainer makes them.")
      .def_static("make", &Make, "model"_a, "training"_a.none(), "validation"_a.none(), "options"_a,
                  "note"_a = nb::none(), "warning"_a = nb::none(), "progress"_a = nb::none(),
                  "loss"_a = nb::none())
      .def("fit", &Fit, "on_step"_a = nb::none(), "on_epoch"_a = nb::none(),
           "should_stop"_a = nb::none())
      .def("step", &TakeStep, "batch"_a)
      .def("finish", [](PythonTrainer& self) { InTurnOf(self, [](Trainer& t) { t.Finish(); }); })
      .def("evaluate", &Evaluate, "data"_a.none() = nb::none())
      .def("predict", &Predict, "data"_a, "batch_size"_a)
      .def("state", &State)
      .def("set_state", &SetState, "state"_a);
}

}  // namespace strop
