#pragma once

#include <memory>
#include <string>
#include <vector>

#include "importer/importer.h"
#include "plugin/data/data_source.h"

namespace strop {

// Data in memory.
class ToyData : public DataSource {
 public:
  // Fields "x" and kTargetField, dimension 0 counting samples.
  ToyData(Tensor x, Tensor target);

  int64_t sample_count() const override { return arrays_[0].shape()[0]; }
  const std::vector<DataField>& fields() const override { return fields_; }
  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override;
  const Tensor* whole_array(size_t field) const override { return &arrays_[field]; }
  const std::string& origin() const override { return origin_; }

 private:
  std::string origin_ = "toy";
  std::vector<Tensor> arrays_;
  std::vector<DataField> fields_;
};

// Two interleaved half moons, a problem that no line separates: x float [count, 2], labels int64
// [count], the same at every call.
std::unique_ptr<ToyData> Moons(int64_t count, uint64_t seed);

// x [?, 2] → Gemm 16 → Tanh → Gemm 2 [→ Softmax → Identity]; parameters w1, b1, w2, b2.
ImportedModel ToyClassifier(bool ends_in_softmax = false);

}  // namespace strop
