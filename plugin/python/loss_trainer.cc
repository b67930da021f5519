#include <nanobind/stl/shared_ptr.h>

#include <limits>
#include <memory>

#include "plugin/python/arrays.h"
#include "plugin/python/calls.h"
#include "plugin/python/model.h"
#include "plugin/python/module.h"
#include "plugin/python/types.h"

namespace strop {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

// A LossTrainer in Python's hands, and what it uses.
struct PythonLossTrainer {
  std::shared_ptr<PythonModel> model;
  std::optional<LossTrainer> trainer;  // from when it is made
  NamedArrays inputs;                  // of the step that is open
};

std::shared_ptr<PythonLossTrainer> Make(std::shared_ptr<PythonModel> model,
                                        const OptionPairs& pairs, LineFunction note,
                                        LineFunction warning, ProgressFunction progress) {
  Listener heard = ListenerOf(std::move(note), std::move(warning), std::move(progress));
  auto made = std::make_shared<PythonLossTrainer>();
  made->model = std::move(model);
  InTurn(made->model->turn,
         [&] { made->trainer.emplace(made->model->model, OptionsOf(pairs), std::move(heard)); });
  return made;
}

// Copies: the trainer's own outputs live until its next call only, and Python may keep these.
NumpyArrays Forward(PythonLossTrainer& self, const GivenArrays& inputs) {
  NamedArrays given_inputs = ArraysOf(inputs);
  const std::vector<Tensor> outputs = InTurn(self.model->turn, [&] {
    std::swap(self.inputs, given_inputs);  // the last ones go when nothing reads them any more
    std::vector<Tensor> copies;
    for (const TensorView& view : self.trainer->Forward(self.inputs.views)) {
      copies.emplace_back(view);
    }
    return copies;
  });
  NumpyArrays given;
  for (const Tensor& output : outputs) given[output.name().c_str()] = GiveArray(output);
  return given;
}

double TakeStep(PythonLossTrainer& self, const GivenArrays& gradients,
                std::optional<double> learning_rate) {
  const NamedArrays given = ArraysOf(gradients);
  return InTurn(self.model->turn, [&] {
    return self.trainer->TakeStep(given.views,
                                  learning_rate.value_or(std::numeric_limits<double>::quiet_NaN()));
  });
}

void Finish(PythonLossTrainer& self) {
  InTurn(self.model->turn, [&] { self.trainer->Finish(); });
}

}  // namespace

void AddLossTrainer(nb::module_& module) {
  nb::class_<PythonLossTrainer>(module, "LossTrainer", "Steps on a loss from outside.")
      .def_static("make", &Make, "model"_a, "options"_a, "note"_a = nb::none(),
                  "warning"_a = nb::none(), "progress"_a = nb::none())
      .def("forward", &Forward, "inputs"_a)
      .def("step", &TakeStep, "gradients"_a, "learning_rate"_a = nb::none())
      .def("finish", &Finish);
}

}  // namespace strop
