// .npy and .npz. The bytes below are what NumPy 2 writes; tests/data/archives_test.py has NumPy
// itself write the files.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>

#include "plugin/data/arrays/npy.h"
#include "plugin/data/arrays/npz.h"

namespace strop {
namespace {

// A file of this test alone: others run at the same time.
std::string OwnPath(const std::string& name) {
  return ::testing::TempDir() + "/strop_test_" + std::to_string(getpid()) + "_" + name;
}

std::string Npy(const std::string& dictionary, const std::string& elements) {
  std::string padded = dictionary;
  padded.append((64 - (11 + padded.size()) % 64) % 64, ' ');
  padded.push_back('\n');
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes.push_back(static_cast<char>(padded.size() & 0xff));
  bytes.push_back(static_cast<char>(padded.size() >> 8));
  return bytes + padded + elements;
}

absl::StatusOr<Tensor> Parse(const std::string& bytes) {
  const auto owner = std::make_shared<const std::string>(bytes);
  return ParseNpy(*owner, owner, "test");
}

std::string BytesOf(const std::vector<float>& numbers) {
  return {reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(float)};
}

TEST(Npy, ReadsRowMajorElements) {
  const auto tensor = Parse(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }",
                                BytesOf({1, 2, 3, 4, 5, 6})));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_EQ(tensor->shape(), (Shape{2, 3}));
  EXPECT_EQ(tensor->elements<float>()[3], 4);
}

TEST(Npy, BringsFortranOrderIntoRowMajorOrder) {
  const auto tensor = Parse(Npy("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }",
                                BytesOf({1, 4, 2, 5, 3, 6})));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  for (int i = 0; i < 6; ++i) EXPECT_EQ(tensor->elements<float>()[i], i + 1);
}

TEST(Npy, ReadsScalarsAndEmptyArrays) {
  const auto scalar =
      Parse(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", BytesOf({7})));
  ASSERT_TRUE(scalar.ok()) << scalar.status();
  EXPECT_EQ(scalar->shape().size(), 0u);
  const auto empty = Parse(Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", ""));
  ASSERT_TRUE(empty.ok()) << empty.status();
  EXPECT_EQ(empty->element_count(), 0);
}

TEST(Npy, MakesBooleansOfAnyByte) {
  const auto tensor = Parse(Npy("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }",
                                std::string("\x00\x01\x07", 3)));
  ASSERT_TRUE(tensor.ok()) << tensor.status();
  EXPECT_FALSE(tensor->elements<bool>()[0]);
  EXPECT_TRUE(tensor->elements<bool>()[2]);
}

TEST(Npy, RefusesWhatItCannotRead) {
  const struct {
    std::string bytes;
    std::string message;
  } rows[] = {
      {"", "no NumPy array"},
      {"PK\x03\x04 something else", "no NumPy array"},
      {Npy("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", BytesOf({1})),
       "big-endian"},
      {Npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", BytesOf({1})), "|O"},
      {Npy("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", BytesOf({1, 2})), "<c8"},
      {Npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", BytesOf({1})),
       "structured"},
      {Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", BytesOf({1, 2})),
       "8 bytes"},
      {Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", ""),
       "larger than any file"},
      {Npy("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", ""), "shape"},
      {Npy("{'descr': '<f4', 'fortran_order': False, }", BytesOf({1})), "shape"},
      {std::string("\x93NUMPY\x01\x00\xff\xff{", 11), "cut short"},
      {std::string("\x93NUMPY\x09\x00\x10\x00\x00\x00\x00\x00", 14), "version 9"},
  };
  for (const auto& row : rows) {
    const auto tensor = Parse(row.bytes);
    ASSERT_FALSE(tensor.ok()) << row.message;
    EXPECT_EQ(tensor.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(tensor.status().message()).find(row.message), std::string::npos)
        << tensor.status();
  }
}

TEST(Npz, GivesBackWhatItWrote) {
  const std::string path = OwnPath("round_trip.npz");
  const std::vector<NamedTensor> written = {
      {"x", Tensor::FromVector<float>({2, 2}, {1, 2, 3, 4})},
      {"a/b:0", Tensor::FromVector<int64_t>({3}, {-1, 0, 1})},
      {"scalar", Tensor::Scalar<double>(2.5)},
      {"empty", Tensor(DataType::kFloat, {0, 4})},
      {"flags", Tensor::FromVector<bool>({2}, {true, false})},
      {"half", Tensor(DataType::kFloat16, {5})},
  };
  ASSERT_TRUE(WriteNpz(path, written).ok());
  const auto read = ReadNpz(path);
  ASSERT_TRUE(read.ok()) << read.status();
  ASSERT_EQ(read->size(), written.size());
  for (size_t i = 0; i < written.size(); ++i) {
    const Tensor& a = written[i].tensor;
    const Tensor& b = (*read)[i].tensor;
    EXPECT_EQ((*read)[i].name, written[i].name);
    EXPECT_EQ(a.type(), b.type());
    EXPECT_EQ(a.shape(), b.shape());
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.bytes()), 0) << written[i].name;
  }
  std::remove(path.c_str());
}

TEST(Npz, WritesTheSameBytesTwice) {
  const auto contents = [](const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string first = OwnPath("first.npz");
  const std::string second = OwnPath("second.npz");
  const std::vector<NamedTensor> tensors = {{"x", Tensor::FromVector<float>({1}, {3})}};
  ASSERT_TRUE(WriteNpz(first, tensors).ok());
  ASSERT_TRUE(WriteNpz(second, tensors).ok());
  EXPECT_EQ(contents(first), contents(second));
  std::remove(first.c_str());
  std::remove(second.c_str());
}

TEST(Npz, SaysWhyAFileCannotBeRead) {
  EXPECT_EQ(ReadNpz("/nowhere/x.npz").status().code(), absl::StatusCode::kNotFound);
  const std::string path = OwnPath("damaged.npz");
  std::ofstream(path) << "this is no archive";
  EXPECT_EQ(ReadNpz(path).status().code(), absl::StatusCode::kInvalidArgument);
  std::remove(path.c_str());
}

TEST(Npz, RefusesAPlaceWhereNothingCanBeCreated) {
  const std::vector<NamedTensor> tensors = {{"x", Tensor::Scalar<float>(1)}};
  EXPECT_EQ(WriteNpz("/nowhere/x.npz", tensors).code(), absl::StatusCode::kPermissionDenied);
}

}  // namespace
}  // namespace strop
