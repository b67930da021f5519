#include "absl/strings/str_cat.h"
#include "plugin/report/report_sections.h"

namespace strop {

void AddHealth(const RunRecords& run, Page& page) {
  page.AddSection("Health");
  for (const auto& [step, epoch, finding] : run.All<HealthFinding>()) {
    page.AddNotice(finding.is_warning ? Page::Tone::kWarning : Page::Tone::kNeutral,
                   absl::StrCat("Epoch ", epoch, ", step ", step, ": ", finding.message));
  }
  if (!run.All<HealthFinding>().empty()) return;
  if (run.measured.row_count() == 0) {
    page.AddNotice(Page::Tone::kNeutral,
                   "Nothing was measured but the loss (--no-monitor, or the run ended before), so "
                   "that the health monitor saw no layer.");
    return;
  }
  page.AddNotice(Page::Tone::kGood, "The health monitor found nothing wrong.");
}

}  // namespace strop
