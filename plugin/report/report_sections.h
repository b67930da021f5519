#pragma once

#include "plugin/report/page.h"
#include "plugin/report/run_records.h"

namespace strop {

// A section of ReportPage. Each shows its part of a run, or says in a line why there is none.
using ReportSection = void(const RunRecords& run, Page& page);

// report_health.cc
ReportSection AddHealth;

// report_curves.cc
ReportSection AddLoss, AddMetrics, AddLearningRate;

// report_predictions.cc: what the model takes for what.
ReportSection AddPredictions;

// report_layers.cc: heat maps with a row a layer, in forward order.
ReportSection AddGradients, AddUpdates, AddActivations, AddWeights;

// report_histograms.cc
ReportSection AddHistograms;

// report_resources.cc
ReportSection AddTime, AddSetting;

// In the order of the page.
inline constexpr ReportSection* kReportSections[] = {
    AddHealth,  AddLoss,        AddMetrics, AddLearningRate, AddPredictions, AddGradients,
    AddUpdates, AddActivations, AddWeights, AddHistograms,   AddTime,        AddSetting};

}  // namespace strop
