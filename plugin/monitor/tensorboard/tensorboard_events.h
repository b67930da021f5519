#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "plugin/monitor/record.h"
#include "plugin/monitor/tensorboard/tensorboard.pb.h"

namespace strop {

// A record as TensorBoard shows it: for each run that shows some of it (TensorBoardPlace) an event.
// Empty for what TensorBoard has no place for. Errors of drawing a picture.
absl::StatusOr<std::map<std::string, tensorboard::Event>> EventsOf(const Record& record);

}  // namespace strop
