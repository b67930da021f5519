#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "importer/importer.h"
#include "plugin/options/data_options.h"
#include "plugin/options/table/option_set.h"

namespace strop {

// Adds --class-names: for every command that reads labels.
void AddClassNamesOption(OptionSet& options, DataArguments& arguments);

// The names of a model's classes in the order of its outputs: as typed, else as its metadata have
// them for one of its outputs. Empty where nobody says, and for a new head. `model` may be null.
absl::StatusOr<std::vector<std::string>> KnownClassNames(const DataArguments& arguments,
                                                         const ImportedModel* model);

// The file of a run's folder that --class-names RUN reads.
std::string ClassNamesFile(const std::string& run_directory);
std::string ClassNamesJson(absl::Span<const std::string> names);

// Adds --write-class-names: for commands that export a model.
void AddWriteClassNamesOption(OptionSet& options, bool& writes);

// Puts `names` into the metadata of the file that will be exported, where the user wants them
// there, and where those of a head that was replaced would be wrong.
absl::Status NameExportedClasses(bool is_wanted, const std::vector<std::string>& names,
                                 const Listener& listener, ImportedModel& model);

// The words that give a later command these names: the list itself where it is short, else
// `source`, the data or the run that has them.
std::string ClassNamesWords(absl::Span<const std::string> names, const std::string& source);

}  // namespace strop
