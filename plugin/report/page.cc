#include "plugin/report/page.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "exporter/atomic_file.h"
#include "graph/status_macros.h"
#include "plugin/report/page_assets.h"

namespace strop {
namespace {

constexpr size_t kLeastSectionsForContents = 4;

// What may load: nothing but what the page itself holds. Plotly's three-dimensional charts make
// functions while they run.
constexpr char kPolicy[] =
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; "
    "img-src data: blob:; font-src data:";

std::string ValidText(std::string_view text) {
  const nlohmann::json json = std::string(text);
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;
  auto valid = nlohmann::json::parse(json.dump(-1, ' ', false, kReplace)).get<std::string>();
  for (char& character : valid) {  // control characters have no place in HTML
    const bool is_control = static_cast<unsigned char>(character) < 0x20 || character == 0x7f;
    if (is_control && character != '\n' && character != '\t') character = ' ';
  }
  return valid;
}

// JSON between script tags: no "<" may stand there, which could end the script or open a comment.
std::string ScriptJson(const std::string& json) {
  return absl::StrReplaceAll(json, {{"<", "\\u003c"}, {">", "\\u003e"}, {"&", "\\u0026"}});
}

bool LooksLikeNumber(const std::string& text) {
  static constexpr std::string_view kUnits = " %+-.,:eE×~≤≥–±";
  const bool starts = !text.empty() && (std::isdigit(static_cast<unsigned char>(text[0])) != 0 ||
                                        text[0] == '-' || text[0] == '+' || text[0] == '.');
  return starts && std::all_of(text.begin(), text.end(), [](char character) {
           return std::isdigit(static_cast<unsigned char>(character)) != 0 ||
                  kUnits.find(character) != std::string_view::npos;
         });
}

std::string ChartHtml(const Chart& chart) {
  std::string html = "<figure class=\"chart\"><figcaption>";
  if (!chart.title.empty()) absl::StrAppend(&html, "<h3>", EscapeHtml(chart.title), "</h3>");
  if (!chart.caption.empty()) absl::StrAppend(&html, "<p>", EscapeHtml(chart.caption), "</p>");
  const std::string label = absl::StrCat(chart.title, ". ", chart.caption);
  absl::StrAppend(&html, "</figcaption><div class=\"scroll\"><div class=\"plot\" role=\"img\" ",
                  "aria-label=\"", EscapeHtml(label), "\" style=\"--height:", chart.height_rem,
                  "rem;min-width:", chart.minimum_width_rem, "rem\"></div></div>",
                  "<script type=\"application/json\">", ScriptJson(chart.figure),
                  "</script></figure>\n");
  return html;
}

// Columns of numbers stand right-aligned, their heads too.
std::string CellHtml(const std::string& open, bool is_number, const std::string& text,
                     const std::string& close) {
  return absl::StrCat("<", open, is_number ? " class=\"number\">" : ">", EscapeHtml(text), "</",
                      close, ">");
}

// What a cell is called where a narrow screen shows it without its column.
std::string LabelOf(const PageTable& table, size_t column) {
  if (column >= table.header.size() || table.header[column].empty()) return "";
  return absl::StrCat(" data-label=\"", EscapeHtml(table.header[column]), "\"");
}

bool IsNumberColumn(const PageTable& table, size_t column) {
  if (column == 0) return false;
  for (const std::vector<std::string>& row : table.rows) {  // the first that is there decides
    if (column < row.size() && row[column] != "–") return LooksLikeNumber(row[column]);
  }
  return false;
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  return absl::StrReplaceAll(
      ValidText(text),
      {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

Page::Page(std::string title, std::string subtitle)
    : title_(std::move(title)), subtitle_(std::move(subtitle)) {}

void Page::AddSection(std::string_view heading) {
  if (!sections_.empty()) absl::StrAppend(&body_, "</section>\n");
  sections_.emplace_back(heading);
  const std::string id = absl::StrCat("section-", sections_.size());
  absl::StrAppend(&body_, "<section aria-labelledby=\"", id, "\"><h2 id=\"", id, "\">",
                  EscapeHtml(heading), "</h2>\n");
}

void Page::AddText(std::string_view text) {
  absl::StrAppend(&body_, "<p>", EscapeHtml(text), "</p>\n");
}

void Page::AddNotice(Tone tone, std::string_view text) {
  const char* name = tone == Tone::kGood ? "good" : tone == Tone::kWarning ? "warning" : "neutral";
  absl::StrAppend(&body_, "<p class=\"notice ", name, "\">", EscapeHtml(text), "</p>\n");
}

void Page::AddCode(std::string_view text) {
  has_code_ = true;
  absl::StrAppend(&body_, "<div class=\"code\"><pre tabindex=\"0\"><code>", EscapeHtml(text),
                  "</code></pre><button type=\"button\" hidden>Copy</button></div>\n");
}

void Page::AddHighlights(absl::Span<const Highlight> highlights) {
  absl::StrAppend(&body_, "<dl class=\"highlights\">");
  for (const Highlight& highlight : highlights) {
    absl::StrAppend(&body_, "<div><dt>", EscapeHtml(highlight.label), "</dt><dd>",
                    EscapeHtml(highlight.value), "</dd></div>");
  }
  absl::StrAppend(&body_, "</dl>\n");
}

void Page::AddTable(const PageTable& table) {
  constexpr size_t kMostColumns = 4;  // on a phone
  const std::string label = EscapeHtml(table.caption);
  absl::StrAppend(&body_, "<div class=\"scroll table",
                  table.header.size() > kMostColumns ? " wide" : "",
                  "\" role=\"region\" tabindex=\"0\" aria-label=\"",
                  label.empty() ? "Table" : label, "\"><table>");
  if (!label.empty()) absl::StrAppend(&body_, "<caption>", label, "</caption>");
  absl::StrAppend(&body_, "<thead><tr>");
  for (size_t column = 0; column < table.header.size(); ++column) {
    absl::StrAppend(&body_, CellHtml("th scope=\"col\"", IsNumberColumn(table, column),
                                     table.header[column], "th"));
  }
  absl::StrAppend(&body_, "</tr></thead><tbody>\n");
  for (const std::vector<std::string>& row : table.rows) {
    absl::StrAppend(&body_, "<tr>");
    for (size_t column = 0; column < row.size(); ++column) {
      absl::StrAppend(
          &body_, column == 0
                      ? CellHtml("th scope=\"row\"" + LabelOf(table, 0), false, row[column], "th")
                      : CellHtml("td" + LabelOf(table, column), IsNumberColumn(table, column),
                                 row[column], "td"));
    }
    absl::StrAppend(&body_, "</tr>\n");
  }
  absl::StrAppend(&body_, "</tbody></table></div>\n");
}

void Page::AddChart(const Chart& chart) {
  has_chart_ = true;
  absl::StrAppend(&body_, ChartHtml(chart));
}

void Page::AddCharts(absl::Span<const Chart> charts) {
  absl::StrAppend(&body_, "<div class=\"side-by-side\">\n");
  for (const Chart& chart : charts) AddChart(chart);
  absl::StrAppend(&body_, "</div>\n");
}

void Page::AddImages(absl::Span<const PageImage> images) {
  absl::StrAppend(&body_, "<div class=\"images\">\n");
  for (const PageImage& image : images) {
    const std::string caption = EscapeHtml(image.caption);
    absl::StrAppend(&body_, "<figure><img alt=\"", caption, "\" src=\"data:image/png;base64,",
                    absl::Base64Escape(image.png), "\"><figcaption>", caption,
                    "</figcaption></figure>\n");
  }
  absl::StrAppend(&body_, "</div>\n");
}

std::string Page::Html() const {
  std::string html = absl::StrCat(
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
      "<meta http-equiv=\"Content-Security-Policy\" content=\"", kPolicy, "\">\n",
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
      "<meta name=\"color-scheme\" content=\"light dark\">\n",
      "<meta name=\"generator\" content=\"Strop\">\n", "<title>", EscapeHtml(title_), "</title>\n",
      "<link rel=\"icon\" href=\"data:,\">\n<style>\n", std::string(PageStyle()),
      "</style>\n</head>\n<body>\n", "<header><h1>", EscapeHtml(title_), "</h1>");
  if (!subtitle_.empty()) absl::StrAppend(&html, "<p>", EscapeHtml(subtitle_), "</p>");
  absl::StrAppend(&html, "</header>\n");
  if (sections_.size() >= kLeastSectionsForContents) {
    absl::StrAppend(&html, "<nav aria-label=\"Contents\"><ul>");
    for (size_t i = 0; i < sections_.size(); ++i) {
      absl::StrAppend(&html, "<li><a href=\"#section-", i + 1, "\">", EscapeHtml(sections_[i]),
                      "</a></li>");
    }
    absl::StrAppend(&html, "</ul></nav>\n");
  }
  absl::StrAppend(&html, "<main>\n", body_, sections_.empty() ? "" : "</section>\n", "</main>\n");
  if (has_chart_) {
    html.append("<noscript><p class=\"notice warning\">The charts need JavaScript, which this ");
    html.append("browser has switched off.</p></noscript>\n<script>\n/*\n");
    html.append(PlotlyLicense()).append("*/\n").append(PlotlyScript());
    html.append("\n</script>\n");
  }
  if (has_chart_ || has_code_) {
    html.append("<script>\n").append(PageScript()).append("</script>\n");
  }
  return absl::StrCat(html, "</body>\n</html>\n");
}

absl::Status Page::Write(const std::string& path) const {
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  STROP_RETURN_IF_ERROR(file.Append(Html()));
  STROP_RETURN_IF_ERROR(file.Flush());
  return file.Commit();
}

}  // namespace strop
