#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/options/table/option_set.h"
#include "plugin/training/optimization/parameter_groups.h"

namespace strop {

// Which parameters are trained otherwise than the rest, as typed.
struct GroupArguments {
  std::vector<std::string> groups;  // PATTERN:learning_rate=1e-4,weight_decay=0
  bool no_decay_norms_and_biases = false;
  double layer_decay = 1;
};

void AddGroupOptions(OptionSet& options, GroupArguments& arguments);

// `learning_rate` is the run's, to which the groups' rates are put in relation.
absl::StatusOr<ParameterGroupOptions> GroupOptionsOf(const GroupArguments& arguments,
                                                     double learning_rate);

}  // namespace strop
