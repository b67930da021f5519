#include "plugin/training/run/fingerprint.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "exporter/content_hash.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

// "--learning-rate is 0.01, was 0.001"; hashes say nothing to a reader.
std::string Difference(const std::string& name, const std::string* saved, const std::string* now) {
  if (!name.starts_with("--")) return absl::StrCat("the ", name, " is another");
  if (saved == nullptr) return absl::StrCat(name, " is ", *now, ", was not given");
  if (now == nullptr) return absl::StrCat(name, " is not given, was ", *saved);
  return absl::StrCat(name, " is ", *now, ", was ", *saved);
}

const std::string* Find(const Fingerprint& fingerprint, const std::string& name) {
  const auto found = fingerprint.find(name);
  return found == fingerprint.end() ? nullptr : &found->second;
}

}  // namespace

absl::StatusOr<std::string> FingerprintOfModel(const ImportedModel& model) {
  ContentHash hash;
  if (model.file != nullptr) {
    STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const std::string> bytes, model.file->Read());
    hash.Add(*bytes);
  }
  for (const Parameter& parameter : model.parameters) {
    const Tensor& tensor = model.graph.value(parameter.value).tensor;
    hash.Add(parameter.name);
    hash.Add({static_cast<const char*>(tensor.data()), tensor.bytes()});
  }
  return hash.Digest();
}

absl::StatusOr<std::string> FingerprintOfData(DataSource& data) {
  constexpr int64_t kSamples = 16;
  ContentHash hash;
  const int64_t count = data.sample_count();
  std::string fields;
  for (const DataField& field : data.fields()) {
    absl::StrAppend(&fields, " ", field.name, " ", TypeName({field.type, field.shape}));
  }
  const int64_t taken = std::min(count, kSamples);
  std::vector<Tensor> batch = data.MakeBatch(1);
  for (int64_t i = 0; i < taken; ++i) {
    const int64_t index = taken == 1 ? 0 : i * (count - 1) / (taken - 1);
    STROP_RETURN_IF_ERROR(data.Read({&index, 1}, absl::MakeSpan(batch)));
    for (const Tensor& field : batch) {
      hash.Add({static_cast<const char*>(field.data()), field.bytes()});
    }
  }
  return absl::StrCat(count, " samples", fields, " ", hash.Digest());
}

absl::Status CheckSameFingerprint(const Fingerprint& saved, const Fingerprint& now) {
  std::set<std::string> names;
  for (const auto& [name, value] : saved) names.insert(name);
  for (const auto& [name, value] : now) names.insert(name);
  std::vector<std::string> differences;
  for (const std::string& name : names) {
    const std::string* before = Find(saved, name);
    const std::string* after = Find(now, name);
    if (before != nullptr && after != nullptr && *before == *after) continue;
    differences.push_back(Difference(name, before, after));
  }
  if (differences.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "resume: the checkpoint belongs to another run: ", absl::StrJoin(differences, "; "),
      "; go on with the same, or start a run in another folder"));
}

}  // namespace strop
