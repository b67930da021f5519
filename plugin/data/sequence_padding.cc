#include "plugin/data/sequence_padding.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <optional>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/sample_field.h"

namespace strop {
namespace {

constexpr int64_t kPiece = 256;  // samples looked at at a time

// Calls `look` with all numbers of a field, sample by sample.
template <typename Look>
absl::Status ForEachSample(DataSource& source, size_t field, const Look& look) {
  const DataField& read = source.fields()[field];
  const auto elements = static_cast<size_t>(ElementCount(read.shape));
  for (int64_t first = 0; first < source.sample_count(); first += kPiece) {
    const int64_t count = std::min(kPiece, source.sample_count() - first);
    std::vector<int64_t> samples(static_cast<size_t>(count));
    std::iota(samples.begin(), samples.end(), first);
    Shape shape = read.shape;
    shape.insert(shape.begin(), count);
    Tensor piece(read.type, std::move(shape));
    STROP_RETURN_IF_ERROR(source.ReadField(field, samples, piece));
    STROP_ASSIGN_OR_RETURN(const std::vector<double> numbers, NumericElements(piece));
    for (int64_t i = 0; i < count; ++i) {
      STROP_RETURN_IF_ERROR(look(first + i, absl::MakeConstSpan(numbers).subspan(
                                                static_cast<size_t>(i) * elements, elements)));
    }
  }
  return absl::OkStatus();
}

std::string InArray(const DataSource& source, const std::string& name) {
  return absl::StrCat("data: \"", source.origin(), "\", \"", name, "\"");
}

bool IsMask(const InputInterface& input) {
  return absl::EndsWith(input.name, "mask") && (!input.type.shape || input.type.shape->size() == 2);
}

bool IsFree(const InputInterface& input, size_t axis) {
  return !input.type.shape ||
         (axis < input.type.shape->size() && (*input.type.shape)[axis] == kUnknownDimension);
}

absl::StatusOr<std::vector<int64_t>> LengthsOfMask(DataSource& source, size_t field) {
  std::vector<int64_t> lengths;
  const std::string where = InArray(source, source.fields()[field].name);
  const auto look = [&](int64_t row, absl::Span<const double> mask) -> absl::Status {
    const auto count = static_cast<int64_t>(mask.size());
    int64_t length = count;
    while (length > 0 && mask[static_cast<size_t>(length) - 1] == 0) --length;
    if (length > 0 && mask[0] == 0) {
      return absl::InvalidArgumentError(absl::StrCat(
          where, ", row ", row, ": found padding in front, expected it behind the sample"));
    }
    lengths.push_back(std::max<int64_t>(length, 1));
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(ForEachSample(source, field, look));
  return lengths;
}

absl::StatusOr<std::vector<int64_t>> LengthsOfArray(DataSource& source, size_t field,
                                                    int64_t padded_length) {
  std::vector<int64_t> lengths;
  const std::string where = InArray(source, source.fields()[field].name);
  if (ElementCount(source.fields()[field].shape) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": found samples of shape ",
                                                   ShapeName(source.fields()[field].shape),
                                                   ", expected one length each"));
  }
  const auto look = [&](int64_t row, absl::Span<const double> length) -> absl::Status {
    const bool fits = length[0] >= 0 && length[0] <= static_cast<double>(padded_length) &&
                      length[0] == std::floor(length[0]);
    if (!fits) {
      return absl::InvalidArgumentError(absl::StrCat(where, ", row ", row, ": found ", length[0],
                                                     ", expected a whole number from 0 to ",
                                                     padded_length, ", as long as the arrays"));
    }
    lengths.push_back(std::max<int64_t>(static_cast<int64_t>(length[0]), 1));
    return absl::OkStatus();
  };
  STROP_RETURN_IF_ERROR(ForEachSample(source, field, look));
  return lengths;
}

absl::Status NoLengths(const DataSource& source, const PaddingOptions& options, size_t masks) {
  const std::string found =
      masks == 0 ? absl::StrCat("no input of the model that is a mask and no array \"",
                                options.length_name, "\"")
                 : absl::StrCat(masks, " inputs of the model that are masks and no array \"",
                                options.length_name, "\"");
  return absl::InvalidArgumentError(
      absl::StrCat("data: \"", source.origin(), "\": --pad-to-multiple-of: found ", found,
                   ", expected one that says how long the samples are"));
}

absl::Status FixedLength(const InputInterface& input) {
  return absl::InvalidArgumentError(
      absl::StrCat("data: --pad-to-multiple-of: the model's input \"", input.name, "\" is ",
                   TypeName(input.type),
                   ", expected one of any length; export it with a dynamic axis, or leave the "
                   "option out"));
}

// Takes the first `to` of `from` positions along the cut axes of `shape`; what is left moves
// together.
void Compact(char*& place, const char* from, absl::Span<const int64_t> shape,
             const std::vector<bool>& is_cut, size_t axis, int64_t length, size_t bytes) {
  if (std::find(is_cut.begin() + static_cast<int64_t>(axis), is_cut.end(), true) == is_cut.end()) {
    const size_t size = static_cast<size_t>(ElementCount(shape.subspan(axis))) * bytes;
    std::memmove(place, from, size);
    place += size;
    return;
  }
  const size_t stride = static_cast<size_t>(ElementCount(shape.subspan(axis + 1))) * bytes;
  const int64_t count = is_cut[axis] ? length : shape[axis];
  for (int64_t i = 0; i < count; ++i) {
    Compact(place, from + static_cast<size_t>(i) * stride, shape, is_cut, axis + 1, length, bytes);
  }
}

}  // namespace

absl::StatusOr<std::shared_ptr<SequencePadding>> SequencePadding::Read(
    DataSource& source, const std::vector<InputInterface>& inputs, const PaddingOptions& options,
    DataShapes& shapes) {
  if (!options.cuts()) return nullptr;
  std::shared_ptr<SequencePadding> made(new SequencePadding());
  SequencePadding& padding = *made;
  padding.multiple_ = options.multiple;
  std::vector<int> fields;
  std::vector<size_t> masks;
  for (const InputInterface& input : inputs) {
    STROP_ASSIGN_OR_RETURN(const size_t field, SampleField(source, input, inputs.size() == 1));
    if (IsMask(input) && shapes.inputs[fields.size()].size() == 1) masks.push_back(fields.size());
    fields.push_back(static_cast<int>(field));
  }
  const int array = source.FindField(options.length_name);
  const bool has_array =
      array >= 0 && std::find(fields.begin(), fields.end(), array) == fields.end();
  if (!has_array && masks.size() != 1) return NoLengths(source, options, masks.size());
  if (has_array) {
    for (size_t i = 0; i < inputs.size(); ++i) {  // the longest axis that may be cut
      for (size_t axis = 0; axis < shapes.inputs[i].size(); ++axis) {
        if (!IsFree(inputs[i], axis + 1)) continue;
        padding.padded_length_ = std::max(padding.padded_length_, shapes.inputs[i][axis]);
      }
    }
    if (padding.padded_length_ == 1) return FixedLength(inputs[0]);
    STROP_ASSIGN_OR_RETURN(padding.lengths_, LengthsOfArray(source, static_cast<size_t>(array),
                                                            padding.padded_length_));
  } else {
    if (!IsFree(inputs[masks[0]], 1)) return FixedLength(inputs[masks[0]]);
    padding.padded_length_ = shapes.inputs[masks[0]][0];
    STROP_ASSIGN_OR_RETURN(padding.lengths_,
                           LengthsOfMask(source, static_cast<size_t>(fields[masks[0]])));
  }
  for (size_t i = 0; i < inputs.size(); ++i) {
    std::vector<bool>& is_cut = padding.cut_axes_.emplace_back();
    for (size_t axis = 0; axis < shapes.inputs[i].size(); ++axis) {
      is_cut.push_back(shapes.inputs[i][axis] == padding.padded_length_ &&
                       IsFree(inputs[i], axis + 1));
    }
  }
  shapes.shorter_inputs = padding.ShorterInputs(shapes);
  return made;
}

int64_t SequencePadding::longest_sample() const {
  return std::max_element(lengths_.begin(), lengths_.end()) - lengths_.begin();
}

std::vector<Shape> SequencePadding::ShorterInputs(const DataShapes& shapes) const {
  if (padded_length_ < 2) return {};
  std::vector<Shape> shorter = shapes.inputs;
  for (size_t i = 0; i < shorter.size(); ++i) {
    for (size_t axis = 0; axis < shorter[i].size(); ++axis) {
      if (IsCut(i, axis + 1)) shorter[i][axis] = (padded_length_ + 1) / 2;
    }
  }
  return shorter;
}

absl::Status SequencePadding::TakeTarget(DataSource& bound, const TargetInterface& target) {
  const size_t field = cut_axes_.size();  // behind the inputs
  if (field == bound.fields().size()) return absl::OkStatus();
  const Shape& shape = bound.fields()[field].shape;
  std::vector<bool>& is_cut = cut_axes_.emplace_back(shape.size(), false);
  if (!target.type.shape || padded_length_ < 2) return absl::OkStatus();
  for (size_t axis = 0; axis < shape.size(); ++axis) {
    is_cut[axis] = (*target.type.shape)[axis + 1] == kUnknownDimension;
    if (!is_cut[axis] || shape[axis] == padded_length_) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        InArray(bound, bound.fields()[field].name), ": found targets of shape ", ShapeName(shape),
        " a sample, expected ", padded_length_, " positions as the inputs have"));
  }
  if (std::find(is_cut.begin(), is_cut.end(), true) == is_cut.end()) return absl::OkStatus();
  const std::string where = InArray(bound, bound.fields()[field].name);
  if (target.kind != TargetInterface::Kind::kClasses || shape.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": --pad-to-multiple-of: found targets of shape ", ShapeName(shape),
                     " a sample, expected labels where there is one for each position; leave the "
                     "option out"));
  }
  return ForEachSample(bound, field, [&](int64_t row, absl::Span<const double> labels) {
    for (size_t i = static_cast<size_t>(lengths_[static_cast<size_t>(row)]); i < labels.size();
         ++i) {
      if (labels[i] == static_cast<double>(target.ignore_index)) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          where, ", row ", row, ": --pad-to-multiple-of: found label ", labels[i],
          " at the padding, expected ", target.ignore_index, ", which does not count"));
    }
    return absl::OkStatus();
  });
}

bool SequencePadding::IsCut(size_t field, size_t axis) const {
  return axis > 0 && field < cut_axes_.size() && cut_axes_[field][axis - 1];
}

int64_t SequencePadding::LengthOf(absl::Span<const int64_t> samples) const {
  int64_t longest = 1;
  for (const int64_t sample : samples) {
    longest = std::max(longest, lengths_[static_cast<size_t>(sample)]);
  }
  return std::min((longest + multiple_ - 1) / multiple_ * multiple_, padded_length_);
}

std::vector<Tensor> SequencePadding::Cut(absl::Span<const int64_t> samples,
                                         absl::Span<Tensor> batch) const {
  const int64_t length = LengthOf(samples);
  std::vector<Tensor> cut;
  for (size_t field = 0; field < batch.size(); ++field) {
    Tensor& tensor = batch[field];
    Shape shape = tensor.shape();
    std::vector<bool> is_cut = cut_axes_[field];
    is_cut.insert(is_cut.begin(), false);
    auto* place = static_cast<char*>(tensor.mutable_data());
    Compact(place, place, tensor.shape(), is_cut, 0, length, BytesFor(tensor.type(), 1));
    for (size_t axis = 1; axis < shape.size(); ++axis) {
      if (is_cut[axis]) shape[axis] = length;
    }
    cut.push_back(Tensor::Borrow(tensor.type(), std::move(shape), tensor.data(), nullptr));
  }
  return cut;
}

}  // namespace strop
