// Strop in C++20: ONNX models, trained on the CPU. Over strop.h, which says more of each call.
//
//   strop::Model model("digits.onnx");
//   strop::Trainer trainer(model, strop::Data::Arrays({{"x", x, {n, 64}}, {"target", y, {n}}}),
//                          {{"epochs", 5}, {"learning-rate", 1e-3}});
//   trainer.Fit();
//   model.Save("tuned.onnx");
//
// What fails throws strop::Error. Whatever a callback throws ends the call that it was made in, and
// comes out of that. Objects share no state: each for one thread at a time, a Trainer with its
// Model.
#ifndef STROP_STROP_HPP_
#define STROP_STROP_HPP_

#include "strop/data.hpp"
#include "strop/error.hpp"
#include "strop/model.hpp"
#include "strop/options.hpp"
#include "strop/program.hpp"
#include "strop/tensor.hpp"
#include "strop/trainer.hpp"

#endif  // STROP_STROP_HPP_
