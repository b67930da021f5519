#pragma once

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
  std::string value_name;  // as --help shows it
  bool is_written = false;
  bool is_folder = false;
  // What a folder has that is read or written with it, as patterns of paths in it; those of folders
  // end with a slash. Else other files may lie there.
  std::vector<std::string> own = {};
};

const std::vector<PathKind>& AllPathKinds();
const PathKind& KindOf(PathRole role);

}  // namespace strop
