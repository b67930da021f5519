#include "plugin/options/table/path_conflict.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "exporter/atomic_file.h"
#include "exporter/external_files.h"
#include "graph/status_macros.h"
#include "importer/glob.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

namespace fs = std::filesystem;

// A file or folder that a path stands for; "images,labels" stands for two.
struct Place {
  CommandPath source;
  fs::path path;  // without links, from the root on
  bool is_folder = false;

  const PathKind& kind() const { return KindOf(source.role); }
  std::string Shown() const { return absl::StrCat(source.option, " \"", source.path, "\""); }
};

fs::path Resolved(const std::string& path) {
  std::error_code error;
  const fs::path absolute = fs::absolute(FollowLinks(path), error);
  fs::path resolved = fs::weakly_canonical(absolute, error);
  if (error) resolved = absolute.lexically_normal();
  return resolved.has_filename() ? resolved : resolved.parent_path();
}

std::vector<Place> PlacesOf(const CommandPath& source) {
  std::error_code ignored;
  std::vector<std::string> names = {source.path};
  if (source.role == PathRole::kData && !fs::exists(source.path, ignored)) {
    names = absl::StrSplit(source.path, ',', absl::SkipEmpty());
  }
  std::vector<Place> places;
  for (const std::string& name : names) {
    const bool is_folder = KindOf(source.role).is_folder ||
                           (source.role == PathRole::kData && fs::is_directory(name, ignored));
    places.push_back({source, Resolved(name), is_folder});
  }
  return places;
}

bool AreSame(const Place& a, const Place& b) {
  std::error_code ignored;
  return a.path == b.path || fs::equivalent(a.path, b.path, ignored);
}

// The way from a folder down to a path in it.
std::optional<std::string> WayDown(const fs::path& folder, const fs::path& path) {
  const auto [rest, down] = std::mismatch(folder.begin(), folder.end(), path.begin(), path.end());
  if (rest != folder.end() || down == path.end()) return std::nullopt;
  fs::path way;
  for (auto part = down; part != path.end(); ++part) way /= *part;
  return way.string();
}

// Whether `inner` lies in `outer` where nothing else may.
bool IsTaken(const Place& outer, const Place& inner) {
  const std::optional<std::string> way = WayDown(outer.path, inner.path);
  if (!way) return false;
  if (!outer.is_folder) return outer.kind().is_written;  // a file cannot hold another
  const std::string name = inner.is_folder ? *way + "/" : *way;
  const std::vector<std::string>& own = outer.kind().own;
  return std::any_of(own.begin(), own.end(),
                     [&name](const std::string& pattern) { return MatchesGlob(pattern, name); });
}

absl::Status Conflict(const std::string& problem) {
  return absl::AlreadyExistsError(problem + "; choose another name");
}

// What is wrong with `output` where `other` is.
absl::Status Compare(const Place& output, const Place& other) {
  if (AreSame(output, other)) {
    if (!other.kind().is_written) {
      return Conflict(absl::StrCat(output.Shown(), " is the input ", other.Shown(), " itself"));
    }
    return Conflict(
        absl::StrCat(output.Shown(), " and ", other.Shown(), " are one path, expected two"));
  }
  if (IsTaken(other, output)) {
    return Conflict(absl::StrCat(output.Shown(), " lies in ", other.Shown(), ", which ",
                                 other.kind().is_written ? "is written" : "is read"));
  }
  if (!IsTaken(output, other)) return absl::OkStatus();
  return Conflict(
      absl::StrCat(other.Shown(), " lies in ", output.Shown(), ", which is written there"));
}

// A file of a model's external data that an output would replace. They lie in the model's own
// folder, so only for an output there is the model looked into.
absl::Status CheckExternalData(const Place& model, const std::vector<Place>& places) {
  const fs::path folder = Resolved((fs::path(model.source.path).parent_path() / ".").string());
  const auto is_near = [&](const Place& place) {
    std::error_code ignored;
    return place.kind().is_written && !place.is_folder && fs::exists(place.path, ignored) &&
           (WayDown(folder, place.path) || WayDown(model.path.parent_path(), place.path));
  };
  if (std::none_of(places.begin(), places.end(), is_near)) return absl::OkStatus();
  for (const std::string& file : ExternalFilesOf(model.source.path)) {
    for (const Place& output : places) {
      std::error_code ignored;
      if (!output.kind().is_written || !fs::equivalent(output.path, file, ignored)) continue;
      return Conflict(absl::StrCat(output.Shown(), " is the input \"", file,
                                   "\" itself, external data of ", model.Shown()));
    }
  }
  return absl::OkStatus();
}

// A folder may be missing with those above it.
absl::Status CheckCanCreateFolder(const Place& place) {
  std::error_code ignored;
  fs::path existing = place.path;
  while (!fs::exists(existing, ignored) && existing.has_relative_path()) {
    existing = existing.parent_path();
  }
  if (fs::is_directory(existing, ignored) && access(existing.c_str(), W_OK | X_OK) == 0) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(absl::StrCat(
      place.Shown(), ": cannot create the folder: \"", existing.string(), "\" is no folder that ",
      "may be written to; choose a place where you may write"));
}

absl::Status CheckOutput(const Place& place) {
  if (place.source.path == "-") {
    return UsageError(absl::StrCat(place.Shown(), ": found the sign for standard output, expected ",
                                   "the name of a file; ./- is the file of that name"));
  }
  if (place.is_folder) return CheckCanCreateFolder(place);
  // Dropped at once, the file leaves nothing behind.
  return AtomicFile::Create(place.source.path).status();
}

}  // namespace

std::vector<CommandPath> GivenPaths(const OptionSet& options) {
  std::vector<CommandPath> paths;
  for (const Option& option : options.options()) {
    if (!option.path) continue;
    const bool is_grouped =
        std::holds_alternative<std::vector<std::vector<std::string>>*>(option.target);
    for (const std::string& text : option.given) {
      std::vector<std::string> together = {text};
      if (is_grouped) together = absl::StrSplit(text, '\n');
      for (const std::string& path : together) {
        paths.push_back({option.ShownName(), path, *option.path});
      }
    }
  }
  return paths;
}

absl::Status CheckGivenPaths(const OptionSet& options, const PathCompletion& complete) {
  std::vector<CommandPath> paths = GivenPaths(options);
  if (complete) complete(paths);
  return CheckPaths(paths);
}

absl::Status CheckPaths(const std::vector<CommandPath>& paths) {
  std::vector<Place> places;
  for (const CommandPath& path : paths) {
    for (Place& place : PlacesOf(path)) places.push_back(std::move(place));
  }
  for (size_t i = 0; i < places.size(); ++i) {
    if (!places[i].kind().is_written) continue;
    for (size_t j = 0; j < places.size(); ++j) {
      if (i != j) STROP_RETURN_IF_ERROR(Compare(places[i], places[j]));
    }
  }
  for (const Place& place : places) {
    if (place.source.role == PathRole::kModel) {
      STROP_RETURN_IF_ERROR(CheckExternalData(place, places));
    }
  }
  for (const Place& place : places) {
    if (place.kind().is_written) STROP_RETURN_IF_ERROR(CheckOutput(place));
  }
  return absl::OkStatus();
}

}  // namespace strop
