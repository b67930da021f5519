#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "plugin/report/chart.h"
#include "plugin/report/page.h"
#include "plugin/study/laboratory.h"
#include "plugin/study/statistics.h"

namespace strop {

// What textbooks say, and what this run measured.
struct Claim {
  std::string textbook;
  std::string source;  // who says so
  std::string measured;
  Verdict verdict = Verdict::kUndecided;  // decided from the numbers in `measured`
};

struct StudyResult {
  std::string setting;  // networks, data, epochs, seeds
  PageTable table;
  std::vector<Claim> claims;
  std::vector<Chart> charts;
};

struct Study {
  std::string name;
  std::string question;
  bool takes_model = false;  // runs on the user's own model too
  std::function<absl::StatusOr<StudyResult>(Laboratory&)> run;
};

// One file a study.
Study ActivationsStudy();
Study LossesStudy();
Study OptimizersStudy();
Study LearningRateStudy();
Study BatchSizeStudy();
Study VanishingGradientsStudy();
Study RegularizationStudy();

const std::vector<Study>& AllStudies();

// The study as text for a terminal, and as a section of a page, or all there is on it.
std::string StudyText(const Study& study, const StudyResult& result);
void AddToPage(const Study& study, const StudyResult& result, bool is_alone, Page& page);

}  // namespace strop
