#pragma once

#include <nanobind/nanobind.h>

namespace strop {

// What each file adds to the module `_strop`.
void AddErrors(nanobind::module_& module);
void AddModel(nanobind::module_& module);
void AddData(nanobind::module_& module);
void AddTrainer(nanobind::module_& module);
void AddLossTrainer(nanobind::module_& module);
void AddProgram(nanobind::module_& module);

}  // namespace strop
