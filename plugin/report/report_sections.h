#pragma once

#include "plugin/report/page.h"
#include "plugin/report/run_records.h"

namespace strop {

// The sections of ReportPage. Each shows its part of a run, or says in a line why there is none.

// report_curves.cc
void AddLoss(const RunRecords& run, Page& page);
void AddMetrics(const RunRecords& run, Page& page);
void AddLearningRate(const RunRecords& run, Page& page);

// report_layers.cc: heat maps with a row a layer, in forward order.
void AddGradients(const RunRecords& run, Page& page);
void AddUpdates(const RunRecords& run, Page& page);
void AddActivations(const RunRecords& run, Page& page);
void AddWeights(const RunRecords& run, Page& page);

// report_histograms.cc
void AddHistograms(const RunRecords& run, Page& page);

// report_predictions.cc: what the model takes for what.
void AddPredictions(const RunRecords& run, Page& page);

// report_resources.cc
void AddTime(const RunRecords& run, Page& page);
void AddSetting(const RunRecords& run, Page& page);

}  // namespace strop
