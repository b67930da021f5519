#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/data/given_data.h"
#include "plugin/data/open_data.h"
#include "plugin/data/sequence_padding.h"
#include "plugin/options/augmentation_options.h"
#include "plugin/options/listener.h"
#include "plugin/options/table/option_set.h"

namespace strop {

// The heading of options about data.
inline constexpr char kDataGroup[] = "Data";

// The data that a command reads, as typed.
struct DataArguments {
  std::string location;
  std::string target = std::string(kTargetField);
  std::string sample_weight;             // see AddSampleWeightOption
  bool needs_weights = true;             // see DataOptions
  std::vector<std::string> class_names;  // see AddClassNamesOption
  std::string resize;
  std::string pad;
  std::vector<double> mean;
  std::vector<double> std;
  bool no_pixel_scaling = false;
  bool ignore_orientation = false;
  bool skip_damaged = false;
  std::string layout;
  AugmentationArguments augmentation;  // of what is trained on
  Listener listener;
  std::string batch_size;  // a number or "full"; empty: the command's default
  std::optional<int64_t> pad_to_multiple_of;
  std::string length_column_name = PaddingOptions().length_name;
  bool group_by_length = false;  // of what is trained on
};

void AddDataOptions(OptionSet& options, DataArguments& arguments);
// Of commands that have a loss.
void AddSampleWeightOption(OptionSet& options, DataArguments& arguments);
void AddBatchSizeOption(OptionSet& options, std::string& batch_size);
// What batches of sequences are cut to.
void AddPaddingOptions(OptionSet& options, DataArguments& arguments);
void AddGroupByLengthOption(OptionSet& options, bool& groups);

// As typed; the listener gets notes, and the progress of checking pictures.
DataOptions DataOptionsOf(const DataArguments& arguments);

// As typed; batches that are grouped by length are cut, too.
PaddingOptions PaddingOptionsOf(const DataArguments& arguments);

// Opens `location` for the model's inputs and labels. Its classes are `class_names`, see
// DataOptions; when these are empty, those that are known of the model.
absl::StatusOr<std::unique_ptr<DataSource>> OpenFor(const ImportedModel& model,
                                                    const std::string& location,
                                                    const DataArguments& arguments,
                                                    const std::vector<std::string>& class_names);

// The same of data that the program has itself.
absl::StatusOr<std::unique_ptr<DataSource>> OpenGivenFor(
    const ImportedModel& model, const GivenData& data, const DataArguments& arguments,
    const std::vector<std::string>& class_names);

// Opens arguments.location for the model's inputs alone.
absl::StatusOr<std::unique_ptr<DataSource>> OpenSamplesFor(const ImportedModel& model,
                                                           const DataArguments& arguments);

// "nchw" or "nhwc".
ImageLayout LayoutOf(const std::string& text);

// "full" is 0, all samples at once; `otherwise` when nothing was typed, or the model's own batch
// size when it takes no other.
int64_t BatchSizeOf(const std::string& text, const ImportedModel& model, int64_t otherwise);

}  // namespace strop
