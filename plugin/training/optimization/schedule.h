#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace strop {

// How the learning rate moves. Names, meanings and defaults are those of torch.optim.lr_scheduler
// where nothing else is said; η is the run's learning rate, k the position in the schedule (from
// 0), K the length of it.
enum class ScheduleKind {
  kConstant,        // η
  kStep,            // StepLR: η·gamma^⌊k/step_size⌋
  kMultiStep,       // MultiStepLR: η·gamma^(milestones at or before k)
  kExponential,     // ExponentialLR: η·gamma^k
  kCosine,          // CosineAnnealingLR with T_max = K
  kCosineRestarts,  // CosineAnnealingWarmRestarts
  kPolynomial,      // PolynomialLR with total_iters = K, down to the minimum (Keras' end)
  kLinear,    // LinearLR with total_iters = K, by default from η to 0 (Hugging Face's linear)
  kOneCycle,  // OneCycleLR with max_lr = η and total_steps = K; the momentum stays
  kReduceOnPlateau,  // ReduceLROnPlateau on the validation loss
};

// What a schedule's position counts.
enum class ScheduleUnit { kStep, kEpoch };

struct PlateauOptions {
  double factor = 0.1;
  int64_t patience = 10;
  double threshold = 1e-4;  // relative
  int64_t cooldown = 0;
};

struct ScheduleOptions {
  ScheduleKind kind = ScheduleKind::kConstant;
  std::optional<ScheduleUnit> unit;  // absent: DefaultUnit(kind)
  double gamma = 0.1;
  int64_t step_size = 1;
  std::vector<int64_t> milestones;
  double minimum_learning_rate = 0;  // cosine (eta_min), polynomial, reduce_on_plateau (min_lr)
  int64_t restart_period = 1;        // T_0
  int64_t restart_multiplier = 1;    // T_mult
  double power = 1;
  double start_factor = 1;
  double end_factor = 0;
  double pct_start = 0.3;
  double div_factor = 25;
  double final_div_factor = 1e4;
  bool anneals_linearly = false;  // one_cycle's anneal_strategy: cosine otherwise
  PlateauOptions plateau;
  // Linear warm-up, as Hugging Face's: step t (from 0) of the first warmup_steps has t/warmup_steps
  // of the schedule's rate. A schedule that counts steps begins behind it, one that counts epochs
  // runs along. The ratio is of all steps of the run.
  int64_t warmup_steps = 0;
  double warmup_ratio = 0;
};

// What reduce_on_plateau remembers from epoch to epoch. Plain data.
struct PlateauState {
  double best_loss = std::numeric_limits<double>::infinity();
  int64_t bad_epochs = 0;
  int64_t cooldown = 0;
  std::optional<double> learning_rate;  // once it was reduced
};

// constant, step, multi_step, exponential, cosine, cosine_restarts, polynomial, linear, one_cycle,
// reduce_on_plateau.
std::vector<std::string> ScheduleNames();
// InvalidArgument listing them for another name.
absl::StatusOr<ScheduleKind> ScheduleKindOf(std::string_view name);

// Epochs for step, multi_step, exponential and reduce_on_plateau, as PyTorch's users call them;
// steps for all others, which span the run.
ScheduleUnit DefaultUnit(ScheduleKind kind);

// InvalidArgument naming the option whose value makes no sense.
absl::Status CheckScheduleOptions(const ScheduleOptions& options);

// The learning rate of every step of one run.
class Schedule {
 public:
  // `steps` of the whole run; `steps_per_epoch` at least 1.
  Schedule(const ScheduleOptions& options, double learning_rate, int64_t steps,
           int64_t steps_per_epoch);

  // Of a step, counted from 0 over the whole run. Depends on `plateau` for reduce_on_plateau only.
  double At(int64_t step, const PlateauState& plateau) const;

  // Tells reduce_on_plateau the validation loss of an epoch; nothing for others.
  void Observe(double validation_loss, PlateauState& plateau) const;

 private:
  double Unwarmed(int64_t position, const PlateauState& plateau) const;
  double OneCycle(int64_t position) const;

  ScheduleOptions options_;
  double learning_rate_ = 0;
  int64_t steps_per_epoch_ = 1;
  int64_t warmup_steps_ = 0;
  bool counts_epochs_ = false;
  int64_t length_ = 1;  // of the schedule, in its unit
};

}  // namespace strop
