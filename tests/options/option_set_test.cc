#include "plugin/options/table/option_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "plugin/options/outcome.h"

namespace strop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Values {
  bool is_on = false;
  int64_t count = 3;
  uint64_t seed = 0;
  std::optional<double> rate;
  std::string kind = "plain";
  std::vector<double> weights;
  std::vector<std::string> patterns;
  std::vector<std::vector<std::string>> paths;
};

void AddOptions(OptionSet& options, Values& values) {
  options.Add("Numbers", {{.name = "count",
                           .aliases = {"c", "how-many"},
                           .target = &values.count,
                           .range = kFromOne,
                           .has_default = true,
                           .help = "how many"},
                          {.name = "seed", .target = &values.seed, .help = "of all draws"},
                          {.name = "rate",
                           .target = &values.rate,
                           .range = kAboveZero,
                           .suits = {"kind", {"fancy", "plain"}},
                           .help = "how fast"},
                          {.name = "weights", .target = &values.weights, .help = "of each"}});
  options.Add({{.name = "on",
                .target = &values.is_on,
                .suits = {"kind", {"fancy"}},
                .needs = {"rate"},
                .help = "whether"},
               {.name = "kind",
                .target = &values.kind,
                .choices = {"plain", "fancy", "other"},
                .has_default = true,
                .help = "which"},
               {.name = "pattern",
                .target = &values.patterns,
                .is_repeated = true,
                .excludes = {"weights"},
                .help = "names"},
               {.name = "path", .target = &values.paths, .help = "files"}});
}

class OptionSetTest : public ::testing::Test {
 protected:
  OptionSetTest() { AddOptions(options_, values_); }

  std::string Refusal(const std::string& name, const std::vector<std::string>& texts) {
    const absl::Status status = options_.Give(name, texts);
    EXPECT_EQ(ExitCodeOf(status), kExitUsage) << status;
    return std::string(status.message());
  }

  Values values_;
  OptionSet options_;
};

TEST_F(OptionSetTest, TextsBecomeValues) {
  ASSERT_TRUE(options_.Give("count", {"7"}).ok());
  ASSERT_TRUE(options_.Give("seed", {"18446744073709551615"}).ok());
  ASSERT_TRUE(options_.Give("rate", {"1e-3"}).ok());
  ASSERT_TRUE(options_.Give("weights", {"1,2", "0.5"}).ok());
  ASSERT_TRUE(options_.Give("pattern", {"a,b", "c"}).ok());
  ASSERT_TRUE(options_.Give("path", {"a\nb", "c"}).ok());
  ASSERT_TRUE(options_.Give("on", {"true"}).ok());
  EXPECT_EQ(values_.count, 7);
  EXPECT_EQ(values_.seed, 18446744073709551615u);
  EXPECT_EQ(values_.rate, 1e-3);
  EXPECT_THAT(values_.weights, ElementsAre(1, 2, 0.5));
  EXPECT_THAT(values_.patterns, ElementsAre("a,b", "c"));
  EXPECT_THAT(values_.paths, ElementsAre(ElementsAre("a", "b"), ElementsAre("c")));
  EXPECT_TRUE(values_.is_on);
}

TEST_F(OptionSetTest, AliasesNameTheSame) {
  ASSERT_TRUE(options_.Give("how-many", {"2"}).ok());
  EXPECT_EQ(values_.count, 2);
  EXPECT_TRUE(options_.IsGiven("count"));
  EXPECT_EQ(options_.at("count").ShownName(), "-c");
}

TEST_F(OptionSetTest, WhatIsNoneOfItsValuesIsRefusedAndNotTaken) {
  EXPECT_THAT(Refusal("count", {"0"}),
              HasSubstr("--count: found \"0\", expected a whole number from 1"));
  EXPECT_THAT(Refusal("count", {"1.5"}), HasSubstr("whole number"));
  EXPECT_THAT(Refusal("count", {"9223372036854775808"}), HasSubstr("64 bits"));
  EXPECT_THAT(Refusal("seed", {"-1"}), HasSubstr("from 0 on"));
  EXPECT_THAT(Refusal("rate", {"0"}), HasSubstr("a finite number above 0"));
  EXPECT_THAT(Refusal("rate", {"inf"}), HasSubstr("finite"));
  EXPECT_THAT(Refusal("kind", {"fanzy"}), HasSubstr("did you mean fancy"));
  EXPECT_THAT(Refusal("on", {"perhaps"}), HasSubstr("true or false"));
  EXPECT_THAT(Refusal("knd", {"plain"}), HasSubstr("unknown option knd, did you mean kind"));
  EXPECT_EQ(values_.count, 3);
  EXPECT_FALSE(values_.rate);
  EXPECT_EQ(values_.kind, "plain");
}

TEST_F(OptionSetTest, OneValueIsOne) {
  EXPECT_THAT(Refusal("count", {"1", "2"}),
              HasSubstr("--count: given 2 times (1, 2), expected once"));
  ASSERT_TRUE(options_.Set("count", "1").ok());
  ASSERT_TRUE(options_.Set("count", "2").ok());
  EXPECT_EQ(values_.count, 2);
  ASSERT_TRUE(options_.Set("pattern", "a").ok());
  ASSERT_TRUE(options_.Set("pattern", "b").ok());
  EXPECT_THAT(values_.patterns, ElementsAre("a", "b"));
}

TEST_F(OptionSetTest, DefaultsAreValuesInTheirShortestForm) {
  EXPECT_THAT(ValuesOf(options_.at("count")), ElementsAre("3"));
  EXPECT_THAT(ValuesOf(options_.at("rate")), IsEmpty());
  ASSERT_TRUE(options_.Give("rate", {"1.000e-3"}).ok());
  EXPECT_THAT(ValuesOf(options_.at("rate")), ElementsAre("0.001"));
  EXPECT_THAT(ValuesOf(options_.at("on")), ElementsAre("false"));
}

TEST_F(OptionSetTest, WhatDoesNotGoTogetherIsRefused) {
  ASSERT_TRUE(options_.Give("on", {"true"}).ok());
  EXPECT_EQ(options_.CheckTogether().message(), "--on requires --rate");
  ASSERT_TRUE(options_.Give("rate", {"1"}).ok());
  EXPECT_TRUE(options_.CheckTogether().ok());
  EXPECT_EQ(options_.CheckSuits().message(),
            "--on: the kind plain does not have it; it belongs to fancy");
  ASSERT_TRUE(options_.Give("kind", {"fancy"}).ok());
  EXPECT_TRUE(options_.CheckSuits().ok());
  ASSERT_TRUE(options_.Give("pattern", {"a"}).ok());
  ASSERT_TRUE(options_.Give("weights", {"1"}).ok());
  EXPECT_EQ(options_.CheckTogether().message(), "--pattern and --weights exclude each other");
}

TEST_F(OptionSetTest, ASwitchThatIsOffIsNotGiven) {
  ASSERT_TRUE(options_.Give("on", {"false"}).ok());
  EXPECT_TRUE(options_.CheckTogether().ok());
  EXPECT_TRUE(options_.CheckSuits().ok());
}

}  // namespace
}  // namespace strop
