#include "plugin/training/exploration/landscape.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "graph/status_macros.h"
#include "ops/kernels/team_size.h"

namespace strop {
namespace {

absl::Status WriteAll(const std::map<std::string, Tensor>& states, StateStore& store) {
  for (const auto& [name, tensor] : states) {
    STROP_RETURN_IF_ERROR(store.Write(name, tensor));
  }
  return absl::OkStatus();
}

// What the threads of FillGrid share.
struct SharedGrid {
  std::mutex mutex;
  std::condition_variable changed;
  LossGrid& grid;
  size_t next = 0;    // no point before it is free
  int running = 0;    // threads
  bool ends = false;  // asked to stop, or failed
  absl::Status status;

  explicit SharedGrid(LossGrid& points) : grid(points) {}

  // The next free point, or the number of points when there is none. The caller holds the mutex.
  size_t Take() {
    while (next < grid.is_done.size() && grid.is_done[next] != 0) ++next;
    return ends ? grid.is_done.size() : std::min(next++, grid.is_done.size());
  }
};

void Work(PlaneEvaluator& evaluator, int threads, SharedGrid& shared) {
  const TeamSize team(threads);
  std::unique_lock lock(shared.mutex);
  const size_t width = shared.grid.x.size();
  for (size_t point = shared.Take(); point < shared.grid.is_done.size(); point = shared.Take()) {
    lock.unlock();
    const absl::StatusOr<double> loss =
        evaluator.LossAt(shared.grid.x[point % width], shared.grid.y[point / width]);
    lock.lock();
    if (loss.ok()) {
      shared.grid.loss[point] = *loss;
      shared.grid.is_done[point] = 1;
    } else {
      shared.status.Update(loss.status());
      shared.ends = true;
    }
    shared.changed.notify_one();
  }
  --shared.running;
  shared.changed.notify_one();
}

}  // namespace

int64_t LossGrid::done_count() const { return std::count(is_done.begin(), is_done.end(), 1); }

std::vector<double> EvenlySpaced(double low, double high, int64_t count) {
  std::vector<double> numbers(static_cast<size_t>(count));
  const auto last = static_cast<double>(count - 1);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto from_low = static_cast<double>(i);
    numbers[i] = (low * (last - from_low) + high * from_low) / last;
  }
  return numbers;
}

LossGrid EmptyGrid(std::vector<double> x, std::vector<double> y) {
  LossGrid grid;
  grid.loss.resize(x.size() * y.size());
  grid.is_done.resize(x.size() * y.size());
  grid.x = std::move(x);
  grid.y = std::move(y);
  return grid;
}

absl::StatusOr<std::unique_ptr<PlaneEvaluator>> PlaneEvaluator::Create(
    const ImportedModel& model, const EvaluationOptions& options, std::unique_ptr<DataSource> data,
    std::shared_ptr<const WeightPlane> plane, const PlanOptions& plan) {
  std::unique_ptr<PlaneEvaluator> evaluator(new PlaneEvaluator());
  evaluator->plane_ = std::move(plane);
  evaluator->store_ = std::make_shared<StateStore>();
  STROP_ASSIGN_OR_RETURN(evaluator->evaluator_, Evaluator::Create(model, options, std::move(data),
                                                                  evaluator->store_, plan));
  return evaluator;
}

absl::StatusOr<double> PlaneEvaluator::LossAt(double x, double y) {
  STROP_ASSIGN_OR_RETURN(
      const WeightVector weights,
      Moved(plane_->center, {{x, &plane_->x_direction}, {y, &plane_->y_direction}}));
  STROP_RETURN_IF_ERROR(WriteAll(weights, *store_));
  STROP_ASSIGN_OR_RETURN(const EvaluationResult result, evaluator_->Evaluate());
  return result.loss;
}

absl::StatusOr<double> PlaneEvaluator::LossOf(const std::map<std::string, Tensor>& states) {
  std::map<std::string, Tensor> own;
  for (const auto& [name, tensor] : states) {
    STROP_ASSIGN_OR_RETURN(own[name], store_->Read(name));
  }
  STROP_RETURN_IF_ERROR(WriteAll(states, *store_));
  STROP_ASSIGN_OR_RETURN(const EvaluationResult result, evaluator_->Evaluate());
  STROP_RETURN_IF_ERROR(WriteAll(own, *store_));
  return result.loss;
}

absl::Status FillGrid(const std::vector<std::unique_ptr<PlaneEvaluator>>& evaluators, int threads,
                      const GridCallbacks& callbacks, LossGrid& grid) {
  constexpr auto kPause = std::chrono::milliseconds(100);
  SharedGrid shared(grid);
  shared.running = static_cast<int>(evaluators.size());
  std::vector<std::thread> team;
  for (const std::unique_ptr<PlaneEvaluator>& evaluator : evaluators) {
    team.emplace_back([&, worker = evaluator.get()] { Work(*worker, threads, shared); });
  }
  std::unique_lock lock(shared.mutex);
  while (shared.running > 0) {
    shared.changed.wait_for(lock, kPause);
    if (callbacks.should_stop && callbacks.should_stop()) shared.ends = true;
    if (!callbacks.on_progress) continue;
    shared.status.Update(callbacks.on_progress(grid));
    if (!shared.status.ok()) shared.ends = true;
  }
  lock.unlock();
  for (std::thread& thread : team) thread.join();
  return shared.status;
}

}  // namespace strop
