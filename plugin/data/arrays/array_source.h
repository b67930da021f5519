#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/data/data_source.h"

namespace strop {

// Samples that lie as arrays in memory or in mapped files, one after the other along axis 0.
class ArraySource : public DataSource {
 public:
  // `origin` names where the arrays come from. InvalidArgument when there is no array, or one lacks
  // the sample axis, or their sample counts differ.
  static absl::StatusOr<std::unique_ptr<ArraySource>> Create(
      std::string origin, std::vector<NamedTensor> arrays,
      std::vector<std::string> class_names = {});

  int64_t sample_count() const override { return sample_count_; }
  const std::vector<DataField>& fields() const override { return fields_; }
  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override;
  const Tensor* whole_array(size_t field) const override { return &arrays_[field].tensor; }
  const std::string& origin() const override { return origin_; }
  absl::Span<const std::string> class_names() const override { return class_names_; }

 private:
  ArraySource(std::string origin, std::vector<NamedTensor> arrays,
              std::vector<std::string> class_names);

  std::string origin_;
  std::vector<NamedTensor> arrays_;
  std::vector<std::string> class_names_;
  std::vector<DataField> fields_;
  int64_t sample_count_ = 0;
};

}  // namespace strop
