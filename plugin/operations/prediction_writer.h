#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "exporter/atomic_file.h"

namespace strop {

// What a model says of one sample, or of one position in it.
struct Prediction {
  std::string file;  // that holds the sample; empty: it is a row
  int64_t row = 0;
  std::optional<int64_t> position;  // where a sample has several

  struct Class {
    std::string name;  // or its number
    double probability = 0;
  };
  enum class Kind {
    kClasses,  // one of `classes`, the most probable first
    kLabels,   // any of `classes`, which are all there are, in the model's order
    kNumbers,
  };
  Kind kind = Kind::kClasses;
  std::vector<Class> classes;
  std::vector<std::string> chosen;  // of kLabels
  std::vector<double> numbers;      // of kNumbers
};

enum class PredictionFormat { kCsv, kJsonLines };

// Writes predictions, all of one kind and size, into a file that appears complete or not at all, or
// to stdout.
class PredictionWriter {
 public:
  // `path` empty: stdout. `digits` of a number in CSV. Errors of AtomicFile.
  static absl::StatusOr<PredictionWriter> Create(const std::string& path, PredictionFormat format,
                                                 int digits);

  absl::Status Add(const Prediction& prediction);
  // Call it last.
  absl::Status Finish();

 private:
  PredictionWriter(PredictionFormat format, int digits) : format_(format), digits_(digits) {}

  absl::Status Flush();

  PredictionFormat format_;
  int digits_;
  std::optional<AtomicFile> file_;
  std::string pending_;
  bool has_header_ = false;
};

}  // namespace strop
