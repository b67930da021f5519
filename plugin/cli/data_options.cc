#include "plugin/cli/data_options.h"

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/cli/model_options.h"

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

CLI::Validator IsBatchSize() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        int64_t number = 0;
        if (text == "full" || (absl::SimpleAtoi(text, &number) && number > 0)) return "";
        return absl::StrCat("found \"", text, "\", expected a number from 1 on, or full");
      },
      "N|full", "batch size");
}

std::vector<InputInterface> InputsOf(const Graph& graph) {
  std::vector<InputInterface> inputs;
  for (const ValueId id : graph.inputs) inputs.push_back({graph.value(id).name, graph.type(id)});
  return inputs;
}

}  // namespace

void AddDataOptions(CLI::App& app, DataArguments& arguments) {
  const std::string group = "Data";
  app.add_option("--data", arguments.location,
                 ".npz, .npy, .csv, a folder class/image.jpg|png, or IDX as images.gz,labels.gz")
      ->required()
      ->group(group);
  app.add_option("--target", arguments.target, "Array or column that holds the label")
      ->capture_default_str()
      ->group(group);
  app.add_option("--resize", arguments.resize, "Images: resize, bilinear")
      ->check(IsSize())
      ->group(group);
  app.add_option("--pad", arguments.pad,
                 "Images: pad with zeros on the right and below, after the normalization")
      ->check(IsSize())
      ->group(group);
  app.add_option("--mean", arguments.mean,
                 "Images: subtracted from pixels between 0 and 1; one number or one a channel")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->group(group);
  app.add_option("--std", arguments.std, "Images: what the difference is divided by")
      ->delimiter(',')
      ->allow_extra_args(false)
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

absl::StatusOr<std::unique_ptr<DataSource>> OpenFor(const ImportedModel& model,
                                                    const std::string& location,
                                                    const DataArguments& arguments,
                                                    const std::vector<std::string>& class_names) {
  DataOptions options;
  options.target = arguments.target;
  options.class_names = class_names;
  if (!arguments.resize.empty()) options.images.resize = ParseSize(arguments.resize);
  if (!arguments.pad.empty()) options.images.pad = ParseSize(arguments.pad);
  options.images.mean = arguments.mean;
  options.images.std = arguments.std;
  options.augmentation = arguments.augmentation;
  if (!arguments.layout.empty()) options.images.layout = LayoutOf(arguments.layout);
  return OpenData(location, InputsOf(model.graph), options);
}

ImageLayout LayoutOf(const std::string& text) {
  return text == "nhwc" ? ImageLayout::kChannelsLast : ImageLayout::kChannelsFirst;
}

int64_t BatchSizeOf(const std::string& text, const ImportedModel& model, int64_t otherwise) {
  int64_t size = 0;
  if (text == "full") return 0;
  if (absl::SimpleAtoi(text, &size)) return size;
  for (const ValueId id : model.graph.inputs) {
    const std::optional<Shape>& shape = model.graph.type(id).shape;
    if (shape && !shape->empty() && shape->front() > 0) return shape->front();
  }
  return otherwise;
}

}  // namespace strop
