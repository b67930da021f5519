#include "plugin/python/loss.h"

#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "plugin/python/arrays.h"
#include "plugin/python/function.h"

namespace strop {
namespace {

namespace nb = nanobind;

// Holds an interrupt back while it lives: the function would raise it in the middle of a step.
class HeldInterrupt {
 public:
  HeldInterrupt() {
    if (PyErr_CheckSignals() == 0) return;
    if (!PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) throw nb::python_error();
    PyErr_Clear();
    is_held_ = true;
  }
  ~HeldInterrupt() {
    if (is_held_) PyErr_SetInterrupt();
  }
  HeldInterrupt(const HeldInterrupt&) = delete;
  HeldInterrupt& operator=(const HeldInterrupt&) = delete;

 private:
  bool is_held_ = false;
};

void TakeGradient(const TensorView& output, nb::handle value, void* buffer) {
  std::vector<Array> kept;
  const TensorView found = ViewOf(output.name(), value, kept);
  if (found.type() != output.type() || found.shape() != output.shape()) {
    throw nb::value_error(("loss: gradient of \"" + output.name() + "\": found " + TextOf(found) +
                           ", expected " + TextOf(output) + " as the output")
                              .c_str());
  }
  if (found.byte_count() > 0) std::memcpy(buffer, found.data(), found.byte_count());
}

void TakeGradients(const std::vector<TensorView>& outputs, const nb::dict& found,
                   std::span<void* const> buffers) {
  for (const auto& [key, value] : found) {
    const auto name = nb::cast<std::string>(key);
    const auto output = std::find_if(outputs.begin(), outputs.end(),
                                     [&](const TensorView& each) { return each.name() == name; });
    if (output == outputs.end()) {
      throw nb::value_error(
          ("loss: found a gradient of \"" + name + "\", expected those of outputs that it saw")
              .c_str());
    }
    TakeGradient(*output, value, buffers[static_cast<size_t>(output - outputs.begin())]);
  }
}

}  // namespace

Loss LossOf(nb::object function) {
  if (function.is_none()) return {};
  return [compute = Function(std::move(function))](const std::vector<TensorView>& outputs,
                                                   const TensorView& target,
                                                   std::span<void* const> gradients) {
    const nb::gil_scoped_acquire acquired;
    const HeldInterrupt held;
    nb::dict seen;
    for (const TensorView& output : outputs) {
      seen[nb::str(output.name().c_str(), output.name().size())] = GiveArray(Tensor(output));
    }
    const bool wants_gradients = !gradients.empty();
    const auto given =
        nb::cast<nb::tuple>(compute(seen, GiveArray(Tensor(target)), wants_gradients));
    if (wants_gradients) TakeGradients(outputs, nb::cast<nb::dict>(given[1]), gradients);
    return nb::cast<double>(given[0]);
  };
}

}  // namespace strop
