#include "plugin/data/sample_field.h"

#include "absl/strings/str_cat.h"

namespace strop {

absl::StatusOr<size_t> SampleField(const DataSource& source, const InputInterface& input,
                                   bool is_only_input) {
  if (!input.type.shape || !input.type.shape->empty()) {
    return FieldForInput(source, input.name, is_only_input);
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "data: \"", source.origin(), "\": the model's input \"", input.name, "\" is ",
      TypeName(input.type),
      ", it has no batch axis that samples could lie along; make it an initializer of the model, "
      "of the value that it is to have"));
}

}  // namespace strop
