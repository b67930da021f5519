#include "plugin/options/data_options.h"

#include <cmath>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/model_options.h"
#include "plugin/options/table/path_role.h"

namespace strop {
namespace {

std::optional<ImageSize> ParseSize(const std::string& text) {
  const size_t by = text.find('x');
  ImageSize size;
  if (by == std::string::npos || !absl::SimpleAtoi(text.substr(0, by), &size.height) ||
      !absl::SimpleAtoi(text.substr(by + 1), &size.width) || size.height < 1 || size.width < 1 ||
      size.height > 65536 || size.width > 65536) {
    return std::nullopt;
  }
  return size;
}

std::string SizeProblem(const std::string& text) {
  return ParseSize(text) ? "" : absl::StrCat("found \"", text, "\", expected HEIGHTxWIDTH");
}

std::string BatchSizeProblem(const std::string& text) {
  int64_t number = 0;
  if (text == "full" || (absl::SimpleAtoi(text, &number) && number > 0)) return "";
  return absl::StrCat("found \"", text, "\", expected a number from 1 on, or full");
}

}  // namespace

void AddDataOptions(OptionSet& options, DataArguments& arguments) {
  options.Add(
      kDataGroup,
      {{.name = "data",
        .target = &arguments.location,
        .path = PathRole::kData,
        .is_required = true,
        .is_common = true,
        .may_change_on_resume = true,
        .comparison = Comparison::kInput,
        .help = ".npz, .npy, .csv (with a header; commas, or only semicolons or only tabs between "
                "columns), a folder class/picture (JPEG, PNG, BMP, GIF, PNM, TIFF, WebP), or IDX "
                "as images.gz,labels.gz; told apart by content"},
       {.name = "target",
        .target = &arguments.target,
        .value_name = "NAME",
        .has_default = true,
        .is_common = true,
        .comparison = Comparison::kInput,
        .help = "Array or column that holds the label; input: the input itself, for autoencoders"},
       {.name = "resize",
        .target = &arguments.resize,
        .value_name = "HEIGHTxWIDTH",
        .unit = "pixels",
        .problem = SizeProblem,
        .help = "Images: resize, bilinear"},
       {.name = "pad",
        .target = &arguments.pad,
        .value_name = "HEIGHTxWIDTH",
        .unit = "pixels",
        .problem = SizeProblem,
        .help = "Images: pad with zeros on the right and below, after the normalization"},
       {.name = "mean",
        .target = &arguments.mean,
        .help = "Subtracted: one number or one per channel of pictures, whose pixels, and those of "
                "uint8 arrays of pictures, are scaled by 1/255 first; other numbers are not "
                "scaled, of tables it may be one per column"},
       {.name = "std",
        .target = &arguments.std,
        .range = kAboveZero,
        .help = "What the difference is divided by, as many"},
       {.name = "no-pixel-scaling",
        .target = &arguments.no_pixel_scaling,
        .help = "Leave pixels from 0 to 255; --mean and --std are of these then"},
       {.name = "ignore-orientation",
        .target = &arguments.ignore_orientation,
        .help = "Take pictures as stored, not upright as their EXIF orientation says"},
       {.name = "skip-damaged",
        .target = &arguments.skip_damaged,
        .help = "Leave damaged pictures of a folder out, and say how many they are"},
       {.name = "layout",
        .target = &arguments.layout,
        .choices = {"nchw", "nhwc"},
        .help = "Images: where the channels are; by default as the model's input has them"}});
}

void AddSampleWeightOption(OptionSet& options, DataArguments& arguments) {
  options.Add(kDataGroup,
              {{.name = "sample-weight",
                .target = &arguments.sample_weight,
                .value_name = "NAME",
                .help = "Array or column of one number a sample, from 0 on, by which its loss and "
                        "its part in metrics is multiplied: losses are weighted means"}});
}

void AddBatchSizeOption(OptionSet& options, std::string& batch_size) {
  options.Add(kDataGroup, {{.name = "batch-size",
                            .target = &batch_size,
                            .value_name = "N|full",
                            .unit = "samples",
                            .problem = BatchSizeProblem,
                            .is_common = true,
                            .comparison = Comparison::kMain,
                            .help = "Samples a step; full: all of them"}});
}

void AddPaddingOptions(OptionSet& options, DataArguments& arguments) {
  options.Add(
      kDataGroup,
      {{.name = "pad-to-multiple-of",
        .target = &arguments.pad_to_multiple_of,
        .unit = "positions",
        .range = kFromOne,
        .help = "Sequences: cut each batch to its longest sample, rounded up to a multiple of "
                "this; how long samples are, the input that is a mask says, or the array of "
                "--length-column-name"},
       {.name = "length-column-name",
        .target = &arguments.length_column_name,
        .value_name = "NAME",
        .has_default = true,
        .comparison = Comparison::kInput,
        .help = "Array that holds how long each sample is without its padding, where there is "
                "one; it counts before the mask"}});
}

void AddGroupByLengthOption(OptionSet& options, bool& groups) {
  options.Add(kDataGroup,
              {{.name = "group-by-length",
                .target = &groups,
                .excludes = {"no-shuffle"},
                .help = "Sequences: make batches of samples of like length and cut them, by "
                        "default to multiples of 8 (--pad-to-multiple-of)"}});
}

PaddingOptions PaddingOptionsOf(const DataArguments& arguments) {
  PaddingOptions padding;
  padding.groups_by_length = arguments.group_by_length;
  padding.multiple = arguments.pad_to_multiple_of.value_or(arguments.group_by_length ? 8 : 0);
  padding.length_name = arguments.length_column_name;
  return padding;
}

DataOptions DataOptionsOf(const DataArguments& arguments) {
  DataOptions options;
  options.target = arguments.target;
  options.sample_weight = arguments.sample_weight;
  options.needs_weights = arguments.needs_weights;
  if (!arguments.resize.empty()) options.images.resize = ParseSize(arguments.resize);
  if (!arguments.pad.empty()) options.images.pad = ParseSize(arguments.pad);
  options.images.mean = arguments.mean;
  options.images.std = arguments.std;
  options.images.scales_pixels = !arguments.no_pixel_scaling;
  if (arguments.ignore_orientation) options.images.orientation = Orientation::kAsStored;
  if (!arguments.layout.empty()) options.images.layout = LayoutOf(arguments.layout);
  options.skips_damaged = arguments.skip_damaged;
  const PaddingOptions padding = PaddingOptionsOf(arguments);
  if (padding.cuts()) options.length_name = padding.length_name;
  options.augmentation = AugmentationOptionsOf(arguments.augmentation);
  options.listener.on_note = arguments.listener.note;
  options.listener.on_progress = [listener = arguments.listener](int64_t done, int64_t total) {
    listener.progress("checking pictures", done, total);
  };
  return options;
}

namespace {

absl::StatusOr<DataOptions> OptionsFor(const ImportedModel& model, const DataArguments& arguments,
                                       const std::vector<std::string>& class_names) {
  DataOptions options = DataOptionsOf(arguments);
  options.class_names = class_names;
  if (class_names.empty()) {
    STROP_ASSIGN_OR_RETURN(options.class_names, KnownClassNames(arguments, &model));
  }
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataSource>> OpenFor(const ImportedModel& model,
                                                    const std::string& location,
                                                    const DataArguments& arguments,
                                                    const std::vector<std::string>& class_names) {
  STROP_ASSIGN_OR_RETURN(const DataOptions options, OptionsFor(model, arguments, class_names));
  return OpenData(location, InputsOf(model.graph), options);
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenGivenFor(
    const ImportedModel& model, const GivenData& data, const DataArguments& arguments,
    const std::vector<std::string>& class_names) {
  STROP_ASSIGN_OR_RETURN(const DataOptions options, OptionsFor(model, arguments, class_names));
  return OpenGiven(data, InputsOf(model.graph), options);
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenSamplesFor(const ImportedModel& model,
                                                           const DataArguments& arguments) {
  DataOptions options = DataOptionsOf(arguments);
  options.reads_labels = false;
  return OpenData(arguments.location, InputsOf(model.graph), options);
}

ImageLayout LayoutOf(const std::string& text) {
  return text == "nhwc" ? ImageLayout::kChannelsLast : ImageLayout::kChannelsFirst;
}

int64_t BatchSizeOf(const std::string& text, const ImportedModel& model, int64_t otherwise) {
  int64_t size = 0;
  if (text == "full") return 0;
  if (absl::SimpleAtoi(text, &size)) return size;
  const int64_t fixed = FixedBatchSize(InputsOf(model.graph));
  return fixed > 0 ? fixed : otherwise;
}

}  // namespace strop
