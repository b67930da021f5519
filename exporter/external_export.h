#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "exporter/exporter.h"
#include "exporter/weight_file.h"
#include "importer/model_layout.h"

namespace strop {

// The external data of one export. A file none of whose tensors changes stays what the model calls
// it: it is there already, or is copied there. All others become WeightFiles.
class ExternalExport {
 public:
  // All must outlive the object. `output_path` is the new model's.
  ExternalExport(const ImportedModel& model, std::string_view bytes, const ModelLayout& layout,
                 std::string output_path)
      : model_(model), bytes_(bytes), layout_(layout), output_path_(std::move(output_path)) {}

  // Finds the tensors that lie in external data, and opens the files.
  absl::Status Index();

  bool Holds(int tensor) const { return places_.contains(tensor); }
  bool holds_any() const { return !places_.empty(); }
  // The bytes that an external tensor has now.
  std::string_view Original(int tensor) const;
  // Notes new elements of an external tensor, of the type and shape that it has. They are made when
  // they are written.
  void Replace(int tensor, TensorMaker make) { changed_[tensor] = std::move(make); }

  // Writes the files. Adds to `splices` what changes in the model.
  absl::Status Write(std::vector<Splice>& splices, ExportNotes& notes);
  // The model that reads them is there: they stay.
  void Keep() { made_.Keep(); }

 private:
  struct Place {
    std::string location;
    uint64_t offset = 0;
    size_t length = 0;
    std::shared_ptr<const MappedFile> file;
  };

  // Whether the file that is called so serves the new model unchanged; copies it if nothing is.
  absl::StatusOr<bool> Stays(const std::string& location);
  // Writes a file with the changed ones of `tensors` in place and answers its name.
  absl::StatusOr<std::string> WriteChanged(const std::vector<int>& tensors,
                                           std::vector<Splice>& splices);
  // Makes tensors read the file of that name; `is_changed` says that it has other content.
  absl::Status Rename(const std::vector<int>& tensors, const std::string& location, bool is_changed,
                      std::vector<Splice>& splices) const;

  const ImportedModel& model_;
  std::string_view bytes_;
  const ModelLayout& layout_;
  std::string output_path_;
  std::map<int, Place> places_;  // by number of the tensor
  std::map<int, TensorMaker> changed_;
  MadeFiles made_;
};

}  // namespace strop
