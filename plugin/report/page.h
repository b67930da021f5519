#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "plugin/report/chart.h"

namespace strop {

struct PageTable {
  std::string caption;
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as long as the header
};

struct PageImage {
  std::string png;      // the bytes of the file
  std::string caption;  // also what is read out
};

// One HTML file that needs nothing else: no network (its own policy forbids it), any width, light
// and dark as the reader's system is. Plotly is inside when there is a chart. All text is shown as
// it is: names out of models and data are never read as markup. Not thread-safe.
//
//   Page page("Report", "runs/digits");
//   page.AddSection("Loss");
//   page.AddChart(Draw(LineChart{…}));
//   STROP_RETURN_IF_ERROR(page.Write("report.html"));
class Page {
 public:
  enum class Tone { kNeutral, kGood, kWarning };

  explicit Page(std::string title, std::string subtitle = "");

  void AddSection(std::string_view heading);
  void AddText(std::string_view text);
  // A paragraph that stands out: a finding, or why something is missing.
  void AddNotice(Tone tone, std::string_view text);
  // Text to copy, with a button that does: a command, a file.
  void AddCode(std::string_view text);
  // The few numbers that matter, large.
  struct Highlight {
    std::string label;
    std::string value;
  };
  void AddHighlights(absl::Span<const Highlight> highlights);
  void AddTable(const PageTable& table);
  void AddChart(const Chart& chart);
  // Side by side where the screen is wide enough.
  void AddCharts(absl::Span<const Chart> charts);
  void AddImages(absl::Span<const PageImage> images);

  std::string Html() const;

  // Replaces a file at `path` only by the whole page. Errors as AtomicFile's.
  absl::Status Write(const std::string& path) const;

 private:
  std::string title_;
  std::string subtitle_;
  std::vector<std::string> sections_;  // headings
  std::string body_;
  bool has_chart_ = false;
  bool has_code_ = false;
};

// Text as it stands between tags and within quoted attributes. Bytes that are no UTF-8 become
// U+FFFD.
std::string EscapeHtml(std::string_view text);

}  // namespace strop
