#pragma once

#include <memory>
#include <vector>

#include "plugin/options/listener.h"
#include "plugin/session/model.h"
#include "strop/strop.h"

// A model, and how C sees what is in it.
struct strop_model {
  std::unique_ptr<strop::Model> model;
  std::vector<strop::InputInterface> inputs;
  std::vector<strop::InputInterface> outputs;
  std::vector<strop_value> input_views;
  std::vector<strop_value> output_views;
  std::vector<strop_metadata> metadata_views;
  std::vector<strop_parameter> parameter_views;
};
