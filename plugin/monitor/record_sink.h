#pragma once

#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "plugin/monitor/record.h"

namespace strop {

// Where a resumed run goes on: what was recorded after it is superseded.
struct ResumePoint {
  int64_t step = 0;    // of the checkpoint
  int64_t epochs = 0;  // whose end was reached, validation included
};

// Takes records in their order. Used by one thread.
class RecordSink {
 public:
  virtual ~RecordSink() = default;

  // ResourceExhausted when the disk is full, DataLoss for other failures; both name the file. What
  // was written stays; the sink is not to be used again.
  virtual absl::Status Write(const Record& record) = 0;

  // Hands everything to the operating system: it survives the process, however that ends.
  virtual absl::Status Flush() = 0;
};

}  // namespace strop
