#include "plugin/data/input_as_target.h"

#include <algorithm>
#include <cstring>

#include "graph/status_macros.h"

namespace strop {
namespace {

class InputAsTargetSource : public DataSource {
 public:
  InputAsTargetSource(std::unique_ptr<DataSource> source, size_t input)
      : source_(std::move(source)), input_(input) {
    fields_ = source_->fields();
    const int own = source_->FindField(kTargetField);
    target_ = own < 0 ? fields_.size() : static_cast<size_t>(own);
    fields_.resize(std::max(fields_.size(), target_ + 1));
    fields_[target_] = fields_[input_];
    fields_[target_].name = std::string(kTargetField);
  }

  int64_t sample_count() const override { return source_->sample_count(); }
  const std::vector<DataField>& fields() const override { return fields_; }
  const std::string& origin() const override { return source_->origin(); }
  const Tensor* whole_array(size_t field) const override {
    return source_->whole_array(Source(field));
  }

  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override {
    STROP_RETURN_IF_ERROR(source_->Read(indices, Own(indices, batch)));
    return CopyInput(batch);
  }

  absl::Status ReadAugmented(absl::Span<const int64_t> indices, const AugmentationKey& key,
                             absl::Span<Tensor> batch) override {
    STROP_RETURN_IF_ERROR(source_->ReadAugmented(indices, key, Own(indices, batch)));
    return CopyInput(batch);
  }

  absl::Status ReadField(size_t field, absl::Span<const int64_t> indices, Tensor& values) override {
    return source_->ReadField(Source(field), indices, values);
  }

 private:
  size_t Source(size_t field) const { return field == target_ ? input_ : field; }

  // The batch as the source has it: its own target, which nobody wants, goes elsewhere.
  absl::Span<Tensor> Own(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) {
    own_.assign(batch.begin(), batch.begin() + static_cast<int64_t>(source_->fields().size()));
    if (target_ < own_.size()) {
      const DataField& field = source_->fields()[target_];
      Shape shape = field.shape;
      shape.insert(shape.begin(), static_cast<int64_t>(indices.size()));
      own_[target_] = Tensor(field.type, std::move(shape));
    }
    return absl::MakeSpan(own_);
  }

  absl::Status CopyInput(absl::Span<Tensor> batch) const {
    std::memcpy(batch[target_].mutable_data(), batch[input_].data(), batch[input_].bytes());
    return absl::OkStatus();
  }

  std::unique_ptr<DataSource> source_;
  size_t input_;
  size_t target_ = 0;
  std::vector<DataField> fields_;
  std::vector<Tensor> own_;
};

}  // namespace

std::unique_ptr<DataSource> InputAsTarget(std::unique_ptr<DataSource> source, size_t input) {
  return std::make_unique<InputAsTargetSource>(std::move(source), input);
}

}  // namespace strop
