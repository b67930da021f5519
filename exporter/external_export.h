#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "exporter/atomic_file.h"
#include "exporter/exporter.h"
#include "importer/model_layout.h"

namespace strop {

// The external data files of one export: copies of the input's with the changed tensors in place.
class ExternalExport {
 public:
  // All must outlive the object. `output_path` is the new model's.
  ExternalExport(const ImportedModel& model, std::string_view bytes, const ModelLayout& layout,
                 std::string output_path)
      : model_(model), bytes_(bytes), layout_(layout), output_path_(std::move(output_path)) {}

  // Finds the tensors that lie in external data.
  absl::Status Index();

  bool Holds(int tensor) const { return places_.contains(tensor); }
  // The bytes that an external tensor has now.
  absl::StatusOr<std::string_view> Original(int tensor) const;
  // Notes new bytes of an external tensor, as many as it has.
  void Replace(int tensor, std::string new_bytes) { changed_[tensor] = std::move(new_bytes); }

  // Writes the files under temporary names. Adds to `splices` what changes in the model.
  absl::Status Write(std::vector<Splice>& splices, ExportNotes& notes);
  // Gives them their names.
  absl::Status Commit();

 private:
  struct Place {
    std::string location;
    uint64_t offset = 0;
    size_t length = 0;
  };

  absl::Status WriteLocation(const std::string& location, std::vector<Splice>& splices,
                             ExportNotes& notes);
  // Where the copy goes; empty when the input's own file serves.
  absl::StatusOr<std::string> TargetOf(const std::string& location, bool is_changed) const;
  bool OverlapsAnother(int tensor) const;

  const ImportedModel& model_;
  std::string_view bytes_;
  const ModelLayout& layout_;
  std::string output_path_;
  std::map<int, Place> places_;  // by number of the tensor
  std::map<int, std::string> changed_;
  std::vector<AtomicFile> files_;
};

}  // namespace strop
