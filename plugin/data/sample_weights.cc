#include "plugin/data/sample_weights.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace strop {
namespace {

class WeightedSource : public DataSource {
 public:
  WeightedSource(std::unique_ptr<DataSource> source, size_t weights)
      : source_(std::move(source)), fields_(source_->fields()) {
    fields_[weights].is_weight = true;
  }

  int64_t sample_count() const override { return source_->sample_count(); }
  const std::vector<DataField>& fields() const override { return fields_; }
  const std::string& origin() const override { return source_->origin(); }
  absl::Span<const std::string> class_names() const override { return source_->class_names(); }
  std::string FileOf(int64_t index) const override { return source_->FileOf(index); }
  const Tensor* whole_array(size_t field) const override { return source_->whole_array(field); }

  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override {
    return source_->Read(indices, batch);
  }
  absl::Status ReadAugmented(absl::Span<const int64_t> indices, const AugmentationKey& key,
                             absl::Span<Tensor> batch) override {
    return source_->ReadAugmented(indices, key, batch);
  }
  absl::Status ReadField(size_t field, absl::Span<const int64_t> indices, Tensor& values) override {
    return source_->ReadField(field, indices, values);
  }

 private:
  std::unique_ptr<DataSource> source_;
  std::vector<DataField> fields_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<DataSource>> MarkWeights(std::unique_ptr<DataSource> source,
                                                        const DataOptions& options) {
  const std::string& name = options.sample_weight;
  if (name.empty()) return source;
  const std::string where = absl::StrCat("data: \"", source->origin(), "\"");
  const int field = source->FindField(name);
  if (field < 0 && !options.needs_weights) {
    options.listener.Note(absl::StrCat(where, ": found no \"", name,
                                       "\" as --sample-weight says: each sample counts the same"));
    return source;
  }
  if (field < 0) {
    const auto append_name = [](std::string* out, const DataField& found) {
      absl::StrAppend(out, found.name);
    };
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": found no \"", name, "\" as --sample-weight says; it has ",
                     absl::StrJoin(source->fields(), ", ", append_name)));
  }
  const auto weights = static_cast<size_t>(field);
  const Shape& shape = source->fields()[weights].shape;
  if (ElementCount(shape) != 1) {
    return absl::InvalidArgumentError(absl::StrCat(where, ", \"", name, "\": found ",
                                                   ShapeName(shape),
                                                   " a sample, expected one number, its weight"));
  }
  return std::make_unique<WeightedSource>(std::move(source), weights);
}

}  // namespace strop
