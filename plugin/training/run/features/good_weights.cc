#include "plugin/training/run/features/good_weights.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "graph/status_macros.h"

namespace strop {
namespace {

class GoodWeights : public TrainingFeature {
 public:
  explicit GoodWeights(const RunParts& parts)
      : end_may_fail_(parts.options.averaging.swa_start.has_value()),
        names_(parts.weights.restored),
        store_(*parts.store),
        state_(parts.state) {}

  absl::Status BeforeRun() override {
    const bool goes_on_at_an_epoch = state_.epochs > 0 && state_.batches_of_epoch == 0;
    return goes_on_at_an_epoch ? Remember() : absl::OkStatus();
  }

  absl::Status AfterEpoch(bool is_last) override {
    return is_last && !end_may_fail_ ? absl::OkStatus() : Remember();
  }

  absl::StatusOr<bool> RestoreWeights(TrainingResult& result) override {
    for (const auto& [name, tensor] : weights_) {
      STROP_RETURN_IF_ERROR(store_.Write(name, tensor));
    }
    result.weights_epoch = epoch_;
    result.weights = FinalWeights::kLast;
    return epoch_.has_value();
  }

 private:
  absl::Status Remember() {
    weights_.clear();
    for (const std::string& name : names_) {
      STROP_ASSIGN_OR_RETURN(Tensor tensor, store_.Read(name));
      weights_.emplace_back(name, std::move(tensor));
    }
    epoch_ = state_.epochs;
    return absl::OkStatus();
  }

  const bool end_may_fail_;  // the pass for statistics reads data
  const std::vector<std::string>& names_;
  StateStore& store_;
  const RunState& state_;
  std::optional<int64_t> epoch_;  // absent before one ended well
  std::vector<std::pair<std::string, Tensor>> weights_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<TrainingFeature>> MakeGoodWeights(const RunParts& parts) {
  return std::make_unique<GoodWeights>(parts);
}

}  // namespace strop
