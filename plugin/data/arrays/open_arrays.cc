#include "plugin/data/arrays/open_arrays.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/array_source.h"
#include "plugin/data/arrays/normalized_arrays.h"
#include "plugin/data/images/augmented_arrays.h"
#include "plugin/data/images/picture_shape.h"
#include "plugin/data/sample_field.h"
#include "plugin/data/sample_weights.h"

namespace strop {
namespace {

// Fields that feed the inputs, one per input.
absl::StatusOr<std::vector<size_t>> FieldsOf(const DataSource& source,
                                             const std::vector<InputInterface>& inputs) {
  std::vector<size_t> fields;
  for (const InputInterface& input : inputs) {
    STROP_ASSIGN_OR_RETURN(fields.emplace_back(), SampleField(source, input, inputs.size() == 1));
  }
  return fields;
}

void NoteUnread(const DataSource& source, const std::vector<size_t>& read,
                const DataOptions& options) {
  std::vector<std::string> unread;
  for (size_t i = 0; i < source.fields().size(); ++i) {
    const DataField& field = source.fields()[i];
    if (field.name == kTargetField || field.name == options.length_name || field.is_weight) {
      continue;
    }
    if (std::find(read.begin(), read.end(), i) != read.end()) continue;
    unread.push_back(absl::StrCat("\"", field.name, "\""));
  }
  if (unread.empty()) return;
  options.listener.Note(
      absl::StrCat("data: \"", source.origin(), "\": nothing reads ", absl::StrJoin(unread, ", ")));
}

bool IsPictureField(const DataField& field, const TensorType& input, bool are_pictures) {
  const size_t rank = field.shape.size();
  if (field.type != DataType::kUint8 || (rank != 2 && rank != 3)) return false;
  if (are_pictures || !input.shape || input.shape->size() == 4) return true;
  return input.shape->size() == 2 && IsFloating(input.element_type);
}

// Pictures of several inputs: scaled, in the order of axes that they have.
absl::StatusOr<std::unique_ptr<DataSource>> ScalePictures(std::unique_ptr<DataSource> source,
                                                          const std::vector<InputInterface>& inputs,
                                                          const std::vector<size_t>& fields,
                                                          const DataOptions& options) {
  std::vector<FieldNormalization> scaled;
  std::vector<std::string> names;
  for (size_t i = 0; i < inputs.size() && options.images.scales_pixels; ++i) {
    const DataField& field = source->fields()[fields[i]];
    if (!IsPictureField(field, inputs[i].type, false)) continue;
    if (!IsFloating(inputs[i].type.element_type)) continue;
    scaled.push_back({fields[i], 1.0 / 255, {0}, {1}});
    names.push_back(absl::StrCat("\"", field.name, "\""));
  }
  if (!names.empty()) {
    options.listener.Note(absl::StrCat("data: \"", source->origin(), "\": ",
                                       absl::StrJoin(names, ", "), ": pixels scaled by 1/255"));
  }
  return NormalizeArrays(std::move(source), std::move(scaled));
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenPictureField(std::unique_ptr<DataSource> source,
                                                             size_t field,
                                                             const PictureShape& shape,
                                                             const InputInterface& input,
                                                             DataOptions options) {
  // Flattened, they keep the order of axes that they have.
  const bool is_flat = input.type.shape && input.type.shape->size() == 2;
  if (is_flat && !options.images.layout) options.images.layout = shape.layout;
  ImageSet images = ImagesOfSamples(std::move(source), field, shape);
  images.class_names = options.class_names;
  return OpenImages(std::move(images), input, options);
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataSource>> OpenImages(ImageSet images, const InputInterface& input,
                                                       const DataOptions& options) {
  if (images.fetch) STROP_RETURN_IF_ERROR(images.fetch({0}, {}));
  STROP_ASSIGN_OR_RETURN(const Image first, images.decode(0));
  STROP_ASSIGN_OR_RETURN(ImageTransform transform,
                         ImageTransform::Create(options.images, input.type, first));
  for (size_t i = 0; i < images.sizes.size(); ++i) {
    const absl::Status status = transform.CheckSize(images.sizes[i]);
    if (status.ok()) continue;
    return absl::InvalidArgumentError(absl::StrCat("data: ", images.NameOf(static_cast<int64_t>(i)),
                                                   ": ", std::string(status.message())));
  }
  if (options.augmentation.has_color()) {
    STROP_RETURN_IF_ERROR(CheckColorChannels(images.origin, transform.channels()));
  }
  const std::string classes =
      images.class_names.empty()
          ? ""
          : absl::StrCat(" in ", Counted(static_cast<int64_t>(images.class_names.size()), "class",
                                         "classes"));
  options.listener.Note(absl::StrCat("data: \"", images.origin,
                                     "\": ", Counted(images.count, "picture", "pictures"), classes,
                                     ", ", transform.description()));
  return MakeImageSource(std::move(images), input.name, std::move(transform), options.augmentation);
}

absl::StatusOr<std::unique_ptr<DataSource>> NormalizeInput(
    std::unique_ptr<DataSource> source, const std::vector<InputInterface>& inputs,
    const DataOptions& options) {
  const ImageOptions& images = options.images;
  const std::string where = absl::StrCat("data: \"", source->origin(), "\": ");
  if (images.changes_size()) {
    return absl::InvalidArgumentError(absl::StrCat(
        where, "found numbers, expected pictures for ", images.resize ? "--resize" : "--pad",
        ": a folder, IDX or a uint8 array for one input of rank 4"));
  }
  if (!images.normalizes()) return source;
  if (inputs.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, "--mean and --std take a model with one input, found ", inputs.size()));
  }
  const TensorType& input = inputs[0].type;
  STROP_RETURN_IF_ERROR(CheckTakesFractions(input));
  FieldNormalization how;
  STROP_ASSIGN_OR_RETURN(how.field, FieldForInput(*source, inputs[0].name, true));
  const DataField& field = source->fields()[how.field];
  int64_t channels = field.shape.size() == 1 ? field.shape[0] : 1;
  if (field.shape.size() == 3) {
    const PictureShape shape = *PictureShapeIn(field.shape, ImageLayoutOf(images, input));
    channels = shape.channels;
    if (shape.layout == ImageLayout::kChannelsFirst) how.inner = shape.height * shape.width;
  }
  STROP_ASSIGN_OR_RETURN(how.mean, PerChannel(images.mean, channels, 0, "--mean"));
  STROP_ASSIGN_OR_RETURN(how.std, PerChannel(images.std, channels, 1, "--std"));
  options.listener.Note(
      absl::StrCat(where, "\"", field.name, "\": numbers not scaled", NormalizationName(images)));
  std::vector<FieldNormalization> normalizations;
  normalizations.push_back(std::move(how));
  return NormalizeArrays(std::move(source), std::move(normalizations));
}

absl::Status RenameTarget(const std::string& location, const DataOptions& options,
                          absl::Span<std::string* const> names) {
  if (options.target == kInputTarget) return absl::OkStatus();
  const auto target = std::find_if(
      names.begin(), names.end(), [&](const std::string* name) { return *name == options.target; });
  if (target != names.end()) {
    **target = std::string(kTargetField);
  } else if (options.target != kTargetField) {
    const auto append_name = [](std::string* out, const std::string* name) {
      absl::StrAppend(out, *name);
    };
    return absl::InvalidArgumentError(absl::StrCat("data: \"", location, "\": found no array \"",
                                                   options.target, "\" as --target says; it has ",
                                                   absl::StrJoin(names, ", ", append_name)));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenSamples(std::unique_ptr<DataSource> source,
                                                        const std::vector<InputInterface>& inputs,
                                                        const DataOptions& options,
                                                        bool are_pictures) {
  STROP_ASSIGN_OR_RETURN(source, MarkWeights(std::move(source), options));
  if (inputs.empty()) return NormalizeInput(std::move(source), inputs, options);
  STROP_ASSIGN_OR_RETURN(const std::vector<size_t> fields, FieldsOf(*source, inputs));
  NoteUnread(*source, fields, options);
  const DataField& field = source->fields()[fields[0]];
  const bool has_samples = source->sample_count() > 0 && ElementCount(field.shape) > 0;
  if (inputs.size() == 1 && has_samples && IsPictureField(field, inputs[0].type, are_pictures)) {
    const PictureShape shape = *PictureShapeFor(field.shape, options.images, inputs[0].type);
    return OpenPictureField(std::move(source), fields[0], shape, inputs[0], options);
  }
  STROP_ASSIGN_OR_RETURN(
      source, AugmentArrays(std::move(source), inputs, options.images, options.augmentation));
  if (inputs.size() > 1) {
    STROP_ASSIGN_OR_RETURN(source, ScalePictures(std::move(source), inputs, fields, options));
  }
  return NormalizeInput(std::move(source), inputs, options);
}

absl::StatusOr<std::unique_ptr<DataSource>> OpenArrays(const std::string& location,
                                                       std::vector<NamedTensor> arrays,
                                                       const std::vector<InputInterface>& inputs,
                                                       const DataOptions& options,
                                                       bool are_pictures) {
  std::vector<std::string*> names;
  for (NamedTensor& array : arrays) names.push_back(&array.name);
  STROP_RETURN_IF_ERROR(RenameTarget(location, options, names));
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<DataSource> source,
                         ArraySource::Create(location, std::move(arrays), options.class_names));
  return OpenSamples(std::move(source), inputs, options, are_pictures);
}

}  // namespace strop
