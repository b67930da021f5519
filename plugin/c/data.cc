#include "plugin/c/data.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/c/status.h"
#include "plugin/c/tensors.h"
#include "plugin/options/outcome.h"

namespace strop {
namespace {

// "samples 3, 1, 4 and 29 more".
std::string SampleNames(absl::Span<const int64_t> indices) {
  constexpr size_t kShown = 3;
  std::string names = indices.size() == 1 ? "sample " : "samples ";
  for (size_t i = 0; i < indices.size() && i < kShown; ++i) {
    absl::StrAppend(&names, i == 0 ? "" : ", ", indices[i]);
  }
  if (indices.size() > kShown) absl::StrAppend(&names, " and ", indices.size() - kShown, " more");
  return names;
}

absl::StatusOr<DataField> TakeField(const strop_field& field, size_t index, int64_t sample_count) {
  if (field.name == nullptr) {
    return UsageError(
        absl::StrCat("call: fields[", index, "]: found NULL as its name, expected a name"));
  }
  const std::string which = absl::StrCat("call: fields \"", field.name, "\"");
  DataField taken;
  taken.name = field.name;
  STROP_ASSIGN_OR_RETURN(taken.type, TakeType(field.type, which));
  STROP_ASSIGN_OR_RETURN(taken.shape, TakeShape(field.rank, field.shape, which));
  Shape all = taken.shape;
  all.insert(all.begin(), sample_count);
  STROP_RETURN_IF_ERROR(TakeShape(all.size(), all.data(), which).status());
  return taken;
}

// Makes of the samples what the caller's function writes.
auto ReadBy(strop_read_samples read, void* context) {
  return [read, context](absl::Span<const int64_t> indices, absl::Span<Tensor> batch) {
    std::vector<void*> buffers;
    for (Tensor& tensor : batch) buffers.push_back(tensor.mutable_data());
    const int outcome = read(context, indices.data(), indices.size(), buffers.data());
    for (Tensor& tensor : batch) {
      if (tensor.type() == DataType::kBool) MakeTruthValues(tensor);
    }
    if (outcome == 0) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("data: \"reader\": reading ", SampleNames(indices),
                                            " failed: found ", outcome,
                                            ", expected 0; see who reads them"));
  };
}

}  // namespace
}  // namespace strop

extern "C" {

strop_status strop_data_arrays(const strop_tensor* arrays, size_t array_count, int copies,
                               strop_data** data) {
  return strop::Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(strop::CheckGiven({{data, "data"}}));
    auto made = std::make_unique<strop_data>();
    STROP_ASSIGN_OR_RETURN(
        made->given.arrays,
        strop::TakeTensors(arrays, array_count, "arrays",
                           copies ? strop::Elements::kCopied : strop::Elements::kBorrowed));
    *data = made.release();
    return absl::OkStatus();
  });
}

strop_status strop_data_reader(int64_t sample_count, const strop_field* fields, size_t field_count,
                               strop_read_samples read, void* context, strop_data** data) {
  return strop::Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(strop::CheckGiven(
        {{fields, "fields"}, {reinterpret_cast<const void*>(read), "read"}, {data, "data"}}));
    if (sample_count < 0) {
      return strop::UsageError(
          absl::StrCat("call: found ", sample_count, " as \"sample_count\", expected a count"));
    }
    auto made = std::make_unique<strop_data>();
    made->given.origin = "reader";
    made->given.sample_count = sample_count;
    for (size_t i = 0; i < field_count; ++i) {
      STROP_ASSIGN_OR_RETURN(made->given.fields.emplace_back(),
                             strop::TakeField(fields[i], i, sample_count));
    }
    made->given.read = strop::ReadBy(read, context);
    *data = made.release();
    return absl::OkStatus();
  });
}

void strop_data_free(strop_data* data) { delete data; }

}  // extern "C"
