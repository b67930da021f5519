#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/monitor/record.h"

namespace strop {

// A number over steps.
struct Curve {
  std::vector<double> steps;
  std::vector<double> values;
};

// Numbers by tag in rows that lie side by side: steps, or epochs' ends.
struct RecordTable {
  std::vector<int64_t> steps;
  std::vector<int64_t> epochs;
  std::map<std::string, std::vector<double>> columns;  // NaN in rows without the number

  size_t row_count() const { return steps.size(); }
  // Null for a tag that no row has.
  const std::vector<double>* Find(std::string_view tag) const;
  void AddRow(int64_t step, int64_t epoch, const TaggedNumbers& values);
};

// A record that pages show as it is.
template <typename Content>
struct Kept {
  int64_t step = 0;
  int64_t epoch = 0;
  Content content;
};

// A list for every kind.
template <typename AnyContent>
struct KeptRecords;
template <typename... Kinds>
struct KeptRecords<std::variant<Kinds...>> {
  std::tuple<std::vector<Kept<Kinds>>...> lists;
};

// What RUN/records.jsonl tells of a run, as far as a page can show it. Runs of any length fit:
// numbers of the run as a whole are kept all, those of its layers and its histograms are thinned
// while they are read. A kind that needs no member of its own is in `kept`.
struct RunRecords {
  std::string folder;
  std::string config;  // text of config.toml; empty without the file
  RunStart start;      // empty without its record
  std::vector<std::pair<std::string, HyperparameterValue>> hyperparameters;
  LayerList layers;                     // empty when nothing was measured
  std::map<std::string, Curve> curves;  // of the run as a whole, by tag, of all kinds of records
  RecordTable epochs;                   // by their ends
  RecordTable measured;                 // of every layer, by tag; rows of evenly spread steps
  std::map<std::string, std::vector<std::pair<int64_t, Histogram>>> histograms;  // by tag, step
  // Of the last epoch that has one, and of the best.
  std::optional<Kept<ConfusionMatrix>> last_confusion;
  std::optional<Kept<ConfusionMatrix>> best_confusion;
  std::vector<int64_t> resumed_after;  // steps of the checkpoints
  std::optional<RunEnd> end;           // absent while it goes on, and when it was killed

  int64_t step_count = 0;
  int64_t epoch_count = 0;    // begun
  double started = 0;         // seconds since 1970
  double seconds = 0;         // of work: without the time between an end and its resumption
  int64_t record_count = 0;   // of all kinds
  int64_t damaged_lines = 0;  // which were left out

  // All other kinds: evenly spread ones, or the last where it replaces the others.
  KeptRecords<RecordContent> kept;

  template <typename Content>
  const std::vector<Kept<Content>>& All() const {
    return std::get<std::vector<Kept<Content>>>(kept.lists);
  }
  // Null where there is none.
  template <typename Content>
  const Kept<Content>* Last() const {
    return All<Content>().empty() ? nullptr : &All<Content>().back();
  }
  // Null for a tag that no record has.
  const Curve* FindCurve(std::string_view tag) const;
  // Index of the row of `epochs` with the least validation loss.
  std::optional<size_t> BestEpoch() const;
};

// NotFound for a folder that is none, or holds no records.
absl::StatusOr<RunRecords> ReadRunRecords(const std::string& folder);

}  // namespace strop
