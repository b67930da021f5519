#include <exception>

#include "plugin/python/calls.h"
#include "plugin/python/module.h"
#include "strop/strop.hpp"

namespace strop {
namespace {

namespace nb = nanobind;

// strop::Error becomes the exception of its status, which strop.errors has.
void Translate(const std::exception_ptr& thrown, void*) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    const nb::object line = TextOf(error.what());
    try {
      const nb::object made = nb::module_::import_("strop.errors")
                                  .attr("error_of")(static_cast<int>(error.status()), line);
      PyErr_SetObject(reinterpret_cast<PyObject*>(Py_TYPE(made.ptr())), made.ptr());
    } catch (nb::python_error& failed) {
      failed.restore();
    }
  }
}

}  // namespace

void AddErrors(nb::module_&) { nb::register_exception_translator(Translate); }

}  // namespace strop
