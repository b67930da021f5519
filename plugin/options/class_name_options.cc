#include "plugin/options/class_name_options.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "exporter/class_names.h"
#include "graph/status_macros.h"
#include "importer/class_names.h"
#include "plugin/data/arrays/csv.h"
#include "plugin/data/data_file.h"
#include "plugin/data/images/image_folder.h"
#include "plugin/options/model_options.h"
#include "plugin/options/table/path_role.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

absl::Status Refused(absl::string_view found, const std::string& expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("class names: \"", found, "\": ", expected, "; see --class-names"));
}

// One name a line, or as ParseClassNames reads them.
absl::StatusOr<std::vector<std::string>> NamesInFile(const std::string& path) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const DataFile> file, DataFile::Open(path));
  if (std::optional<std::vector<std::string>> names = ParseClassNames(file->bytes())) {
    return *std::move(names);
  }
  const absl::string_view text(file->bytes().data(), file->bytes().size());
  std::vector<std::string> names;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    absl::ConsumeSuffix(&line, "\r");
    names.emplace_back(line);
  }
  while (!names.empty() && names.back().empty()) names.pop_back();
  return names;
}

absl::StatusOr<std::vector<std::string>> NamesInFolder(const std::string& path) {
  std::error_code ignored;
  if (fs::exists(ClassNamesFile(path), ignored)) return NamesInFile(ClassNamesFile(path));
  if (fs::exists(fs::path(path) / "config.toml", ignored)) {
    return Refused(path, "the run was trained on labels that are numbers, without names");
  }
  return ListClassFolders(path);
}

absl::StatusOr<std::vector<std::string>> NamesInCsv(const std::string& path,
                                                    const std::string& target) {
  CsvOptions options;
  options.target = target;
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<DataSource> data, OpenCsv(path, options));
  const absl::Span<const std::string> names = data->class_names();
  if (!names.empty()) return std::vector<std::string>(names.begin(), names.end());
  return Refused(path, absl::StrCat("found no column \"", target, "\" of texts"));
}

absl::StatusOr<std::vector<std::string>> TypedNames(const DataArguments& arguments) {
  const std::vector<std::string>& typed = arguments.class_names;
  if (typed.size() != 1) return typed;
  std::error_code ignored;
  const std::string& path = typed[0];
  if (fs::is_directory(path, ignored)) return NamesInFolder(path);
  if (!fs::exists(path, ignored)) {
    return absl::NotFoundError(absl::StrCat(
        "class names: \"", path,
        "\": no such file or folder, and one name alone is no list; separate names by commas"));
  }
  return path.ends_with(".csv") ? NamesInCsv(path, arguments.target) : NamesInFile(path);
}

// Metadata may tell of what is no class of any output: of a detector's boxes, say.
bool FitAnOutput(const std::vector<std::string>& names, const Graph& graph) {
  const auto count = static_cast<int64_t>(names.size());
  return std::any_of(graph.outputs.begin(), graph.outputs.end(), [&](ValueId output) {
    const std::optional<Shape>& shape = graph.type(output).shape;
    if (!shape) return true;
    if (shape->size() == 1) return shape->front() == count;
    return !shape->empty() && std::find(shape->begin() + 1, shape->end(), count) != shape->end();
  });
}

bool HasNewHead(const ImportedModel& model) {
  return std::any_of(model.parameters.begin(), model.parameters.end(),
                     [](const Parameter& parameter) { return parameter.is_new; });
}

bool IsPlain(const std::string& name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
  });
}

}  // namespace

void AddClassNamesOption(OptionSet& options, DataArguments& arguments) {
  options.Add(
      kDataGroup,
      {{.name = "class-names",
        .target = &arguments.class_names,
        .value_name = "A,B,C|FILE|FOLDER|RUN",
        .path = PathRole::kInputFile,
        .help = "The model's classes in the order of its outputs, by which folders and text labels "
                "are counted: a list; a file of one per line; or the folder, .csv or run that it "
                "was trained with. By default as the model's metadata say, else those of the "
                "data"}});
}

absl::StatusOr<std::vector<std::string>> KnownClassNames(const DataArguments& arguments,
                                                         const ImportedModel* model) {
  if (arguments.class_names.empty()) {
    if (model == nullptr) return std::vector<std::string>();
    std::vector<std::string> names = ClassNamesInMetadata(*model->model);
    if (HasNewHead(*model) || !FitAnOutput(names, model->graph)) names.clear();
    return names;
  }
  STROP_ASSIGN_OR_RETURN(std::vector<std::string> names, TypedNames(arguments));
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (name.empty()) return Refused(arguments.class_names[0], "found an empty name");
    if (!seen.insert(name).second) {
      return Refused(name, "found twice, expected every class once");
    }
  }
  if (names.size() > 1) return names;
  return Refused(arguments.class_names[0], "expected the names of at least two classes");
}

std::string ClassNamesFile(const std::string& run_directory) {
  return run_directory + "/class_names.json";
}

std::string ClassNamesJson(absl::Span<const std::string> names) {
  const nlohmann::json list = std::vector<std::string>(names.begin(), names.end());
  return list.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

void AddWriteClassNamesOption(OptionSet& options, bool& writes) {
  options.Add(kDataGroup,
              {{.name = "write-class-names",
                .target = &writes,
                .may_change_on_resume = true,
                .help = "Keep the names of the classes in the exported file's metadata, as "
                        "Ultralytics does (names = {0: 'a', 1: 'b'}); evaluate and predict then "
                        "count by them"}});
}

absl::Status NameExportedClasses(bool is_wanted, const std::vector<std::string>& names,
                                 const Listener& listener, ImportedModel& model) {
  if (is_wanted && names.empty()) {
    return absl::InvalidArgumentError(
        "class names: found labels that are numbers, expected names for --write-class-names; give "
        "them with --class-names");
  }
  const std::vector<std::string> written = ClassNamesInMetadata(*model.model);
  const bool is_stale = HasNewHead(model) && !written.empty();
  if (written == names || !(is_wanted || is_stale)) return absl::OkStatus();
  if (!is_wanted) {
    listener.note(
        absl::StrCat("the class names in the metadata were the old head's; ",
                     names.empty() ? "they are taken out" : "they are now the new head's"));
  }
  STROP_ASSIGN_OR_RETURN(model.file, WithClassNames(*model.file, names));
  return absl::OkStatus();
}

std::string ClassNamesWords(absl::Span<const std::string> names, const std::string& source) {
  constexpr size_t kMostLetters = 100;
  const std::string list = absl::StrJoin(names, ",");
  const bool is_list = list.size() <= kMostLetters && names.size() > 1 &&
                       std::all_of(names.begin(), names.end(), IsPlain);
  return absl::StrCat("--class-names ", is_list ? list : source);
}

}  // namespace strop
