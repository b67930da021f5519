#include "plugin/data/arrays/csv.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>

namespace strop {
namespace {

// A file that lasts as long as the test needs it.
class CsvFile {
 public:
  explicit CsvFile(const std::string& text)
      : path_(::testing::TempDir() + "/strop_test_" + std::to_string(getpid()) + ".csv") {
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~CsvFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

absl::StatusOr<std::unique_ptr<DataSource>> Open(const std::string& text,
                                                 const CsvOptions& options = {}) {
  const CsvFile file(text);
  return OpenCsv(file.path(), options);
}

TEST(Csv, ReadsNumbersAndTarget) {
  const auto source = Open("a,b,target\n1,2.5,0\n-3,4e2,1\n");
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->sample_count(), 2);
  const int x = (*source)->FindField("x");
  ASSERT_GE(x, 0);
  EXPECT_EQ((*source)->fields()[x].shape, Shape{2});
  EXPECT_EQ((*source)->whole_array(x)->elements<double>()[3], 400);
  std::vector<Tensor> batch = (*source)->MakeBatch(2);
  ASSERT_TRUE((*source)->Read({1, 1}, absl::MakeSpan(batch)).ok());
  EXPECT_EQ(batch[x].elements<double>()[2], -3);
  EXPECT_EQ(batch[(*source)->FindField("target")].elements<double>()[0], 1);
}

TEST(Csv, CountsTextTargetsByTheirSortedNames) {
  CsvOptions options;
  options.target = "species";
  const auto source =
      Open("species,\"petal \"\"length\"\"\"\r\nvirginica,1\r\n\"setosa, wild\",2\r\n", options);
  ASSERT_TRUE(source.ok()) << source.status();
  ASSERT_EQ((*source)->class_names().size(), 2u);
  EXPECT_EQ((*source)->class_names()[0], "setosa, wild");
  const Tensor* target = (*source)->whole_array((*source)->FindField("target"));
  EXPECT_EQ(target->elements<int64_t>()[0], 1);
  EXPECT_EQ(target->elements<int64_t>()[1], 0);
}

TEST(Csv, CountsByGivenClasses) {
  CsvOptions options;
  options.class_names = {"a", "b", "c"};
  const auto source = Open("x,target\n1,c\n2,a\n", options);
  ASSERT_TRUE(source.ok()) << source.status();
  EXPECT_EQ((*source)->whole_array(1)->elements<int64_t>()[0], 2);
  EXPECT_FALSE(Open("x,target\n1,d\n", options).ok());
}

TEST(Csv, GivesEveryModelInputItsColumn) {
  CsvOptions options;
  options.input_names = {"width", "height"};
  const auto source = Open("height,width,target\n1,2,3\n", options);
  ASSERT_TRUE(source.ok()) << source.status();
  const int width = (*source)->FindField("width");
  EXPECT_EQ((*source)->whole_array(width)->elements<double>()[0], 2);
}

TEST(Csv, NamesLineAndColumnOfWhatIsWrong) {
  const struct {
    std::string text;
    std::string message;
  } rows[] = {
      {"", "empty"},
      {"a,target\n1,2\n3\n", "line 3: found 1 cells, expected 2"},
      {"a,target\n1,2\n,4\n", "line 3: column 1 (\"a\"): found an empty cell"},
      {"a,target\nx,2\n", "line 2: column 1 (\"a\"): found \"x\", expected a number"},
      {"a,target\nnan,2\n", "line 2: column 1 (\"a\"): found nan"},
      {"a,target\n1,inf\n", "line 2: column 2 (\"target\"): found inf"},
      {"a,target\n1,\"2\n", "quote that never closes"},
      {"a,target\n\"1\"2,3\n", "after a closing quote"},
      {"a,target\n\"two\nlines\",1\n", "line 2"},
  };
  for (const auto& row : rows) {
    const auto source = Open(row.text);
    ASSERT_FALSE(source.ok()) << row.text;
    EXPECT_EQ(source.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(std::string(source.status().message()).find(row.message), std::string::npos)
        << source.status();
  }
}

TEST(Csv, NamesTheColumnsWhenTheTargetIsNone) {
  CsvOptions options;
  options.target = "label";
  const auto source = Open("a,b\n1,2\n", options);
  ASSERT_FALSE(source.ok());
  EXPECT_NE(std::string(source.status().message()).find("a, b"), std::string::npos);
}

}  // namespace
}  // namespace strop
