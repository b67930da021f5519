#include "plugin/data/arrays/csv.h"

#include <fast_float/fast_float.h>

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/array_source.h"
#include "plugin/data/class_names.h"
#include "plugin/data/data_file.h"

namespace strop {
namespace {

std::string_view Trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// What stands between the cells: a comma, but where the first line has none outside of quotes, the
// semicolon or the tab that it has.
char SeparatorOf(std::string_view bytes) {
  bool is_quoted = false;
  std::string found;
  for (const char c : bytes) {
    if (c == '"') is_quoted = !is_quoted;
    if (is_quoted) continue;
    if (c == '\n' || c == '\r') break;
    if (c == ',' || c == ';' || c == '\t') found += c;
  }
  const bool is_one_kind = found.find_first_not_of(found.substr(0, 1)) == std::string::npos;
  return found.empty() || !is_one_kind ? ',' : found[0];
}

// Splits a file into records of cells.
class CsvReader {
 public:
  CsvReader(std::string_view bytes, std::string origin)
      : bytes_(bytes), origin_(std::move(origin)) {
    if (bytes_.starts_with("\xef\xbb\xbf")) position_ = 3;  // byte order mark
    ends_ = {SeparatorOf(bytes_.substr(position_)), '\r', '\n'};
  }

  // "comma", "semicolon" or "tab".
  std::string separator_name() const {
    return ends_[0] == ',' ? "comma" : ends_[0] == ';' ? "semicolon" : "tab";
  }

  // The line on which the record last read begins, counted from 1.
  int64_t line() const { return record_line_; }

  // False at the end of the file. Blank lines are passed over.
  absl::StatusOr<bool> NextRecord(std::vector<std::string>& cells) {
    while (position_ < bytes_.size() && SkipLineEnd()) {
    }
    if (position_ >= bytes_.size()) return false;
    record_line_ = next_line_;
    cells.clear();
    while (true) {
      STROP_RETURN_IF_ERROR(ReadCell(cells.emplace_back()));
      if (position_ >= bytes_.size()) return true;
      if (bytes_[position_] != ends_[0]) {
        SkipLineEnd();
        return true;
      }
      ++position_;
    }
  }

  absl::Status Invalid(int64_t line, const std::string& problem) const {
    return absl::InvalidArgumentError(
        absl::StrCat("data: \"", origin_, "\", line ", line, ": ", problem));
  }

 private:
  bool SkipLineEnd() {
    if (bytes_[position_] == '\r' && position_ + 1 < bytes_.size() &&
        bytes_[position_ + 1] == '\n') {
      ++position_;
    }
    if (bytes_[position_] != '\n' && bytes_[position_] != '\r') return false;
    ++position_;
    ++next_line_;
    return true;
  }

  absl::Status ReadCell(std::string& cell) {
    if (position_ >= bytes_.size() || bytes_[position_] != '"') {
      const size_t end = std::min(bytes_.find_first_of(ends_, position_), bytes_.size());
      cell = Trimmed(bytes_.substr(position_, end - position_));
      position_ = end;
      return absl::OkStatus();
    }
    const int64_t first_line = next_line_;
    for (++position_; position_ < bytes_.size(); ++position_) {
      const char c = bytes_[position_];
      if (c == '"') {
        const bool is_doubled = position_ + 1 < bytes_.size() && bytes_[position_ + 1] == '"';
        if (!is_doubled) break;
        ++position_;
      }
      if (c == '\n') ++next_line_;
      cell.push_back(c);
    }
    if (position_ >= bytes_.size()) return Invalid(first_line, "found a quote that never closes");
    ++position_;
    const bool is_at_end = position_ >= bytes_.size();
    if (!is_at_end && ends_.find(bytes_[position_]) == std::string::npos) {
      return Invalid(first_line,
                     "found text after a closing quote, expected a " + separator_name());
    }
    return absl::OkStatus();
  }

  std::string_view bytes_;
  std::string origin_;
  std::string ends_;  // what ends a cell: the separator first
  size_t position_ = 0;
  int64_t next_line_ = 1;
  int64_t record_line_ = 1;
};

bool ParseNumber(const std::string& cell, double& number) {
  const char* begin = cell.data();
  const char* end = begin + cell.size();
  if (cell.size() > 1 && *begin == '+') ++begin;
  const auto [last, error] = fast_float::from_chars(begin, end, number);
  return error == std::errc() && last == end;
}

// Everything in the file: numbers of the inputs row by row, the weights, the target as it stands.
struct Table {
  std::vector<std::string> columns;
  int target_column = -1;
  int weight_column = -1;
  int64_t row_count = 0;
  std::vector<double> inputs;        // [row_count, columns without target and weights]
  std::vector<double> weights;       // [row_count], or none
  std::vector<std::string> targets;  // [row_count]
  std::vector<int64_t> lines;        // [row_count]
};

std::string ColumnLabel(const Table& table, size_t column) {
  return absl::StrCat("column ", column + 1, " (\"", table.columns[column], "\")");
}

absl::Status AddRecord(const CsvReader& reader, const std::vector<std::string>& cells,
                       Table& table) {
  if (cells.size() != table.columns.size()) {
    return reader.Invalid(reader.line(), absl::StrCat("found ", cells.size(), " cells, expected ",
                                                      table.columns.size(), " as in the header"));
  }
  for (size_t column = 0; column < cells.size(); ++column) {
    const std::string& cell = cells[column];
    if (cell.empty()) {
      return reader.Invalid(
          reader.line(),
          ColumnLabel(table, column) + ": found an empty cell; fill it in or leave the line out");
    }
    if (static_cast<int>(column) == table.target_column) {
      table.targets.push_back(cell);
      continue;
    }
    double number = 0;
    if (!ParseNumber(cell, number)) {
      const std::string advice =
          table.target_column >= 0
              ? ""
              : absl::StrCat("; if it is the label, say --target ", table.columns[column]);
      return reader.Invalid(reader.line(), absl::StrCat(ColumnLabel(table, column), ": found \"",
                                                        cell, "\", expected a number", advice));
    }
    if (!std::isfinite(number)) {
      return reader.Invalid(reader.line(), absl::StrCat(ColumnLabel(table, column), ": found ",
                                                        cell, ", expected a finite number"));
    }
    const bool is_weight = static_cast<int>(column) == table.weight_column;
    (is_weight ? table.weights : table.inputs).push_back(number);
  }
  table.lines.push_back(reader.line());
  ++table.row_count;
  return absl::OkStatus();
}

absl::StatusOr<Table> ReadTable(CsvReader& reader, const CsvOptions& options) {
  Table table;
  STROP_ASSIGN_OR_RETURN(const bool has_header, reader.NextRecord(table.columns));
  if (!has_header) return reader.Invalid(1, "the file is empty, expected a header line");
  const auto found = std::find(table.columns.begin(), table.columns.end(), options.target);
  if (found != table.columns.end()) {
    table.target_column = static_cast<int>(found - table.columns.begin());
  } else if (options.target != kTargetField) {
    return reader.Invalid(1, absl::StrCat("found no column \"", options.target,
                                          "\" as --target says; the columns are ",
                                          absl::StrJoin(table.columns, ", ")));
  }
  const auto weight = std::find(table.columns.begin(), table.columns.end(), options.sample_weight);
  if (!options.sample_weight.empty() && weight != table.columns.end()) {
    table.weight_column = static_cast<int>(weight - table.columns.begin());
  }
  std::vector<std::string> cells;
  while (true) {
    STROP_ASSIGN_OR_RETURN(const bool has_record, reader.NextRecord(cells));
    if (!has_record) return table;
    STROP_RETURN_IF_ERROR(AddRecord(reader, cells, table));
  }
}

void NoteUnread(const std::string& path, std::vector<std::string> columns,
                const CsvOptions& options) {
  std::erase_if(columns, [&](const std::string& column) {
    return std::find(options.input_names.begin(), options.input_names.end(), column) !=
           options.input_names.end();
  });
  if (columns.empty()) return;
  options.listener.Note(
      absl::StrCat("data: \"", path, "\": nothing reads column ", absl::StrJoin(columns, ", ")));
}

// "the columns a, b", not all where there are many.
std::string ColumnNames(std::vector<std::string> names) {
  constexpr size_t kShown = 12;
  if (names.size() > kShown) {
    names[kShown - 1] = absl::StrCat("… ", names.back());
    names.resize(kShown);
  }
  return "the columns " + absl::StrJoin(names, ", ");
}

// The inputs as one array, or as one a model input when every one of those is a column.
std::vector<NamedTensor> InputArrays(const std::string& path, const Table& table,
                                     const CsvOptions& options) {
  std::vector<std::string> names;
  for (size_t column = 0; column < table.columns.size(); ++column) {
    const auto number = static_cast<int>(column);
    if (number == table.target_column || number == table.weight_column) continue;
    names.push_back(table.columns[column]);
  }
  const auto width = static_cast<int64_t>(names.size());
  if (width == 0) return {};
  const auto column_of = [&](const std::string& name) {
    return std::find(names.begin(), names.end(), name) - names.begin();
  };
  const bool are_columns =
      !options.input_names.empty() &&
      std::all_of(options.input_names.begin(), options.input_names.end(),
                  [&](const std::string& name) { return column_of(name) < width; });
  if (!are_columns) {
    // Without a target the columns may be what a message is about.
    const std::string name = table.target_column < 0 ? ColumnNames(names) : "x";
    return {{name, Tensor::FromVector({table.row_count, width}, table.inputs)}};
  }
  NoteUnread(path, names, options);
  std::vector<NamedTensor> arrays;
  for (const std::string& name : options.input_names) {
    Tensor array(DataType::kDouble, {table.row_count});
    const auto elements = array.mutable_elements<double>();
    for (int64_t row = 0; row < table.row_count; ++row) {
      elements[row] = table.inputs[static_cast<size_t>(row * width + column_of(name))];
    }
    arrays.push_back({name, std::move(array)});
  }
  return arrays;
}

bool IsNumber(const std::string& text) {
  double ignored = 0;
  return ParseNumber(text, ignored);
}

// Numbers where every target is one and none of the names that are known; else classes, counted by
// these or in the order of their sorted texts, which become `class_names`.
absl::StatusOr<Tensor> TargetArray(const CsvReader& reader, const std::string& path,
                                   const Table& table, std::vector<std::string>& class_names) {
  Tensor numbers(DataType::kDouble, {table.row_count});
  const auto elements = numbers.mutable_elements<double>();
  bool are_numbers = std::none_of(class_names.begin(), class_names.end(), IsNumber);
  for (size_t row = 0; are_numbers && row < table.targets.size(); ++row) {
    are_numbers = ParseNumber(table.targets[row], elements[row]);
    if (are_numbers && !std::isfinite(elements[row])) {
      return reader.Invalid(
          table.lines[row],
          absl::StrCat(ColumnLabel(table, static_cast<size_t>(table.target_column)), ": found ",
                       table.targets[row], ", expected a finite number"));
    }
  }
  if (are_numbers) return numbers;
  STROP_ASSIGN_OR_RETURN(NumberedClasses classes, NumberClasses(path, table.targets, class_names));
  class_names = std::move(classes.names);
  return Tensor::FromVector({table.row_count}, classes.labels);
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataSource>> OpenCsv(const std::string& path,
                                                    const CsvOptions& options) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const DataFile> file, DataFile::Open(path));
  CsvReader reader(file->bytes(), path);
  STROP_ASSIGN_OR_RETURN(const Table table, ReadTable(reader, options));
  if (reader.separator_name() != "comma") {
    options.listener.Note(
        absl::StrCat("data: \"", path, "\": a ", reader.separator_name(), " parts its columns"));
  }
  std::vector<NamedTensor> arrays = InputArrays(path, table, options);
  std::vector<std::string> class_names = options.class_names;
  if (table.target_column >= 0 && options.reads_target) {
    STROP_ASSIGN_OR_RETURN(Tensor target, TargetArray(reader, path, table, class_names));
    arrays.push_back({std::string(kTargetField), std::move(target)});
  }
  if (table.weight_column >= 0) {
    arrays.push_back({options.sample_weight, Tensor::FromVector({table.row_count}, table.weights)});
  }
  return ArraySource::Create(path, std::move(arrays), std::move(class_names));
}

}  // namespace strop
