#include "plugin/c/options.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "plugin/options/outcome.h"

namespace strop {

absl::StatusOr<OptionTexts> TakeOptions(const strop_option* options, size_t count) {
  if (count > 0 && options == nullptr) {
    return UsageError(absl::StrCat("call: found NULL as \"options\", expected ", count,
                                   count == 1 ? " option" : " options"));
  }
  OptionTexts texts;
  for (size_t i = 0; i < count; ++i) {
    const strop_option& option = options[i];
    if (option.name == nullptr) {
      return UsageError(
          absl::StrCat("call: options[", i, "]: found NULL as its name, expected a name"));
    }
    texts.emplace_back(option.name, std::vector<std::string>());
    if (option.value != nullptr) texts.back().second.emplace_back(option.value);
  }
  return texts;
}

}  // namespace strop
