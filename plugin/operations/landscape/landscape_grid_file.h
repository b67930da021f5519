#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "plugin/training/exploration/landscape.h"

namespace strop {

// A landscape's numbers as a .npz that grows while they are measured: x, y, loss [y, x], done
// [y, x], center_loss, and `key`, which says as JSON what the numbers belong to.
struct GridFile {
  LossGrid grid;
  double center_loss = 0;
  std::string key;
};

absl::Status WriteGridFile(const std::string& path, const GridFile& file);

// Nothing when there is no such file. InvalidArgument for a file that holds something else, which
// is then not to be overwritten.
absl::StatusOr<std::optional<GridFile>> ReadGridFile(const std::string& path);

}  // namespace strop
