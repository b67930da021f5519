// The safetensors format. The golden is the safetensors package's own file, made by
// tests/goldens/make_safetensors_golden.py; that the package reads what is written here is in
// tests/cli/run_folder_test.py.

#include "plugin/data/arrays/safetensors.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace strop {
namespace {

// A file of this test alone: others run at the same time.
std::string OwnPath() {
  return ::testing::TempDir() + "/strop_test_" + std::to_string(getpid()) + ".safetensors";
}

std::string File(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof(length)) + header + data;
}

absl::StatusOr<SafetensorsContents> Parse(const std::string& bytes) {
  const auto owner = std::make_shared<const std::string>(bytes);
  return ParseSafetensors(*owner, owner, "test");
}

std::string Entry(const std::string& name, const std::string& rest) {
  return "\"" + name + "\":{" + rest + "}";
}

std::string F32(const std::string& name, const std::string& shape, const std::string& offsets) {
  return Entry(name, R"("dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets);
}

std::string Contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Safetensors, ReadsWhatTheFormatAllows) {
  const std::string header = R"({"__metadata__":{"format":"pt"},)" + F32("b", "[]", "[8,12]") +
                             "," + F32("a", "[2,1]", "[0,8]") + "," +
                             F32("none", "[0,3]", "[8,8]") + "}  ";
  const float numbers[] = {1, 2, 3};
  const auto contents =
      Parse(File(header, std::string(reinterpret_cast<const char*>(numbers), sizeof(numbers))));
  ASSERT_TRUE(contents.ok()) << contents.status();
  EXPECT_EQ(contents->metadata, (SafetensorsMetadata{{"format", "pt"}}));
  ASSERT_EQ(contents->tensors.size(), 3u);
  EXPECT_EQ(contents->tensors[0].name, "a");
  EXPECT_EQ(contents->tensors[0].tensor.shape(), (Shape{2, 1}));
  EXPECT_EQ(contents->tensors[0].tensor.elements<float>()[1], 2);
  EXPECT_EQ(contents->tensors[1].name, "none");
  EXPECT_EQ(contents->tensors[2].tensor.shape().size(), 0u);
  EXPECT_EQ(contents->tensors[2].tensor.elements<float>()[0], 3);
}

TEST(Safetensors, ReadsThePackagesFile) {
  const auto contents = ReadSafetensors(STROP_GOLDENS "/package.safetensors");
  ASSERT_TRUE(contents.ok()) << contents.status();
  EXPECT_EQ(contents->metadata, (SafetensorsMetadata{{"format", "np"}, {"note", "Ω"}}));
  std::map<std::string, Tensor> tensors;
  for (const NamedTensor& named : contents->tensors) tensors[named.name] = named.tensor;
  ASSERT_EQ(tensors.size(), 15u);
  const std::map<std::string, DataType> types = {
      {"i1", DataType::kInt8},   {"u1", DataType::kUint8},   {"i2", DataType::kInt16},
      {"u2", DataType::kUint16}, {"f2", DataType::kFloat16}, {"i4", DataType::kInt32},
      {"u4", DataType::kUint32}, {"f4", DataType::kFloat},   {"i8", DataType::kInt64},
      {"u8", DataType::kUint64}, {"f8", DataType::kDouble},  {"bool", DataType::kBool},
  };
  for (const auto& [name, type] : types) {
    const Tensor& tensor = tensors[name];
    EXPECT_EQ(tensor.type(), type) << name;
    ASSERT_EQ(tensor.shape(), (Shape{2, 3})) << name;
    const std::vector<double> numbers = *NumericElements(tensor);
    for (size_t i = 0; i < numbers.size(); ++i) {
      EXPECT_EQ(numbers[i], static_cast<double>(name == "bool" ? i % 2 : i)) << name;
    }
  }
  EXPECT_EQ(tensors["none"].shape(), (Shape{0, 5}));
  EXPECT_EQ(tensors["scalar"].elements<float>()[0], -1.5f);
  EXPECT_EQ(tensors["\"Ω\"\n"].elements<double>()[0], 0.1);
}

TEST(Safetensors, RefusesWhatDoesNotAgree) {
  const std::string eight(8, '\0');
  std::string huge = File("{}", "");
  std::memset(huge.data(), 0xff, 8);
  const struct {
    std::string bytes;
    std::string message;
  } rows[] = {
      {"", "whole safetensors file"},
      {"\x08", "whole safetensors file"},
      {huge, "whole safetensors file"},
      {File("", ""), "begins with"},
      {File("[]", ""), "begins with"},
      {File("{", ""), "no JSON object"},
      {File("{\xff}", ""), "no JSON object"},
      {File("{\"a\":1}", ""), "does not describe it"},
      {File("{" + Entry("a", "") + "}", eight), "dtype"},
      {File("{" + Entry("a", R"("dtype":"F33","shape":[2],"data_offsets":[0,8])") + "}", eight),
       "F33"},
      {File("{" + Entry("a", R"("dtype":7,"shape":[2],"data_offsets":[0,8])") + "}", eight),
       "dtype"},
      {File("{" + F32("a", "[-2]", "[0,8]") + "}", eight), "expected a shape"},
      {File("{" + F32("a", "[2.0]", "[0,8]") + "}", eight), "expected a shape"},
      {File("{" + F32("a", "[[2]]", "[0,8]") + "}", eight), "expected a shape"},
      {File("{" + F32("a", "2", "[0,8]") + "}", eight), "expected a shape"},
      {File("{" + F32("a", "[2]", "[0,8,8]") + "}", eight), "two data_offsets"},
      {File("{" + F32("a", "[2]", "[0,-8]") + "}", eight), "two data_offsets"},
      {File("{" + F32("a", "[2]", "[8,0]") + "}", eight), "found bytes 8 to 0"},
      {File("{" + F32("a", "[4]", "[0,16]") + "}", eight), "is the file whole"},
      {File("{" + F32("a", "[3]", "[0,8]") + "}", eight), "expected those of F32[3]"},
      {File("{" + F32("a", "[4294967296,4294967296]", "[0,0]") + "}", ""), "expected those of"},
      {File("{" + F32("a", "[4611686018427387905]", "[0,4]") + "}", eight), "expected a shape"},
      {File("{" + F32("a", "[18446744073709551615]", "[0,4]") + "}", eight), "expected a shape"},
      {File("{" + F32("a", "[1]", "[4,8]") + "}", eight), "begins at byte 4"},
      {File("{" + F32("a", "[1]", "[0,4]") + "}", eight), "found 8 bytes of elements, expected 4"},
      {File("{" + F32("a", "[2]", "[0,8]") + "," + F32("b", "[1]", "[4,8]") + "}", eight),
       "begins at byte 4, expected 8"},
      {File("{" + F32("a", "[1]", "[0,4]") + "," + F32("a", "[1]", "[4,8]") + "}", eight),
       "two tensors called"},
      {File(R"({"__metadata__":{"n":1}})", ""), "expected text"},
      {File(R"({"__metadata__":"n"})", ""), "no object"},
      {File("{" + Entry("a", R"("dtype":"BOOL","shape":[2],"data_offsets":[0,2])") + "}",
            std::string("\x01\x02")),
       "neither 0 nor 1"},
  };
  for (const auto& row : rows) {
    const absl::Status status = Parse(row.bytes).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << row.message << ": " << status;
    EXPECT_NE(status.message().find(row.message), absl::string_view::npos) << status;
  }
}

TEST(Safetensors, RefusesEveryTruncation) {
  const std::string whole = File("{" + F32("a", "[2]", "[0,8]") + "}", std::string(8, '\0'));
  ASSERT_TRUE(Parse(whole).ok());
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Parse(whole.substr(0, size)).ok()) << size;
  }
  EXPECT_FALSE(Parse(whole + '\0').ok());
}

TEST(Safetensors, ADeepHeaderEndsQuietly) {
  EXPECT_FALSE(Parse(File("{\"a\":" + std::string(1'000'000, '['), "")).ok());
}

TEST(Safetensors, WritesWhatItReads) {
  const std::string path = OwnPath();
  const std::vector<NamedTensor> tensors = {
      {"bytes", Tensor::FromVector<uint8_t>({3}, {1, 2, 3})},
      {"layer.weight", Tensor::FromVector<float>({2, 2}, {1, 2, 3, 4})},
      {"step", Tensor::Scalar<int64_t>(-7)},
      {"\"quoted\" Ω", Tensor::FromVector<double>({1}, {0.1})},
      {"none", Tensor(DataType::kBFloat16, {0, 4})},
  };
  const SafetensorsMetadata metadata = {{"z", "first"}, {"a", "line\nbreak"}};
  ASSERT_TRUE(WriteSafetensors(path, tensors, metadata).ok());
  const std::string bytes = Contents(path);
  EXPECT_EQ(bytes.substr(kSafetensorsMetadataOffset, 11), "\"z\":\"first\"");
  const auto contents = ReadSafetensors(path);
  ASSERT_TRUE(contents.ok()) << contents.status();
  EXPECT_EQ(contents->metadata.size(), 2u);
  ASSERT_EQ(contents->tensors.size(), tensors.size());
  for (const NamedTensor& read : contents->tensors) {
    EXPECT_EQ(reinterpret_cast<uintptr_t>(read.tensor.data()) % BytesFor(read.tensor.type(), 1),
              0u);
    bool is_found = false;
    for (const NamedTensor& written : tensors) {
      if (written.name != read.name) continue;
      is_found = true;
      EXPECT_EQ(written.tensor.type(), read.tensor.type());
      EXPECT_EQ(written.tensor.shape(), read.tensor.shape());
      EXPECT_EQ(std::memcmp(written.tensor.data(), read.tensor.data(), read.tensor.bytes()), 0);
    }
    EXPECT_TRUE(is_found) << read.name;
  }
  std::vector<NamedTensor> reversed(tensors.rbegin(), tensors.rend());
  ASSERT_TRUE(WriteSafetensors(path, reversed, metadata).ok());
  EXPECT_EQ(Contents(path), bytes);
  std::filesystem::remove(path);
}

TEST(Safetensors, RefusesToWriteWhatNobodyCouldRead) {
  const std::string path = OwnPath();
  const Tensor one = Tensor::Scalar<float>(1);
  const std::vector<std::vector<NamedTensor>> rows = {
      {{"a", one}, {"a", one}},
      {{"__metadata__", one}},
      {{"text", Tensor::FromStrings({1}, {"x"})}},
      {{"\xff", one}},
  };
  for (const std::vector<NamedTensor>& tensors : rows) {
    EXPECT_EQ(WriteSafetensors(path, tensors).code(), absl::StatusCode::kInvalidArgument);
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_EQ(WriteSafetensors("/missing/folder/a.safetensors", {}).code(),
            absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace strop
