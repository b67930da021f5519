#include "plugin/training/run/checkpoint.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "exporter/atomic_file.h"
#include "exporter/content_hash.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/safetensors.h"
#include "plugin/data/data_file.h"
#include "plugin/training/run/run_state_json.h"

namespace strop {
namespace {

using Json = nlohmann::json;

constexpr int kFormat = 2;
constexpr std::string_view kHashKey = "xxh3_128";
constexpr std::string_view kRunKey = "run";
constexpr std::string_view kStatePrefix = "state/";
constexpr std::string_view kBestPrefix = "best/";
// The hash's digits: "xxh3_128":"… stands at the beginning of the metadata.
constexpr size_t kHashOffset = kSafetensorsMetadataOffset + kHashKey.size() + 4;

std::string_view BytesOf(const Tensor& tensor) {
  return {static_cast<const char*>(tensor.data()), tensor.bytes()};
}

absl::Status Damaged(const std::string& path, absl::string_view problem) {
  return absl::DataLossError(absl::StrCat("checkpoint \"", path, "\": ", problem));
}

// The hash of a file whose beginning, up to the elements, is `header`.
ContentHash BeginHash(std::string_view header) {
  ContentHash hash;
  hash.Add(header.substr(0, kHashOffset));
  hash.Add(std::string(ContentHash::kDigits, '0'));
  hash.Add(header.substr(kHashOffset + ContentHash::kDigits));
  return hash;
}

std::string RunText(const Checkpoint& checkpoint) {
  return Json{{"format", kFormat},
              {"state", RunStateToJson(checkpoint.state)},
              {"fingerprint", checkpoint.fingerprint},
              {"best_file", checkpoint.best_file}}
      .dump();
}

absl::Status ReadRunText(const std::string& text, Checkpoint& checkpoint) {
  const Json run = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto format = run.find("format");
  if (!run.is_object() || format == run.end() || *format != kFormat) {
    return absl::DataLossError(
        absl::StrCat("it was written by another version of Strop, expected format ", kFormat));
  }
  try {
    STROP_RETURN_IF_ERROR(RunStateFromJson(run.at("state"), checkpoint.state));
    checkpoint.fingerprint = run.at("fingerprint").get<Fingerprint>();
    checkpoint.best_file = run.at("best_file").get<std::string>();
  } catch (const Json::exception& error) {
    return absl::DataLossError(error.what());
  }
  return absl::OkStatus();
}

// The parts of a file in their order, the hash in its place.
struct FileParts {
  std::string header;
  std::vector<NamedTensor> tensors;
};

absl::StatusOr<FileParts> PartsOf(const Checkpoint& checkpoint) {
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : checkpoint.store) {
    tensors.push_back({std::string(kStatePrefix) + name, tensor});
  }
  for (const auto& [name, tensor] : checkpoint.state.best_weights) {
    tensors.push_back({std::string(kBestPrefix) + name, tensor});
  }
  FileParts parts;
  parts.tensors = InSafetensorsOrder(tensors);
  const SafetensorsMetadata metadata = {
      {std::string(kHashKey), std::string(ContentHash::kDigits, '0')},
      {std::string(kRunKey), RunText(checkpoint)}};
  STROP_ASSIGN_OR_RETURN(parts.header, SafetensorsHeader(parts.tensors, metadata));
  ContentHash hash = BeginHash(parts.header);
  for (const NamedTensor& named : parts.tensors) hash.Add(BytesOf(named.tensor));
  parts.header.replace(kHashOffset, ContentHash::kDigits, hash.Digest());
  return parts;
}

}  // namespace

absl::StatusOr<Checkpoint> TakeCheckpoint(const RunState& state, const StateStore& store) {
  Checkpoint checkpoint;
  checkpoint.state = state;  // whose best weights are replaced as a whole, never written to
  for (const std::string& name : store.Names()) {
    STROP_ASSIGN_OR_RETURN(Tensor tensor, store.Read(name));
    checkpoint.store.push_back({name, std::move(tensor)});
  }
  return checkpoint;
}

absl::Status RestoreStore(const Checkpoint& checkpoint, StateStore& store) {
  std::set<std::string> missing;
  for (std::string& name : store.Names()) missing.insert(std::move(name));
  for (const auto& [name, tensor] : checkpoint.store) {
    const absl::Status status = store.Write(name, tensor);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("resume: the checkpoint does not fit: ", status.message()));
    }
    missing.erase(name);
  }
  if (missing.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("resume: the checkpoint has no state \"", *missing.begin(), "\""));
}

absl::Status WriteCheckpoint(const std::string& path, const Checkpoint& checkpoint) {
  STROP_ASSIGN_OR_RETURN(const FileParts parts, PartsOf(checkpoint));
  STROP_ASSIGN_OR_RETURN(AtomicFile file, AtomicFile::Create(path));
  STROP_RETURN_IF_ERROR(file.Append(parts.header));
  for (const NamedTensor& named : parts.tensors) {
    STROP_RETURN_IF_ERROR(file.Append(BytesOf(named.tensor)));
  }
  STROP_RETURN_IF_ERROR(file.Flush());
  return file.Commit();
}

absl::StatusOr<std::string> SerializeCheckpoint(const Checkpoint& checkpoint) {
  STROP_ASSIGN_OR_RETURN(const FileParts parts, PartsOf(checkpoint));
  std::string bytes = parts.header;
  for (const NamedTensor& named : parts.tensors) bytes.append(BytesOf(named.tensor));
  return bytes;
}

absl::StatusOr<Checkpoint> ReadCheckpoint(const std::string& path) {
  STROP_ASSIGN_OR_RETURN(const std::shared_ptr<const DataFile> file, DataFile::Open(path));
  return ParseCheckpoint(file->bytes(), file, path);
}

absl::StatusOr<Checkpoint> ParseCheckpoint(std::string_view bytes,
                                           std::shared_ptr<const void> owner,
                                           const std::string& path) {
  if (bytes.size() < kHashOffset + ContentHash::kDigits) return Damaged(path, "it is cut short");
  if (BeginHash(bytes).Digest() != bytes.substr(kHashOffset, ContentHash::kDigits)) {
    return Damaged(path, "its checksum does not agree with its contents");
  }
  absl::StatusOr<SafetensorsContents> contents =
      ParseSafetensors(bytes, std::move(owner), absl::StrCat("\"", path, "\""));
  if (!contents.ok()) return Damaged(path, contents.status().message());
  Checkpoint checkpoint;
  std::string run;
  for (const auto& [key, value] : contents->metadata) {
    if (key == kRunKey) run = value;
  }
  const absl::Status status = ReadRunText(run, checkpoint);
  if (!status.ok()) return Damaged(path, status.message());
  for (NamedTensor& named : contents->tensors) {
    const std::string& name = named.name;
    if (name.starts_with(kStatePrefix)) {
      checkpoint.store.push_back({name.substr(kStatePrefix.size()), std::move(named.tensor)});
    } else if (name.starts_with(kBestPrefix)) {
      checkpoint.state.best_weights[name.substr(kBestPrefix.size())] = std::move(named.tensor);
    }
  }
  return checkpoint;
}

}  // namespace strop
