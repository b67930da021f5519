#include "plugin/operations/train/run_lines.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace strop {

using Json = nlohmann::ordered_json;

Json ToJson(const StepReport& report) {
  Json line = {{"step", report.step},
               {"epoch", report.epoch},
               {"loss", report.loss},
               {"learning_rate", report.learning_rate}};
  if (report.gradient_norm) line["gradient_norm"] = *report.gradient_norm;
  return line;
}

Json ToJson(const EpochReport& report) {
  Json line = {
      {"epoch", report.epoch},
      {"step", report.step},
      {"train_loss", report.train_loss},
      {"validation_loss", report.validation_loss ? Json(*report.validation_loss) : Json(nullptr)},
      {"learning_rate", report.learning_rate},
      {"seconds", report.seconds}};
  for (const auto& [name, value] : report.metrics) line[name] = value;
  return line;
}

Json AveragedJson(const TrainingResult& result) {
  Json line = {{"weights", "averaged"},
               {"step", result.steps},
               {"validation_loss", *result.averaged_validation_loss}};
  for (const auto& [name, value] : result.averaged_metrics) line[name] = value;
  return line;
}

std::vector<std::string> EpochParts(const EpochReport& report, int64_t epochs) {
  std::vector<std::string> parts = {absl::StrCat("epoch ", report.epoch, "/", epochs),
                                    absl::StrFormat("train loss %.6g", report.train_loss)};
  if (report.validation_loss) {
    parts.push_back(absl::StrFormat("validation loss %.6g", *report.validation_loss));
  }
  for (const auto& [name, value] : report.metrics) {
    parts.push_back(absl::StrFormat("%s %.4f", name, value));
  }
  parts.push_back(absl::StrFormat("%.1f s", report.seconds));
  return parts;
}

}  // namespace strop
