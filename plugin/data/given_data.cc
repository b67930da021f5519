#include "plugin/data/given_data.h"

#include <set>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/open_arrays.h"
#include "plugin/data/open_with_target.h"

namespace strop {
namespace {

class ReadSource : public DataSource {
 public:
  ReadSource(const GivenData& data, std::vector<DataField> fields,
             std::vector<std::string> class_names)
      : origin_(data.origin),
        sample_count_(data.sample_count),
        fields_(std::move(fields)),
        class_names_(std::move(class_names)),
        read_(data.read) {}

  int64_t sample_count() const override { return sample_count_; }
  const std::vector<DataField>& fields() const override { return fields_; }
  const std::string& origin() const override { return origin_; }
  absl::Span<const std::string> class_names() const override { return class_names_; }
  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override {
    return read_(indices, batch);
  }

 private:
  std::string origin_;
  int64_t sample_count_;
  std::vector<DataField> fields_;
  std::vector<std::string> class_names_;
  std::function<absl::Status(absl::Span<const int64_t>, absl::Span<Tensor>)> read_;
};

absl::StatusOr<std::unique_ptr<DataSource>> OpenRead(const GivenData& data,
                                                     const std::vector<InputInterface>& inputs,
                                                     const DataOptions& options) {
  const std::string where = absl::StrCat("data: \"", data.origin, "\": ");
  if (data.fields.empty()) return absl::InvalidArgumentError(where + "found no array in it");
  if (data.sample_count < 0) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, "found ", data.sample_count, " samples, expected at least one"));
  }
  std::vector<DataField> fields = data.fields;
  std::vector<std::string*> names;
  for (DataField& field : fields) names.push_back(&field.name);
  STROP_RETURN_IF_ERROR(RenameTarget(data.origin, options, names));
  return OpenSamples(std::make_unique<ReadSource>(data, std::move(fields), options.class_names),
                     inputs, options, /*are_pictures=*/false);
}

absl::Status CheckNames(const GivenData& data) {
  std::set<std::string> names;
  const auto add = [&](const std::string& name) -> absl::Status {
    if (names.insert(name).second) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("data: \"", data.origin, "\": found \"", name,
                                                   "\" twice, expected one array of a name"));
  };
  for (const NamedTensor& array : data.arrays) STROP_RETURN_IF_ERROR(add(array.name));
  for (const DataField& field : data.fields) STROP_RETURN_IF_ERROR(add(field.name));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<DataSource>> OpenGiven(const GivenData& data,
                                                      const std::vector<InputInterface>& inputs,
                                                      const DataOptions& options) {
  STROP_RETURN_IF_ERROR(CheckNames(data));
  return OpenWithTarget(inputs, options, [&](const DataOptions& opening) {
    if (data.read) return OpenRead(data, inputs, opening);
    return OpenArrays(data.origin, data.arrays, inputs, opening, /*are_pictures=*/false);
  });
}

}  // namespace strop
