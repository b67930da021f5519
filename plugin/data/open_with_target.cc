#include "plugin/data/open_with_target.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/input_as_target.h"

namespace strop {
namespace {

// A target that is a picture would have to move as its image does.
absl::Status CheckTargetStays(const DataSource& source, const AugmentationOptions& augmentation) {
  const int field = source.FindField(kTargetField);
  if (field < 0 || !augmentation.moves_pixels()) return absl::OkStatus();
  const Shape& shape = source.fields()[static_cast<size_t>(field)].shape;
  if (shape.size() < 2) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("data: \"", source.origin(), "\": found targets of shape ", ShapeName(shape),
                   ", which do not move with their images; expected labels, or --color-jitter "
                   "alone"));
}

bool IsInput(const std::string& name, const std::vector<InputInterface>& inputs) {
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const InputInterface& input) { return input.name == name; });
}

// The field of the input that is the target, too.
absl::StatusOr<size_t> FieldOfTarget(const DataSource& source, const std::string& target,
                                     const std::vector<InputInterface>& inputs) {
  if (inputs.size() == 1) return FieldForInput(source, inputs[0].name, true);
  if (IsInput(target, inputs)) return FieldForInput(source, target, false);
  return absl::InvalidArgumentError(
      absl::StrCat("data: \"", source.origin(), "\": --target ", target, ": the model has ",
                   inputs.size(), " inputs, expected one; give the name of one of several"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataSource>> OpenWithTarget(
    const std::vector<InputInterface>& inputs, const DataOptions& options,
    const OpenFunction& open) {
  const bool is_input = options.target == kInputTarget ||
                        (options.target != kTargetField && IsInput(options.target, inputs));
  DataOptions opening = options;
  if (is_input) opening.target = std::string(kInputTarget);
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> source, open(opening));
  if (is_input) {
    STROP_ASSIGN_OR_RETURN(const size_t field, FieldOfTarget(*source, options.target, inputs));
    return InputAsTarget(std::move(source), field);
  }
  STROP_RETURN_IF_ERROR(CheckTargetStays(*source, options.augmentation));
  return source;
}

}  // namespace strop
