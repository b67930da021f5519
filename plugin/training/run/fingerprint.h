#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "importer/importer.h"
#include "plugin/data/data_source.h"

namespace strop {

// What a run is made of, by name: the model, the data, each option that decides a step. A run goes
// on from a checkpoint only where both have the same.
using Fingerprint = std::map<std::string, std::string>;

// A hash of the model's bytes and of its parameters, which may lie in other files. DataLoss when
// the file has changed since it was opened.
absl::StatusOr<std::string> FingerprintOfModel(const ImportedModel& model);

// The number of samples, their fields, and a hash of some samples from all over the data.
absl::StatusOr<std::string> FingerprintOfData(DataSource& data);

// InvalidArgument in one line naming everything in which `now` differs from `saved`.
absl::Status CheckSameFingerprint(const Fingerprint& saved, const Fingerprint& now);

}  // namespace strop
