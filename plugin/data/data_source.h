#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "graph/tensor.h"
#include "plugin/data/images/augmentation.h"

namespace strop {

// The field that the loss compares the output with.
inline constexpr std::string_view kTargetField = "target";

// How the numbers of a picture came from its pixels: (pixel − mean[c]) / std[c], channel by
// channel.
struct PixelScale {
  std::vector<double> mean;
  std::vector<double> std;
  double white = 1;  // the greatest pixel; 0 is black
};

// One array of a data set, without the sample axis.
struct DataField {
  std::string name;  // of the model input it feeds, or kTargetField
  DataType type = DataType::kUndefined;
  Shape shape;                       // of one sample: a scalar label has rank 0
  std::optional<PixelScale> pixels;  // of pictures, where it is known
  bool is_weight = false;            // what a sample's loss counts, one number from 0 on
};

// Samples that a model trains on or is measured with. All samples have the same shapes. A source
// may decode on demand, so that data larger than memory streams; reading the same index twice gives
// the same bytes. Not thread-safe.
class DataSource {
 public:
  virtual ~DataSource() = default;

  virtual int64_t sample_count() const = 0;
  virtual const std::vector<DataField>& fields() const = 0;

  // Writes the samples `indices`, each in [0, sample_count()), one after the other into `batch`:
  // one tensor a field, in the order of fields(), of the field's type and of at least
  // indices.size() samples (see MakeBatch). InvalidArgument naming file and row for data that
  // turns out bad, DataLoss when reading fails.
  virtual absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) = 0;

  // As Read, with the random changes that training data are given; the same bytes for the same key.
  // Without augmentation it is Read.
  virtual absl::Status ReadAugmented(absl::Span<const int64_t> indices, const AugmentationKey& key,
                                     absl::Span<Tensor> batch) {
    (void)key;
    return Read(indices, batch);
  }

  // The samples' `field` alone, as Read has it, into a tensor of at least indices.size() samples.
  virtual absl::Status ReadField(size_t field, absl::Span<const int64_t> indices, Tensor& values);

  // All samples of a field, [sample_count(), …], where they lie in memory or in a mapped file; null
  // for a field that is decoded on demand.
  virtual const Tensor* whole_array(size_t field) const {
    (void)field;
    return nullptr;
  }

  // Where the samples come from, for messages: a file or folder.
  virtual const std::string& origin() const = 0;

  // The file that holds a sample alone; empty where samples are rows.
  virtual std::string FileOf(int64_t index) const {
    (void)index;
    return "";
  }

  // Names of the classes that integer targets count, where they have names.
  virtual absl::Span<const std::string> class_names() const { return {}; }

  // Index into fields(), or -1.
  int FindField(std::string_view name) const;
  // That of the samples' weights, or -1.
  int FindWeights() const;

  // Tensors for Read to fill: shape [sample_count] followed by the field's, one a field.
  std::vector<Tensor> MakeBatch(int64_t sample_count) const;
};

// Samples of an array [count, …], one after the other, into one of the same type.
void CopySamples(const Tensor& from, absl::Span<const int64_t> indices, Tensor& to);

}  // namespace strop
