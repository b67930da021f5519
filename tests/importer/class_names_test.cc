#include "importer/class_names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace strop {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> Parsed(std::string_view text) {
  return ParseClassNames(text).value_or(std::vector<std::string>{"nothing"});
}

TEST(ClassNames, ReadsWhatPythonAndJsonWrite) {
  EXPECT_THAT(Parsed("{0: 'cat', 1: 'dog'}"), ElementsAre("cat", "dog"));
  EXPECT_THAT(Parsed("{\"1\": \"dog\", \"0\": \"cat\"}"), ElementsAre("cat", "dog"));
  EXPECT_THAT(Parsed(" [\"cat\",'dog',]\n"), ElementsAre("cat", "dog"));
  EXPECT_THAT(Parsed(R"(["a\"b", 'it\'s', "tab\t", "\u00e4", "\ud83d\ude00", '\U0001f600'])"),
              ElementsAre("a\"b", "it's", "tab\t", "ä", "😀", "😀"));
}

TEST(ClassNames, RefusesWhatIsNoList) {
  for (const std::string_view text :
       {"", "cat,dog", "{}", "[]", "[1, 2]", "{0: 'a', 2: 'b'}", "{1: 'a'}", "{0: 'a', 0: 'b'}",
        "['a'", "['a' 'b']", "['a',, 'b']", "[, 'a']", "['a'] x", "{'a': 0}", "['\\ud83d']",
        "['\\q']", "['\\x4']", "{0 'a'}", "['a', ['b']]"}) {
    EXPECT_FALSE(ParseClassNames(text).has_value()) << text;
  }
}

TEST(ClassNames, TextIsReadBack) {
  const std::vector<std::string> names = {"plain",     "it's", "back\\slash",
                                          "new\nline", "ä",    "{0: 'x'}"};
  EXPECT_EQ(ParseClassNames(ClassNamesText(names)), names);
}

}  // namespace
}  // namespace strop
