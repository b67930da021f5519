#pragma once

#include <memory>
#include <string>
#include <vector>

#include "plugin/data/arrays/npz.h"
#include "plugin/data/images/image_source.h"
#include "plugin/data/open_data.h"

namespace strop {

// Arrays for the model's inputs. uint8 ones that look like pictures become what pictures of files
// become; everything else enters as it is, or normalized where `options` say so. `are_pictures`:
// their format holds pictures, whatever the rank of the model's input.
absl::StatusOr<std::unique_ptr<DataSource>> OpenArrays(const std::string& location,
                                                       std::vector<NamedTensor> arrays,
                                                       const std::vector<InputInterface>& inputs,
                                                       const DataOptions& options,
                                                       bool are_pictures);

// The same of samples that come from anywhere, whose target has its name already.
absl::StatusOr<std::unique_ptr<DataSource>> OpenSamples(std::unique_ptr<DataSource> source,
                                                        const std::vector<InputInterface>& inputs,
                                                        const DataOptions& options,
                                                        bool are_pictures);

// Among the names of arrays calls the one kTargetField that --target names. InvalidArgument when
// there is none of that name.
absl::Status RenameTarget(const std::string& location, const DataOptions& options,
                          absl::Span<std::string* const> names);

// The source of one image set for the model's only input.
absl::StatusOr<std::unique_ptr<DataSource>> OpenImages(ImageSet images, const InputInterface& input,
                                                       const DataOptions& options);

// `source` with --mean and --std applied to the field of the model's only input: one number, or one
// a channel of its pictures or a feature of its table. InvalidArgument for what would be ignored.
absl::StatusOr<std::unique_ptr<DataSource>> NormalizeInput(
    std::unique_ptr<DataSource> source, const std::vector<InputInterface>& inputs,
    const DataOptions& options);

}  // namespace strop
