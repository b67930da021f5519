#include "plugin/options/table/option_texts.h"

#include "graph/status_macros.h"

namespace strop {

absl::Status GiveTexts(const OptionTexts& texts, OptionSet& options) {
  for (const auto& [name, values] : texts) {
    STROP_RETURN_IF_ERROR(options.Give(name, values));
  }
  STROP_RETURN_IF_ERROR(options.CheckTogether());
  return options.CheckSuits();
}

}  // namespace strop
