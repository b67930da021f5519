#include "plugin/operations/prediction_writer.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace strop {
namespace {

using Json = nlohmann::ordered_json;
using Kind = Prediction::Kind;

// As RFC 4180 has it.
std::string Quoted(const std::string& cell) {
  if (cell.find_first_of(",\"\r\n") == std::string::npos) return cell;
  return absl::StrCat("\"", absl::StrReplaceAll(cell, {{"\"", "\"\""}}), "\"");
}

std::string Line(const std::vector<std::string>& cells) {
  std::vector<std::string> quoted;
  for (const std::string& cell : cells) quoted.push_back(Quoted(cell));
  return absl::StrJoin(quoted, ",") + "\n";
}

std::vector<std::string> HeaderOf(const Prediction& prediction) {
  std::vector<std::string> cells = {prediction.file.empty() ? "row" : "file"};
  if (prediction.position) cells.emplace_back("position");
  switch (prediction.kind) {
    case Kind::kClasses:
      for (size_t i = 0; i < prediction.classes.size(); ++i) {
        const std::string rank = prediction.classes.size() > 1 ? absl::StrCat("_", i + 1) : "";
        cells.push_back("class" + rank);
        cells.push_back("probability" + rank);
      }
      break;
    case Kind::kLabels:
      cells.emplace_back("labels");
      for (const Prediction::Class& label : prediction.classes) {
        cells.push_back("probability_" + label.name);
      }
      break;
    case Kind::kNumbers:
      for (size_t i = 0; i < prediction.numbers.size(); ++i) {
        cells.push_back(prediction.numbers.size() > 1 ? absl::StrCat("value_", i) : "value");
      }
      break;
  }
  return cells;
}

std::vector<std::string> CellsOf(const Prediction& prediction, int digits) {
  const auto text = [digits](double number) { return absl::StrFormat("%.*g", digits, number); };
  std::vector<std::string> cells = {prediction.file.empty() ? absl::StrCat(prediction.row)
                                                            : prediction.file};
  if (prediction.position) cells.push_back(absl::StrCat(*prediction.position));
  if (prediction.kind == Kind::kLabels) cells.push_back(absl::StrJoin(prediction.chosen, "|"));
  for (const Prediction::Class& each : prediction.classes) {
    if (prediction.kind == Kind::kClasses) cells.push_back(each.name);
    cells.push_back(text(each.probability));
  }
  for (const double number : prediction.numbers) cells.push_back(text(number));
  return cells;
}

}  // namespace

Json ToJson(const Prediction& prediction) {
  Json line;
  if (prediction.file.empty()) {
    line["row"] = prediction.row;
  } else {
    line["file"] = prediction.file;
  }
  if (prediction.position) line["position"] = *prediction.position;
  switch (prediction.kind) {
    case Kind::kClasses:
      line["class"] = prediction.classes[0].name;
      line["probability"] = prediction.classes[0].probability;
      if (prediction.classes.size() == 1) break;
      for (const Prediction::Class& each : prediction.classes) {
        line["top"].push_back({{"class", each.name}, {"probability", each.probability}});
      }
      break;
    case Kind::kLabels:
      line["labels"] = prediction.chosen;
      for (const Prediction::Class& each : prediction.classes) {
        line["probabilities"][each.name] = each.probability;
      }
      break;
    case Kind::kNumbers:
      if (prediction.numbers.size() == 1) {
        line["value"] = prediction.numbers[0];
      } else {
        line["values"] = prediction.numbers;
      }
      break;
  }
  return line;
}

std::string PredictionText::LineOf(const Prediction& prediction) {
  if (format_ == PredictionFormat::kJsonLines) {
    return ToJson(prediction).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  const std::string header = has_header_ ? "" : Line(HeaderOf(prediction));
  has_header_ = true;
  return header + Line(CellsOf(prediction, digits_));
}

absl::Status PredictionWriter::Add(const Prediction& prediction) {
  constexpr size_t kMostPending = size_t{1} << 16;
  pending_ += text_.LineOf(prediction);
  return pending_.size() < kMostPending ? absl::OkStatus() : write_(std::exchange(pending_, ""));
}

absl::Status PredictionWriter::Finish() { return write_(std::exchange(pending_, "")); }

}  // namespace strop
