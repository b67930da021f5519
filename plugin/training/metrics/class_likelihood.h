#pragma once

#include <cstdint>

#include "plugin/training/metrics/class_rows.h"

namespace strop {

// −Σ target · ln(probability) over the answers of a row.
double CrossEntropyOf(const ClassRows& rows, int64_t row);

// How probable the logits make the targets. Rows count as often as they weigh.
class ClassLikelihood {
 public:
  void Reset() { *this = ClassLikelihood(); }
  void Add(const ClassRows& rows);

  // Mean of −Σ target · ln(probability), the probabilities in double clipped to [ε, 1 − ε] with
  // ε = 2^-52 as scikit-learn's log_loss does; NaN while nothing was seen. Of several questions the
  // mean over all answers.
  double LogLoss() const { return clipped_ / count_; }
  // exp of the same mean, not clipped.
  double Perplexity() const;

 private:
  double clipped_ = 0;
  double sum_ = 0;
  double count_ = 0;
};

// Share of rows, as often as they weigh, whose label is among the k largest logits. Of equal logits those of the highest
// classes come first, as in scikit-learn's top_k_accuracy_score.
class TopClasses {
 public:
  explicit TopClasses(int64_t k = 1) : k_(k) {}
  void Reset() { right_ = total_ = 0; }
  void Add(const ClassRows& rows);
  double Accuracy() const { return right_ / total_; }

 private:
  int64_t k_;
  double right_ = 0;
  double total_ = 0;
};

}  // namespace strop
