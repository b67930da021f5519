#include "plugin/operations/benchmark.h"
#include "plugin/operations/check.h"
#include "plugin/operations/evaluate.h"
#include "plugin/operations/export.h"
#include "plugin/operations/find_learning_rate.h"
#include "plugin/operations/gradient.h"
#include "plugin/operations/inspect.h"
#include "plugin/operations/landscape/landscape.h"
#include "plugin/operations/new.h"
#include "plugin/operations/op_support.h"
#include "plugin/operations/operation.h"
#include "plugin/operations/predict.h"
#include "plugin/operations/report.h"
#include "plugin/operations/run.h"
#include "plugin/operations/study.h"
#include "plugin/operations/train/train.h"
#include "plugin/operations/tune/tune.h"

namespace strop {

std::vector<Operation> AllOperations() {
  return {TrainOperation(),     FindLearningRateOperation(),
          ExportOperation(),    EvaluateOperation(),
          PredictOperation(),   RunOperation(),
          GradientOperation(),  CheckOperation(),
          InspectOperation(),   OpsOperation(),
          BenchmarkOperation(), NewOperation(),
          StudyOperation(),     LandscapeOperation(),
          TuneOperation(),      ReportOperation()};
}

}  // namespace strop
