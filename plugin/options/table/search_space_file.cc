#include "plugin/options/table/search_space_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/table/nearest_name.h"
#include "plugin/options/table/toml_value.h"

namespace strop {
namespace {

// Reads one option's values; the first problem is kept and told with the file's line.
class DimensionReader {
 public:
  explicit DimensionReader(std::string option) { dimension_.option = std::move(option); }

  absl::StatusOr<SearchDimension> Read(const toml::node& node) {
    if (const toml::array* values = node.as_array()) {
      ReadChoices(*values);
    } else if (const toml::table* table = node.as_table()) {
      ReadTable(*table);
    } else {
      Fail("expected [VALUE, …] or {min = …, max = …}");
    }
    if (!problem_.empty()) return absl::InvalidArgumentError(problem_);
    STROP_RETURN_IF_ERROR(CheckSearch(dimension_));
    return std::move(dimension_);
  }

 private:
  void Fail(const std::string& problem) {
    if (problem_.empty()) problem_ = absl::StrCat("search ", dimension_.option, ": ", problem);
  }

  void ReadChoices(const toml::array& values) {
    dimension_.kind = SearchDimension::Kind::kChoice;
    for (const toml::node& value : values) {
      const std::optional<std::string> text = TypedText(value);
      if (!text) return Fail("a value is no text, number, true or false");
      dimension_.choices.push_back(*text);
    }
  }

  void ReadTable(const toml::table& table) {
    static const std::vector<std::string> kKeys = {"values", "min",    "max", "scale",
                                                   "type",   "points", "step"};
    for (const auto& [key, value] : table) {
      const std::string name(key.str());
      if (std::count(kKeys.begin(), kKeys.end(), name) > 0) continue;
      return Fail(absl::StrCat("unknown key \"", name, "\"", DidYouMean(name, kKeys)));
    }
    const toml::node* values = table.get("values");
    if (values == nullptr) return ReadRange(table);
    if (table.size() > 1) return Fail("has values and a range; leave one of them out");
    if (!values->is_array()) return Fail("expected values = [VALUE, …]");
    ReadChoices(*values->as_array());
  }

  void ReadRange(const toml::table& table) {
    dimension_.low = NumberOf(table, "min", /*is_required=*/true);
    dimension_.high = NumberOf(table, "max", /*is_required=*/true);
    dimension_.step = NumberOf(table, "step", /*is_required=*/false);
    if (table.contains("step") && dimension_.step <= 0) Fail("expected a step above 0");
    dimension_.is_log = WordOf(table, "scale", {"linear", "log"}, "linear") == "log";
    const std::string type = WordOf(table, "type", {"int", "float"}, has_broken_ ? "float" : "int");
    dimension_.kind =
        type == "int" ? SearchDimension::Kind::kInteger : SearchDimension::Kind::kNumber;
    const toml::node* points = table.get("points");
    if (points == nullptr) return;
    dimension_.grid_points = points->value_exact<int64_t>().value_or(0);
    if (dimension_.grid_points < 2) Fail("expected points = a whole number from 2 on");
  }

  // 0 where the key is not there.
  double NumberOf(const toml::table& table, std::string_view key, bool is_required) {
    const toml::node* node = table.get(key);
    if (node == nullptr) {
      if (is_required) Fail("expected min and max, or values = [VALUE, …]");
      return 0;
    }
    if (const auto whole = node->value_exact<int64_t>()) return static_cast<double>(*whole);
    has_broken_ = true;
    const std::optional<double> number = node->value_exact<double>();
    if (!number) Fail(absl::StrCat(std::string(key), " is no number"));
    return number.value_or(0);
  }

  std::string WordOf(const toml::table& table, std::string_view key,
                     const std::vector<std::string>& words, const std::string& otherwise) {
    const toml::node* node = table.get(key);
    if (node == nullptr) return otherwise;
    const std::string word = node->value_exact<std::string>().value_or("");
    if (std::count(words.begin(), words.end(), word) > 0) return word;
    Fail(
        absl::StrCat("expected ", std::string(key), " = \"", words[0], "\" or \"", words[1], "\""));
    return otherwise;
  }

  SearchDimension dimension_;
  bool has_broken_ = false;  // a number is not written as a whole one
  std::string problem_;
};

absl::Status AtLine(const std::string& path, const toml::source_region& place,
                    std::string_view problem) {
  return absl::InvalidArgumentError(
      absl::StrCat("tune: \"", path, "\", line ", place.begin.line, ": ", std::string(problem)));
}

}  // namespace

absl::StatusOr<std::vector<SearchDimension>> ReadSearchSpace(const std::string& path) {
  toml::table table;
  try {
    table = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    return AtLine(path, error.source(), error.description());
  }
  std::vector<std::pair<uint32_t, SearchDimension>> found;  // by line: tables are sorted by name
  for (const auto& [key, node] : table) {
    absl::StatusOr<SearchDimension> dimension =
        DimensionReader(SearchedName(std::string(key.str()))).Read(node);
    if (!dimension.ok())
      return AtLine(path, node.source(), std::string(dimension.status().message()));
    found.emplace_back(key.source().begin.line, *std::move(dimension));
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const auto& left, const auto& right) { return left.first < right.first; });
  std::vector<SearchDimension> space;
  for (auto& [line, dimension] : found) space.push_back(std::move(dimension));
  return space;
}

}  // namespace strop
