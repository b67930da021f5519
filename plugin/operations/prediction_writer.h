#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"

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

nlohmann::ordered_json ToJson(const Prediction& prediction);

// Predictions, all of one kind and size, as lines.
class PredictionText {
 public:
  // `digits` of a number in CSV.
  PredictionText(PredictionFormat format, int digits) : format_(format), digits_(digits) {}

  // Its line, in CSV behind a header where it is the first.
  std::string LineOf(const Prediction& prediction);

 private:
  PredictionFormat format_;
  int digits_;
  bool has_header_ = false;
};

// Writes lines in blocks.
class PredictionWriter {
 public:
  // Takes a block of text; what it answers ends the writing.
  using Write = std::function<absl::Status(const std::string& block)>;

  PredictionWriter(PredictionText text, Write write)
      : text_(std::move(text)), write_(std::move(write)) {}

  absl::Status Add(const Prediction& prediction);
  // Call it last.
  absl::Status Finish();

 private:
  PredictionText text_;
  Write write_;
  std::string pending_;
};

}  // namespace strop
