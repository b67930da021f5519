#include "plugin/training/run/run_state_json.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace strop {
namespace {

using Json = nlohmann::json;

// Calls visit(name, field) for everything but the tensors. The binding names every field of
// RunState, so that a new one does not compile before it is saved here.
template <typename State, typename Visit>
void VisitFields(State& state, Visit visit) {
  auto& [steps, batches, epochs, batches_of_epoch, weight_of_epoch, loss_sum_of_epoch,
         reported_steps, best_loss, best_epoch, best_weights, plateau, losses, health] = state;
  auto& [plateau_best, bad_epochs, cooldown, learning_rate] = plateau;
  auto& [recent, start_median, lowest_median] = losses;
  auto& [findings, looks, last_look, gradient_norms, largest_rate, first_loss, training_losses,
         validation_losses, best_validation] = health;
  static_cast<void>(best_weights);  // stored beside the parameters
  visit("steps", steps);
  visit("batches", batches);
  visit("epochs", epochs);
  visit("batches_of_epoch", batches_of_epoch);
  visit("weight_of_epoch", weight_of_epoch);
  visit("loss_sum_of_epoch", loss_sum_of_epoch);
  visit("reported_steps", reported_steps);
  visit("best_loss", best_loss);
  visit("best_epoch", best_epoch);
  visit("plateau_best_loss", plateau_best);
  visit("plateau_bad_epochs", bad_epochs);
  visit("plateau_cooldown", cooldown);
  visit("plateau_learning_rate", learning_rate);
  visit("recent_losses", recent);
  visit("start_median_loss", start_median);
  visit("lowest_median_loss", lowest_median);
  visit("health_findings", findings);
  visit("health_looks", looks);
  visit("health_last_look", last_look);
  visit("health_gradient_norms", gradient_norms);
  visit("health_largest_rate", largest_rate);
  visit("health_first_loss", first_loss);
  visit("health_training_losses", training_losses);
  visit("health_validation_losses", validation_losses);
  visit("health_best_validation", best_validation);
}

template <typename T>
Json ToJson(const T& field) {
  return field;
}

// Finite numbers come back to the bit; the others, which JSON does not have, are text.
Json ToJson(const double& field) {
  return std::isfinite(field) ? Json(field) : Json(absl::StrCat(field));
}

Json ToJson(const std::vector<double>& field) {
  Json array = Json::array();
  for (const double number : field) array.push_back(ToJson(number));
  return array;
}

Json ToJson(const HealthState::Best& best) {
  return Json{{"epoch", best.epoch},
              {"validation_loss", ToJson(best.validation_loss)},
              {"training_loss", ToJson(best.training_loss)}};
}

template <typename T>
Json ToJson(const std::optional<T>& field) {
  return field.has_value() ? ToJson(*field) : Json(nullptr);
}

// These throw Json::exception for a field of another kind.
template <typename T>
void FromJson(const Json& json, T& field) {
  json.get_to(field);
}

void FromJson(const Json& json, double& field) {
  if (json.is_string() && absl::SimpleAtod(json.get<std::string>(), &field)) return;
  json.get_to(field);
}

void FromJson(const Json& json, std::vector<double>& field) {
  field.clear();
  for (const Json& number : json) FromJson(number, field.emplace_back());
}

void FromJson(const Json& json, HealthState::Best& best) {
  FromJson(json.at("epoch"), best.epoch);
  FromJson(json.at("validation_loss"), best.validation_loss);
  FromJson(json.at("training_loss"), best.training_loss);
}

template <typename T>
void FromJson(const Json& json, std::optional<T>& field) {
  if (json.is_null()) {
    field.reset();
  } else {
    FromJson(json, field.emplace());
  }
}

}  // namespace

Json RunStateToJson(const RunState& state) {
  Json json;
  VisitFields(state, [&json](const char* name, const auto& field) { json[name] = ToJson(field); });
  return json;
}

absl::Status RunStateFromJson(const Json& json, RunState& state) {
  absl::Status status;
  VisitFields(state, [&](const char* name, auto& field) {
    try {
      FromJson(json.at(name), field);
    } catch (const Json::exception&) {
      status.Update(absl::DataLossError(absl::StrCat("the run's \"", name, "\" cannot be read")));
    }
  });
  return status;
}

}  // namespace strop
