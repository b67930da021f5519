#include "plugin/options/table/option_texts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "plugin/options/outcome.h"

namespace strop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct Values {
  bool is_on = false;
  int64_t count = 3;
  std::string pattern;
  std::vector<std::string> names;
  std::string config;
};

class OptionTextsTest : public ::testing::Test {
 protected:
  OptionTextsTest() {
    options_.Add(
        {{.name = "on", .target = &values_.is_on, .help = "a switch"},
         {.name = "count", .aliases = {"how-many"}, .target = &values_.count, .help = "how many"},
         {.name = "pattern", .target = &values_.pattern, .value_when_bare = "all", .help = "which"},
         {.name = "names", .target = &values_.names, .needs = {"on"}, .help = "of them"},
         {.name = "config",
          .target = &values_.config,
          .is_of_the_moment = true,
          .help = "a file"}});
  }

  std::string ErrorOf(const OptionTexts& texts) {
    const absl::Status status = GiveTexts(texts, options_);
    EXPECT_EQ(ExitCodeOf(status), kExitUsage) << status;
    return std::string(status.message());
  }

  Values values_;
  OptionSet options_;
};

TEST_F(OptionTextsTest, TextsAndWhatStandsAlone) {
  const absl::Status status = GiveTexts(
      {{"on", {}}, {"pattern", {}}, {"names", {"a"}}, {"names", {"b", "c"}}, {"how-many", {"5"}}},
      options_);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_TRUE(values_.is_on);
  EXPECT_EQ(values_.pattern, "all");
  EXPECT_EQ(values_.count, 5);
  EXPECT_THAT(values_.names, ElementsAre("a", "b", "c"));
}

TEST_F(OptionTextsTest, RefusesWhatACommandLineRefuses) {
  EXPECT_THAT(ErrorOf({{"cuont", {"5"}}}), HasSubstr("did you mean count"));
  EXPECT_THAT(ErrorOf({{"count", {"five"}}}), HasSubstr("five"));
  EXPECT_THAT(ErrorOf({{"names", {"a"}}}), HasSubstr("--names requires --on"));
}

TEST_F(OptionTextsTest, OneValueIsGivenOnceUnderAllItsNames) {
  EXPECT_THAT(ErrorOf({{"count", {"5"}}, {"how-many", {"6"}}}), HasSubstr("given 2 times"));
  EXPECT_THAT(ErrorOf({{"count", {}}}), HasSubstr("--count: found no value"));
}

TEST_F(OptionTextsTest, AFileOfOptionsStandsBehindWhatIsGiven) {
  const std::string path = ::testing::TempDir() + "/option_texts_test.toml";
  std::ofstream(path) << "count = 7\npattern = \"x*\"\n";
  const absl::Status status = GiveTexts({{"config", {path}}, {"count", {"5"}}}, options_);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(values_.count, 5);
  EXPECT_EQ(values_.pattern, "x*");
}

}  // namespace
}  // namespace strop
