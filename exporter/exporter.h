#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "graph/tensor.h"
#include "importer/importer.h"

namespace strop {

// What the caller should tell the user, one line each; empty for a plain patch.
struct ExportNotes {
  std::vector<std::string> lines;
};

// Writes the imported file with the elements of `trained` (by Parameter::name, in any floating type
// and the parameter's shape) in place of its own. Everything else is kept to the byte; with nothing
// changed the file is the input's equal. Tensors stay in the form that the file gave them: raw or
// typed data, or external data at the same offset. External data that have not changed keep their
// file's name, changed ones get a file of their own (see WeightFile): no file is replaced but the
// one at `path`.
//
// One change can go further: an Identity of a constant whose values have parted from it becomes an
// initializer.
//
// The model appears last, complete, or not at all. FailedPrecondition when an element that has
// changed is not finite in the type that the file keeps it in. Errors are one line "export: …";
// codes as in importer.h. Not for use while another thread exports to the same path.
absl::StatusOr<ExportNotes> ExportModel(const ImportedModel& model,
                                        const std::map<std::string, Tensor>& trained,
                                        const std::string& path);

// The same with tensors that are made as they are written, one at a time: a large model is not held
// twice.
using TensorMaker = std::function<absl::StatusOr<Tensor>()>;
absl::StatusOr<ExportNotes> ExportModelInTurn(const ImportedModel& model,
                                              const std::map<std::string, TensorMaker>& trained,
                                              const std::string& path);

// The same file in memory. External data are taken in, as raw data; InvalidArgument where that is
// more than protobuf holds.
absl::StatusOr<std::string> SerializeModelInTurn(const ImportedModel& model,
                                                 const std::map<std::string, TensorMaker>& trained);

// A model as it is, with its external data, under the same rules.
absl::StatusOr<ExportNotes> CopyModel(const std::string& from, const std::string& to);

// Refuses what ExportModel would refuse: as path the input's own name or an unwritable place, and a
// data file of the model that is missing. For a check before training.
absl::Status CheckExportPath(const ImportedModel& model, const std::string& path);

}  // namespace strop
