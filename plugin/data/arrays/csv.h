#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/data/data_listener.h"
#include "plugin/data/data_source.h"

namespace strop {

struct CsvOptions {
  // Column of the label; a file without it has no target field.
  std::string target = std::string(kTargetField);
  // Column of the samples' weights, which becomes a field of its own; empty, or of another file:
  // none.
  std::string sample_weight;
  // When each of these is a column, every one becomes a field of its own; else all columns but
  // target and weights form one field "x" of shape [columns].
  std::vector<std::string> input_names;
  // What the classes of a text target are counted by; empty: the sorted texts of the file. Numbers
  // are names too where one of the names is a number.
  std::vector<std::string> class_names;
  DataListener listener;     // hears of columns that nothing reads
  bool reads_target = true;  // false: the target's column is passed over
};

// Reads comma-separated values with a header line (RFC 4180: quotes, doubled inside; LF or CRLF).
// Numbers become float64; a target with a text that is no number becomes int64 classes.
// InvalidArgument naming line and column for an empty cell, NaN, infinity, text among the inputs,
// or a line of another length.
absl::StatusOr<std::unique_ptr<DataSource>> OpenCsv(const std::string& path,
                                                    const CsvOptions& options);

}  // namespace strop
