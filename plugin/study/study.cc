#include "plugin/study/study.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace strop {
namespace {

std::string VerdictText(const Claim& claim) {
  switch (claim.verdict) {
    case Verdict::kAgrees:
      return "as the textbook says";
    case Verdict::kDiffers:
      return "differs";
    case Verdict::kUndecided:
      return "undecided: what was measured scatters too much, or the seeds are too few (--seeds)";
  }
  return "";
}

Page::Tone ToneOf(Verdict verdict) {
  if (verdict == Verdict::kUndecided) return Page::Tone::kNeutral;
  return verdict == Verdict::kAgrees ? Page::Tone::kGood : Page::Tone::kWarning;
}

// Columns as wide as their widest cell; the first one flush left.
std::string Columns(const PageTable& table) {
  std::vector<size_t> widths;
  for (const std::string& cell : table.header) widths.push_back(cell.size());
  for (const std::vector<std::string>& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& row) {
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      absl::StrAppend(&text, "  ", i == 0 ? row[i] + space : space + row[i]);
    }
    text += '\n';
  };
  add(table.header);
  for (const std::vector<std::string>& row : table.rows) add(row);
  return text;
}

}  // namespace

const std::vector<Study>& AllStudies() {
  static const std::vector<Study>* const all =
      new std::vector<Study>{ActivationsStudy(),   LossesStudy(),    OptimizersStudy(),
                             LearningRateStudy(),  BatchSizeStudy(), VanishingGradientsStudy(),
                             RegularizationStudy()};
  return *all;
}

std::string StudyText(const Study& study, const StudyResult& result) {
  std::string text = absl::StrCat(study.name, ": ", study.question, "\n  ", result.setting, "\n\n",
                                  Columns(result.table), "\n");
  for (const Claim& claim : result.claims) {
    absl::StrAppend(&text, "  textbook  ", claim.textbook, " [", claim.source, "]\n  measured  ",
                    claim.measured, "\n  ", VerdictText(claim), "\n\n");
  }
  return text;
}

void AddToPage(const Study& study, const StudyResult& result, bool is_alone, Page& page) {
  page.AddSection(is_alone ? study.question : study.name);
  if (!is_alone) page.AddText(study.question);
  page.AddText(absl::StrCat("Measured on ", result.setting, "."));
  page.AddTable(result.table);
  for (const Claim& claim : result.claims) {
    page.AddNotice(ToneOf(claim.verdict),
                   absl::StrCat("Textbook: ", claim.textbook, " (", claim.source,
                                ") Measured: ", claim.measured, " — ", VerdictText(claim), "."));
  }
  page.AddCharts(result.charts);
}

}  // namespace strop
