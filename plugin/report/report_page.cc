#include "plugin/report/report_page.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "plugin/report/report_sections.h"
#include "plugin/report/run_summary.h"

namespace strop {
namespace {

std::string Began(const RunRecords& run) {
  return absl::FormatTime("began on %Y-%m-%d at %H:%M:%S UTC",
                          absl::FromUnixSeconds(static_cast<int64_t>(run.started)),
                          absl::UTCTimeZone());
}

std::vector<Page::Highlight> HighlightsOf(const RunSummary& summary) {
  std::vector<Page::Highlight> highlights;
  const auto add = [&](const std::string& label, const std::string& value) {
    highlights.push_back({label, value});
  };
  if (summary.best_validation_loss) {
    add(absl::StrCat("Best validation loss, epoch ", *summary.best_epoch),
        absl::StrFormat("%.4g", *summary.best_validation_loss));
  }
  constexpr size_t kMostMetrics = 4;
  size_t metrics = 0;
  for (const auto& [name, value] : summary.metrics) {
    if (metrics++ == kMostMetrics) break;
    add(summary.best_epoch ? absl::StrCat(name, ", same epoch") : name,
        absl::StrFormat("%.4g", value));
  }
  if (summary.last_train_loss) {
    add("Training loss at the end", absl::StrFormat("%.4g", *summary.last_train_loss));
  }
  add("Epochs", absl::StrCat(summary.epochs));
  add("Steps", absl::StrCat(summary.steps));
  add("Time", DurationText(summary.seconds));
  if (summary.samples_per_second) {
    add("Samples a second", AmountText(*summary.samples_per_second));
  }
  if (summary.peak_memory_mib) {
    add("Peak memory", absl::StrCat(AmountText(*summary.peak_memory_mib), " MiB"));
  }
  return highlights;
}

void AddHead(const RunRecords& run, Page& page) {
  const RunSummary summary = Summarize(run);
  const bool is_good = summary.status == "finished" || summary.status == "stopped_early";
  page.AddNotice(is_good ? Page::Tone::kGood : Page::Tone::kWarning, StatusText(summary));
  if (const std::string weights = WeightsText(summary); !weights.empty()) page.AddText(weights);
  page.AddHighlights(HighlightsOf(summary));
  if (run.damaged_lines > 0) {
    page.AddNotice(Page::Tone::kNeutral,
                   absl::StrCat(run.damaged_lines, run.damaged_lines == 1 ? " line" : " lines",
                                " of records.jsonl could not be read and ",
                                run.damaged_lines == 1 ? "is" : "are", " left out."));
  }
}

}  // namespace

Page ReportPage(const RunRecords& run) {
  Page page(absl::StrCat("Run ", RunName(run)), Began(run));
  AddHead(run, page);
  for (const auto& add_section : kReportSections) add_section(run, page);
  return page;
}

}  // namespace strop
