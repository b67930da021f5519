#include "plugin/report/run_records.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/monitor/record_line.h"
#include "plugin/monitor/record_scalars.h"
#include "plugin/monitor/tags.h"
#include "plugin/report/evenly_spread.h"

namespace strop {
namespace {

constexpr double kNothing = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kMostRows = 1024;       // of layers' numbers
constexpr size_t kMostHistograms = 128;  // of a tag
constexpr size_t kMostOfAKind = 1024;    // of records that pages show as they are
constexpr size_t kShownLayers = 4;       // with histograms, from the first to the last

// Leaves every second element.
template <typename T>
void Halve(std::vector<T>& all) {
  size_t kept = 0;
  for (size_t i = 0; i < all.size(); i += 2) all[kept++] = std::move(all[i]);
  all.resize(kept);
}

// Decides which elements of a sequence of unknown length to keep, so that at most so many are kept
// and they are evenly spread.
class Thinning {
 public:
  explicit Thinning(size_t most) : most_(most) {}

  // Whether to keep the next element; `halve` is called when every second kept one has to go first.
  bool Takes(const std::function<void()>& halve) {
    const size_t index = seen_++;
    if (index % stride_ != 0) return false;
    if (kept_ == most_) {
      halve();
      kept_ = (kept_ + 1) / 2;
      stride_ *= 2;
      if (index % stride_ != 0) return false;
    }
    ++kept_;
    return true;
  }

 private:
  size_t most_;
  size_t seen_ = 0;
  size_t kept_ = 0;
  size_t stride_ = 1;
};

bool IsOfLayer(std::string_view tag) {
  return std::any_of(std::begin(kLayerTags), std::end(kLayerTags),
                     [tag](std::string_view kind) { return tag.starts_with(kind); });
}

// The tags whose histograms are kept: of some layers' weights, which are those of their parameters
// that have the most elements, and of some activations.
std::set<std::string> ShownHistograms(const LayerList& layers) {
  std::vector<LayerList::Parameter> largest;
  for (const LayerList::Parameter& parameter : layers.parameters) {
    if (largest.empty() || largest.back().layer != parameter.layer) {
      largest.push_back(parameter);
    } else if (parameter.element_count > largest.back().element_count) {
      largest.back() = parameter;
    }
  }
  std::set<std::string> tags;
  for (const LayerList::Parameter& parameter : EvenlySpread(largest, kShownLayers)) {
    tags.insert(absl::StrCat(std::string(kWeightsOf), parameter.name));
    tags.insert(absl::StrCat(std::string(kGradientsOf), parameter.name));
  }
  for (const LayerList::Activation& activation : EvenlySpread(layers.activations, kShownLayers)) {
    tags.insert(absl::StrCat(std::string(kActivationsOf), activation.name));
  }
  return tags;
}

// Takes the records of a run one after the other.
class RecordsReader {
 public:
  explicit RecordsReader(RunRecords& run) : run_(run), rows_(kMostRows) {}

  void Add(Record&& record) {
    if (run_.record_count == 0) run_.started = record.time;
    const bool is_pause = std::holds_alternative<RunResume>(record.content);
    if (run_.record_count > 0 && !is_pause) run_.seconds += std::max(record.time - last_time_, 0.0);
    last_time_ = record.time;
    ++run_.record_count;
    run_.step_count = std::max(run_.step_count, record.step);
    run_.epoch_count = std::max(run_.epoch_count, record.epoch);
    std::visit([&](auto& content) { Take(record, content); }, record.content);
  }

 private:
  // A kind without a rule of its own below.
  template <typename Content>
  void Take(const Record& record, Content& content) {
    VisitScalars(content,
                 [&](std::string_view tag, double value) { AddToCurve(record, tag, value); });
    auto& kept = std::get<std::vector<Kept<Content>>>(run_.kept.lists);
    if (Content::kKind.replaces_earlier) {
      kept.clear();
    } else {
      const auto of_kind = thinnings_.try_emplace(std::string(Content::kKind.name), kMostOfAKind);
      if (!of_kind.first->second.Takes([&kept] { Halve(kept); })) return;
    }
    kept.push_back({record.step, record.epoch, std::move(content)});
  }
  void Take(const Record&, RunStart& start) { run_.start = std::move(start); }
  void Take(const Record&, Hyperparameters& hyperparameters) {
    run_.hyperparameters = std::move(hyperparameters.values);
  }
  void Take(const Record&, LayerList& layers) {
    run_.layers = std::move(layers);
    shown_histograms_ = ShownHistograms(run_.layers);
  }
  // No page shows these.
  void Take(const Record&, ModelGraph&) {}
  void Take(const Record&, PngImage&) {}
  void Take(const Record&, Text&) {}
  void Take(const Record& record, EpochScalars& scalars) {
    run_.epochs.AddRow(record.step, record.epoch, scalars.values);
  }
  void Take(const Record& record, Scalars& scalars) {
    TaggedNumbers of_layers;
    for (auto& [tag, value] : scalars.values) {
      if (IsOfLayer(tag)) {
        of_layers.emplace_back(std::move(tag), value);
      } else {
        AddToCurve(record, tag, value);
      }
    }
    if (!of_layers.empty()) AddMeasured(record, of_layers);
  }
  void Take(const Record& record, Histogram& histogram) {
    if (!IsShown(histogram.tag)) return;
    auto& kept = run_.histograms[histogram.tag];
    const auto of_tag = histogram_thinnings_.try_emplace(histogram.tag, kMostHistograms);
    if (of_tag.first->second.Takes([&kept] { Halve(kept); })) {
      kept.emplace_back(record.step, std::move(histogram));
    }
  }
  void Take(const Record& record, ConfusionMatrix& matrix) {
    if (IsOfBestEpoch(record)) run_.best_confusion = {record.step, record.epoch, matrix};
    run_.last_confusion = {record.step, record.epoch, std::move(matrix)};
  }
  void Take(const Record& record, RunResume&) {
    run_.resumed_after.push_back(record.step);
    run_.end.reset();
  }
  void Take(const Record&, RunEnd& end) { run_.end = std::move(end); }

  void AddToCurve(const Record& record, std::string_view tag, double value) {
    Curve& curve = run_.curves[std::string(tag)];
    curve.steps.push_back(static_cast<double>(record.step));
    curve.values.push_back(value);
  }

  void AddMeasured(const Record& record, const TaggedNumbers& values) {
    const auto halve = [this] {
      Halve(run_.measured.steps);
      Halve(run_.measured.epochs);
      for (auto& [tag, column] : run_.measured.columns) Halve(column);
    };
    if (rows_.Takes(halve)) run_.measured.AddRow(record.step, record.epoch, values);
  }

  // Without a list of layers the first that come.
  bool IsShown(const std::string& tag) const {
    if (!run_.layers.parameters.empty()) return shown_histograms_.contains(tag);
    return run_.histograms.contains(tag) || run_.histograms.size() < 3 * kShownLayers;
  }

  bool IsOfBestEpoch(const Record& record) const {
    const std::optional<size_t> best = run_.BestEpoch();
    return best && run_.epochs.epochs[*best] == record.epoch;
  }

  RunRecords& run_;
  Thinning rows_;
  std::map<std::string, Thinning> thinnings_;            // by kind
  std::map<std::string, Thinning> histogram_thinnings_;  // by tag
  std::set<std::string> shown_histograms_;
  double last_time_ = 0;
};

std::string TextOf(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

const std::vector<double>* RecordTable::Find(std::string_view tag) const {
  const auto found = columns.find(std::string(tag));
  return found == columns.end() ? nullptr : &found->second;
}

void RecordTable::AddRow(int64_t step, int64_t epoch, const TaggedNumbers& values) {
  steps.push_back(step);
  epochs.push_back(epoch);
  for (const auto& [tag, value] : values) {
    std::vector<double>& column = columns[tag];
    column.resize(row_count(), kNothing);
    column.back() = value;
  }
  for (auto& [tag, column] : columns) column.resize(row_count(), kNothing);
}

const Curve* RunRecords::FindCurve(std::string_view tag) const {
  const auto found = curves.find(std::string(tag));
  return found == curves.end() ? nullptr : &found->second;
}

std::optional<size_t> RunRecords::BestEpoch() const {
  const std::vector<double>* losses = epochs.Find(kValidationLossTag);
  if (losses == nullptr) return std::nullopt;
  std::optional<size_t> best;
  for (size_t i = 0; i < losses->size(); ++i) {
    const double loss = (*losses)[i];
    if (!std::isnan(loss) && (!best || loss < (*losses)[*best])) best = i;
  }
  return best;
}

absl::StatusOr<RunRecords> ReadRunRecords(const std::string& folder) {
  const std::string path = folder + "/records.jsonl";
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return absl::NotFoundError(
        absl::StrCat("\"", folder,
                     "\": found no folder there, expected one that strop train "
                     "--run-directory has filled"));
  }
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path, error)) {
    return absl::NotFoundError(absl::StrCat("\"", folder,
                                            "\": found no records.jsonl in it, expected the folder "
                                            "of strop train --run-directory"));
  }
  RunRecords run;
  run.folder = folder;
  run.config = TextOf(folder + "/config.toml");
  RecordsReader reader(run);
  for (std::string line; std::getline(file, line);) {
    if (line.empty()) continue;
    absl::StatusOr<std::optional<Record>> record = ParseRecordLine(line);
    if (!record.ok()) {
      ++run.damaged_lines;
    } else if (*record) {
      reader.Add(**std::move(record));
    }
  }
  if (file.bad()) return absl::DataLossError(absl::StrCat("\"", path, "\" cannot be read"));
  if (run.record_count > 0) return run;
  return absl::NotFoundError(absl::StrCat("\"", path,
                                          "\": found no record that can be read, expected those of "
                                          "strop train --run-directory"));
}

}  // namespace strop
