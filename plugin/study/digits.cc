#include "plugin/study/digits.h"

#include <zlib.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"
#include "plugin/data/arrays/array_source.h"

extern const unsigned char strop_digits[];
extern const unsigned char strop_digits_end[];

namespace strop {
namespace {

constexpr int64_t kPixels = 64;
constexpr float kWhite = 16;

absl::StatusOr<std::string> Unpack() {
  constexpr int kGzip = 16 + MAX_WBITS;
  z_stream stream = {};
  if (inflateInit2(&stream, kGzip) != Z_OK)
    return absl::InternalError("study: zlib does not start");
  std::string text(size_t{1} << 20, '\0');
  stream.next_in = const_cast<unsigned char*>(strop_digits);
  stream.avail_in = static_cast<unsigned>(strop_digits_end - strop_digits);
  stream.next_out = reinterpret_cast<unsigned char*>(text.data());
  stream.avail_out = static_cast<unsigned>(text.size());
  const int result = inflate(&stream, Z_FINISH);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  if (result != Z_STREAM_END) return absl::InternalError("study: the digits do not unpack");
  return text;
}

}  // namespace

absl::StatusOr<std::shared_ptr<DataSource>> Digits() {
  STROP_ASSIGN_OR_RETURN(const std::string text, Unpack());
  std::vector<float> pixels;
  std::vector<int64_t> labels;
  bool is_header = true;
  for (const absl::string_view line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    if (std::exchange(is_header, false)) continue;
    int64_t column = 0;
    for (const absl::string_view cell : absl::StrSplit(line, ',')) {
      int number = 0;
      if (!absl::SimpleAtoi(cell, &number))
        return absl::InternalError("study: a digit is no number");
      if (column++ < kPixels) {
        pixels.push_back(static_cast<float>(number) / kWhite);
      } else {
        labels.push_back(number);
      }
    }
  }
  const int64_t count = static_cast<int64_t>(labels.size());
  std::vector<NamedTensor> arrays;
  arrays.push_back({"x", Tensor::FromVector<float>({count, kPixels}, pixels)});
  arrays.push_back({std::string(kTargetField), Tensor::FromVector<int64_t>({count}, labels)});
  STROP_ASSIGN_OR_RETURN(std::unique_ptr<ArraySource> source,
                         ArraySource::Create("the UCI digits", std::move(arrays)));
  return std::shared_ptr<DataSource>(std::move(source));
}

}  // namespace strop
