#include "plugin/operations/landscape/landscape_grid_file.h"

#include <filesystem>
#include <map>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/npz.h"

namespace strop {
namespace {

Tensor BytesTensor(const std::string& text) {
  return Tensor::FromVector<uint8_t>({static_cast<int64_t>(text.size())},
                                     {text.begin(), text.end()});
}

template <typename T>
std::vector<T> VectorOf(const Tensor& tensor) {
  const absl::Span<const T> elements = tensor.elements<T>();
  return {elements.begin(), elements.end()};
}

absl::Status NoGrid(const std::string& path) {
  return absl::InvalidArgumentError(absl::StrCat(
      "landscape: \"", path,
      "\" exists and holds no grid of a landscape; move it away, or name another with --grid"));
}

}  // namespace

absl::Status WriteGridFile(const std::string& path, const GridFile& file) {
  const auto width = static_cast<int64_t>(file.grid.x.size());
  const auto height = static_cast<int64_t>(file.grid.y.size());
  return WriteNpz(path, {{"x", Tensor::FromVector({width}, file.grid.x)},
                         {"y", Tensor::FromVector({height}, file.grid.y)},
                         {"loss", Tensor::FromVector({height, width}, file.grid.loss)},
                         {"done", Tensor::FromVector({height, width}, file.grid.is_done)},
                         {"center_loss", Tensor::Scalar(file.center_loss)},
                         {"key", BytesTensor(file.key)}});
}

absl::StatusOr<std::optional<GridFile>> ReadGridFile(const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  const absl::StatusOr<std::vector<NamedTensor>> arrays = ReadNpz(path);
  if (!arrays.ok()) return NoGrid(path);
  std::map<std::string, Tensor> by_name;
  for (const NamedTensor& array : *arrays) by_name[array.name] = array.tensor;
  const std::map<std::string, DataType> expected = {
      {"x", DataType::kDouble},   {"y", DataType::kDouble},  {"loss", DataType::kDouble},
      {"done", DataType::kUint8}, {"key", DataType::kUint8}, {"center_loss", DataType::kDouble}};
  for (const auto& [name, type] : expected) {
    if (!by_name.contains(name) || by_name[name].type() != type) return NoGrid(path);
  }
  const int64_t points = by_name["x"].element_count() * by_name["y"].element_count();
  if (by_name["loss"].element_count() != points || by_name["done"].element_count() != points ||
      by_name["center_loss"].element_count() != 1) {
    return NoGrid(path);
  }
  GridFile file;
  file.grid.x = VectorOf<double>(by_name["x"]);
  file.grid.y = VectorOf<double>(by_name["y"]);
  file.grid.loss = VectorOf<double>(by_name["loss"]);
  file.grid.is_done = VectorOf<uint8_t>(by_name["done"]);
  file.center_loss = by_name["center_loss"].elements<double>()[0];
  const absl::Span<const uint8_t> key = by_name["key"].elements<uint8_t>();
  file.key.assign(key.begin(), key.end());
  return file;
}

}  // namespace strop
