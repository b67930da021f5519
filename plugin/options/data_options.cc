#include "plugin/options/data_options.h"

#include <cmath>
#include <cstdio>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/cli/terminal/progress_bar.h"
#include "plugin/options/class_name_options.h"
#include "plugin/options/model_options.h"
#include "plugin/options/parser/path_option.h"

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

CLI::Validator IsSize() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        return ParseSize(text) ? "" : absl::StrCat("found \"", text, "\", expected HEIGHTxWIDTH");
      },
      "HEIGHTxWIDTH", "size");
}

CLI::Validator IsNumber(bool (*is_wanted)(double), const std::string& wanted) {
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        double number = 0;
        if (absl::SimpleAtod(text, &number) && std::isfinite(number) && is_wanted(number))
          return "";
        return absl::StrCat("found \"", text, "\", expected ", wanted);
      },
      "NUMBER", "number");
}

CLI::Validator IsFinite() {
  return IsNumber([](double) { return true; }, "a finite number");
}

CLI::Validator IsPositive() {
  return IsNumber([](double number) { return number > 0; }, "a finite number above 0");
}

CLI::Validator IsBatchSize() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        int64_t number = 0;
        if (text == "full" || (absl::SimpleAtoi(text, &number) && number > 0)) return "";
        return absl::StrCat("found \"", text, "\", expected a number from 1 on, or full");
      },
      "N|full", "batch size");
}

}  // namespace

void AddDataOptions(CLI::App& app, DataArguments& arguments) {
  const std::string group = "Data";
  AddPathOption(
      app, "--data", arguments.location, PathRole::kData,
      ".npz, .npy, .csv (with a header; commas, or only semicolons or only tabs between columns), "
      "a "
      "folder class/picture (JPEG, PNG, BMP, GIF, PNM, TIFF, WebP), or IDX as images.gz,labels.gz; "
      "told apart by content")
      ->required()
      ->group(group);
  app.add_option("--target", arguments.target,
                 "Array or column that holds the label; input: the input itself, for autoencoders")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(group);
  app.add_option("--resize", arguments.resize, "Images: resize, bilinear")
      ->check(IsSize())
      ->group(group);
  app.add_option("--pad", arguments.pad,
                 "Images: pad with zeros on the right and below, after the normalization")
      ->check(IsSize())
      ->group(group);
  AddListOption(
      app, "--mean", arguments.mean,
      "Subtracted: one number or one per channel of pictures, whose pixels, and those of "
      "uint8 arrays of pictures, are scaled by 1/255 first; other numbers are not scaled, "
      "of tables it may be one per column")
      ->check(IsFinite())
      ->group(group);
  AddListOption(app, "--std", arguments.std, "What the difference is divided by, as many")
      ->check(IsPositive())
      ->group(group);
  app.add_flag("--no-pixel-scaling", arguments.no_pixel_scaling,
               "Leave pixels from 0 to 255; --mean and --std are of these then")
      ->group(group);
  app.add_flag("--ignore-orientation", arguments.ignore_orientation,
               "Take pictures as stored, not upright as their EXIF orientation says")
      ->group(group);
  app.add_flag("--skip-damaged", arguments.skip_damaged,
               "Leave damaged pictures of a folder out, and say how many they are")
      ->group(group);
  app.add_option("--layout", arguments.layout,
                 "Images: where the channels are; by default as the model's input has them")
      ->check(OneOf({"nchw", "nhwc"}))
      ->group(group);
}

void AddBatchSizeOption(CLI::App& app, std::string& batch_size) {
  app.add_option("--batch-size", batch_size, "Samples a step; full: all of them")
      ->check(IsBatchSize())
      ->group("Data");
}

DataOptions DataOptionsOf(const DataArguments& arguments) {
  DataOptions options;
  options.target = arguments.target;
  if (!arguments.resize.empty()) options.images.resize = ParseSize(arguments.resize);
  if (!arguments.pad.empty()) options.images.pad = ParseSize(arguments.pad);
  options.images.mean = arguments.mean;
  options.images.std = arguments.std;
  options.images.scales_pixels = !arguments.no_pixel_scaling;
  if (arguments.ignore_orientation) options.images.orientation = Orientation::kAsStored;
  if (!arguments.layout.empty()) options.images.layout = LayoutOf(arguments.layout);
  options.skips_damaged = arguments.skip_damaged;
  options.augmentation = arguments.augmentation;
  options.listener.on_note = [](const std::string& line) {
    std::fprintf(stderr, "note: %s\n", line.c_str());
  };
  options.listener.on_progress = [bar = std::shared_ptr<ProgressBar>()](int64_t done,
                                                                        int64_t total) mutable {
    if (bar == nullptr) bar = std::make_shared<ProgressBar>("checking pictures", total);
    bar->Update(done);
    if (done == total) bar.reset();
  };
  return options;
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenFor(const ImportedModel& model,
                                                    const std::string& location,
                                                    const DataArguments& arguments,
                                                    const std::vector<std::string>& class_names) {
  DataOptions options = DataOptionsOf(arguments);
  options.class_names = class_names;
  if (class_names.empty()) {
    STROP_ASSIGN_OR_RETURN(options.class_names, KnownClassNames(arguments, &model));
  }
  return OpenData(location, InputsOf(model.graph), options);
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
