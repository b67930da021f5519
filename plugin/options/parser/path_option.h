#pragma once

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <optional>
#include <string>
#include <vector>

namespace strop {

// What a command does with what an option names.
enum class PathRole {
  kModel,       // reads a model, and the files of its external data
  kInputFile,   // reads a file
  kData,        // reads a file, two as "images,labels", or a folder of classes
  kInputRun,    // reads the folder that a training has kept itself in
  kOutputFile,  // writes a file
  kRun,         // keeps a training in a folder
  kStudy,       // keeps the trials of a search in a folder
  kAdapter,     // writes an adapter for PEFT, a folder
};

// What is known of a role, for whoever compares paths or lists options.
struct PathKind {
  PathRole role;
  std::string name;
  std::string type_name;  // as --help shows it
  bool is_written = false;
  bool is_folder = false;
  // What a folder has that is read or written with it, as patterns of paths in it; those of folders
  // end with a slash. Else other files may lie there.
  std::vector<std::string> own = {};
};

const std::vector<PathKind>& AllPathKinds();
const PathKind& KindOf(PathRole role);

// Accepts any text but the empty one, and marks its option as one that names files.
CLI::Validator IsPath(PathRole role);

// The only way to add an option that names files: a text, or several.
template <typename Value>
CLI::Option* AddPathOption(CLI::App& app, const std::string& name, Value& value, PathRole role,
                           const std::string& description) {
  return app.add_option(name, value, description)
      ->check(IsPath(role))
      ->type_name(KindOf(role).type_name);
}

// Nothing for an option that names no files.
std::optional<PathRole> PathRoleOf(CLI::Option& option);

// The option as a message names it: "-o", "--page", "MODEL".
std::string ShownName(const CLI::Option& option);

}  // namespace strop
