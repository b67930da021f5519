// `_strop`: strop.hpp for Python, call by call. The package `strop` in python/ is what people use.

#include "plugin/python/module.h"

NB_MODULE(_strop, module) {
  // What is still alive as the interpreter ends is nobody's mistake.
  nanobind::set_leak_warnings(false);
  strop::AddErrors(module);
  strop::AddModel(module);
  strop::AddData(module);
  strop::AddTrainer(module);
  strop::AddLossTrainer(module);
  strop::AddProgram(module);
}
