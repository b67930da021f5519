#include "plugin/data/arrays/normalized_arrays.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/visit_type.h"

namespace strop {
namespace {

class NormalizedArrays : public DataSource {
 public:
  NormalizedArrays(std::unique_ptr<DataSource> source,
                   std::vector<FieldNormalization> normalizations)
      : source_(std::move(source)), fields_(source_->fields()), by_field_(fields_.size()) {
    for (FieldNormalization& normalization : normalizations) {
      DataField& field = fields_[normalization.field];
      const double white = field.type == DataType::kUint8 ? 255 : 1;
      field.pixels = {normalization.mean, normalization.std, white * normalization.unit};
      field.type = DataType::kDouble;
      by_field_[normalization.field] = std::move(normalization);
    }
  }

  int64_t sample_count() const override { return source_->sample_count(); }
  const std::vector<DataField>& fields() const override { return fields_; }
  const std::string& origin() const override { return source_->origin(); }
  absl::Span<const std::string> class_names() const override { return source_->class_names(); }
  std::string FileOf(int64_t index) const override { return source_->FileOf(index); }
  const Tensor* whole_array(size_t field) const override {
    return IsNormalized(field) ? nullptr : source_->whole_array(field);
  }

  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override {
    STROP_RETURN_IF_ERROR(source_->Read(indices, Raw(indices.size())));
    return NormalizeAll(indices.size(), batch);
  }

  absl::Status ReadAugmented(absl::Span<const int64_t> indices, const AugmentationKey& key,
                             absl::Span<Tensor> batch) override {
    STROP_RETURN_IF_ERROR(source_->ReadAugmented(indices, key, Raw(indices.size())));
    return NormalizeAll(indices.size(), batch);
  }

  absl::Status ReadField(size_t field, absl::Span<const int64_t> indices, Tensor& values) override {
    if (!IsNormalized(field)) return source_->ReadField(field, indices, values);
    const DataField& found = source_->fields()[field];
    Shape shape = found.shape;
    shape.insert(shape.begin(), static_cast<int64_t>(indices.size()));
    Tensor raw(found.type, std::move(shape));
    STROP_RETURN_IF_ERROR(source_->ReadField(field, indices, raw));
    return Normalize(field, raw, indices.size(), values);
  }

 private:
  bool IsNormalized(size_t field) const { return !by_field_[field].mean.empty(); }

  // Room for that many samples as the source has them.
  absl::Span<Tensor> Raw(size_t sample_count) {
    if (raw_count_ < sample_count) {
      raw_ = source_->MakeBatch(static_cast<int64_t>(sample_count));
      raw_count_ = sample_count;
    }
    return absl::MakeSpan(raw_);
  }

  absl::Status NormalizeAll(size_t sample_count, absl::Span<Tensor> batch) const {
    for (size_t field = 0; field < fields_.size(); ++field) {
      STROP_RETURN_IF_ERROR(Normalize(field, raw_[field], sample_count, batch[field]));
    }
    return absl::OkStatus();
  }

  absl::Status Normalize(size_t field, const Tensor& from, size_t sample_count, Tensor& to) const {
    const int64_t sample_elements = ElementCount(fields_[field].shape);
    const int64_t count = static_cast<int64_t>(sample_count) * sample_elements;
    if (!IsNormalized(field)) {
      std::copy_n(static_cast<const char*>(from.data()), BytesFor(from.type(), count),
                  static_cast<char*>(to.mutable_data()));
      return absl::OkStatus();
    }
    const FieldNormalization& how = by_field_[field];
    const auto channels = static_cast<int64_t>(how.mean.size());
    auto* out = static_cast<double*>(to.mutable_data());
    return VisitNumeric(from.type(), "data", [&]<typename T>() {
      const T* numbers = static_cast<const T*>(from.data());
      for (int64_t i = 0; i < count; ++i) {
        const auto channel = static_cast<size_t>(i % sample_elements / how.inner % channels);
        const auto number = static_cast<double>(static_cast<ComputeType<T>>(numbers[i]));
        out[i] = (number * how.unit - how.mean[channel]) / how.std[channel];
      }
      return absl::OkStatus();
    });
  }

  std::unique_ptr<DataSource> source_;
  std::vector<DataField> fields_;
  std::vector<FieldNormalization> by_field_;  // without mean for a field that stays
  std::vector<Tensor> raw_;                   // a batch as the source has it
  size_t raw_count_ = 0;
};

// What is decoded on demand is not looked at when it is bound to a model: so it is here.
absl::Status CheckFinite(const DataSource& source, size_t field) {
  const Tensor* array = source.whole_array(field);
  if (array == nullptr || !IsFloating(array->type())) return absl::OkStatus();
  const int64_t sample_elements = ElementCount(source.fields()[field].shape);
  return VisitFloating(array->type(), "data", [&]<typename T>() -> absl::Status {
    const T* numbers = static_cast<const T*>(array->data());
    for (int64_t i = 0; i < array->element_count(); ++i) {
      const auto number = static_cast<double>(static_cast<ComputeType<T>>(numbers[i]));
      if (std::isfinite(number)) continue;
      return absl::InvalidArgumentError(absl::StrCat(
          "data: \"", source.origin(), "\", \"", source.fields()[field].name, "\", row ",
          i / sample_elements, ": found ", number, ", expected a finite number"));
    }
    return absl::OkStatus();
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataSource>> NormalizeArrays(
    std::unique_ptr<DataSource> source, std::vector<FieldNormalization> normalizations) {
  if (normalizations.empty()) return source;
  for (const FieldNormalization& normalization : normalizations) {
    STROP_RETURN_IF_ERROR(CheckFinite(*source, normalization.field));
  }
  return std::make_unique<NormalizedArrays>(std::move(source), std::move(normalizations));
}

}  // namespace strop
