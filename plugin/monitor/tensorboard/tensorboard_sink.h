#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "plugin/monitor/record_sink.h"

namespace strop {

// Every record as TensorBoard shows it, in event files of their own in `directory` and its folders
// (tensorboard_layout.h): scalars, histograms, images (the confusion matrix is one too), text, the
// graph, and hyperparameters for the HParams plugin. With `resume`, TensorBoard drops what earlier
// files hold of later steps.
absl::StatusOr<std::unique_ptr<RecordSink>> OpenTensorBoard(
    const std::string& directory, const std::optional<ResumePoint>& resume);

}  // namespace strop
