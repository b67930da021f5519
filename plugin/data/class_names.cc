#include "plugin/data/class_names.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace strop {

absl::StatusOr<NumberedClasses> NumberClasses(const std::string& origin,
                                              absl::Span<const std::string> texts,
                                              absl::Span<const std::string> known) {
  NumberedClasses classes;
  if (known.empty()) {
    const std::set<std::string> sorted(texts.begin(), texts.end());
    classes.names.assign(sorted.begin(), sorted.end());
  } else {
    classes.names.assign(known.begin(), known.end());
  }
  std::map<std::string, int64_t> numbers;
  std::set<std::string> repeated;  // ImageNet has two "crane"
  for (size_t i = 0; i < classes.names.size(); ++i) {
    const bool is_first = numbers.emplace(classes.names[i], static_cast<int64_t>(i)).second;
    if (!is_first) repeated.insert(classes.names[i]);
  }
  std::set<std::string> unknown;
  for (const std::string& text : texts) {
    const auto found = numbers.find(text);
    if (found == numbers.end()) {
      unknown.insert(text);
    } else if (repeated.contains(text)) {
      return absl::InvalidArgumentError(absl::StrCat(
          "data: \"", origin, "\": found class ", text,
          ", which several of the model's classes are called; give them names of their own with "
          "--class-names"));
    } else {
      classes.labels.push_back(found->second);
    }
  }
  if (unknown.empty()) return classes;
  const std::vector<std::string> listed(unknown.begin(), unknown.end());
  return absl::InvalidArgumentError(
      absl::StrCat("data: \"", origin, "\": found ", listed.size() == 1 ? "class " : "classes ",
                   ListNames(listed), ", expected some of the model's, ", ListNames(known),
                   "; leave them out, or say the model's classes with --class-names"));
}

absl::Status CheckClassCount(const std::string& origin, absl::Span<const std::string> names,
                             int64_t model_classes) {
  const auto count = static_cast<int64_t>(names.size());
  if (count == 0 || count == model_classes) return absl::OkStatus();
  const std::string found =
      absl::StrCat("data: \"", origin, "\": found ", count, count == 1 ? " class (" : " classes (",
                   ListNames(names), "), the model's output has ", model_classes);
  if (count > model_classes) {
    return absl::InvalidArgumentError(absl::StrCat(
        found, "; leave out what is none of its classes, or train with --replace-head ", count));
  }
  return absl::InvalidArgumentError(
      absl::StrCat(found,
                   "; give the names of all, in the output's order, with --class-names: a "
                   "list, or the folder, .csv or run that it was trained with; or train "
                   "with --replace-head ",
                   count));
}

std::string ListNames(absl::Span<const std::string> names) {
  constexpr size_t kMost = 12;
  if (names.size() <= kMost) return absl::StrJoin(names, ", ");
  return absl::StrCat(absl::StrJoin(names.first(kMost - 1), ", "), " and ",
                      names.size() - (kMost - 1), " more");
}

}  // namespace strop
