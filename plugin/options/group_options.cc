#include "plugin/options/group_options.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"
#include "plugin/options/model_options.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

absl::StatusOr<ParameterGroup> ParseGroup(const std::string& text, double learning_rate) {
  const size_t colon = text.rfind(':');  // names may contain colons, settings do not
  const absl::Status malformed = UsageError(absl::StrCat(
      "--group ", text,
      ": expected PATTERN:learning_rate=1e-4,weight_decay=0, one setting of the two or both"));
  if (colon == std::string::npos || colon == 0) return malformed;
  ParameterGroup group;
  group.pattern = text.substr(0, colon);
  const std::vector<std::string> parts = absl::StrSplit(text.substr(colon + 1), ',');
  for (const std::string& part : parts) {
    const size_t equals = part.find('=');
    double value = 0;
    if (equals == std::string::npos) return malformed;
    if (!absl::SimpleAtod(part.substr(equals + 1), &value) || !(value >= 0)) return malformed;
    const std::string name = part.substr(0, equals);
    if (name == "weight_decay") {
      group.weight_decay = value;
    } else if (name == "learning_rate" && learning_rate > 0) {
      group.learning_rate_scale = value / learning_rate;
    } else if (name == "learning_rate") {
      return UsageError(
          absl::StrCat("--group ", text,
                       ": the schedule moves all rates alike, so --learning-rate must not be "
                       "0 where a group has its own"));
    } else {
      return malformed;
    }
  }
  return group;
}

}  // namespace

void AddGroupOptions(OptionSet& options, GroupArguments& arguments) {
  options.Add("Parameter groups",
              {{.name = "group",
                .target = &arguments.groups,
                .value_name = "PATTERN:SETTINGS",
                .is_repeated = true,
                .help = "Tensors whose names match PATTERN (* and ?) get their own, as in "
                        "'*bias:learning_rate=1e-4,weight_decay=0'; the first match counts"},
               {.name = "no-decay-norms-and-biases",
                .target = &arguments.no_decay_norms_and_biases,
                .help = "No weight decay for biases and for the scales of normalizations"},
               {.name = "layer-decay",
                .target = &arguments.layer_decay,
                .range = kShare,
                .help = "Factor of the learning rate from each layer to the one before it"}});
}

absl::StatusOr<ParameterGroupOptions> GroupOptionsOf(const GroupArguments& arguments,
                                                     double learning_rate) {
  ParameterGroupOptions options;
  options.no_decay_norms_and_biases = arguments.no_decay_norms_and_biases;
  options.layer_decay = arguments.layer_decay;
  for (const std::string& text : arguments.groups) {
    STROP_ASSIGN_OR_RETURN(options.groups.emplace_back(), ParseGroup(text, learning_rate));
  }
  return options;
}

}  // namespace strop
