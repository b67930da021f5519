#include "graph/unique_names.h"

#include <gtest/gtest.h>

namespace strop {
namespace {

TEST(UniqueNames, NumbersWhatIsWantedAgain) {
  UniqueNames names;
  EXPECT_EQ(names.Take("a"), "a");
  EXPECT_EQ(names.Take("a"), "a_2");
  EXPECT_EQ(names.Take("a_3"), "a_3");
  EXPECT_EQ(names.Take("a"), "a_4");
  UniqueNames from_one(1);
  EXPECT_EQ(from_one.Take("a"), "a");
  EXPECT_EQ(from_one.Take("a"), "a_1");
}

TEST(FreshNames, PutUnderscoresBehindWhatIsTaken) {
  FreshNames names;
  names.Reserve("a");
  names.Reserve("a_");
  EXPECT_EQ(names.Take("b"), "b");
  EXPECT_EQ(names.Take("a"), "a__");
  EXPECT_EQ(names.Take("a"), "a___");
}

TEST(FreshValueNames, KnowsWhatIsAddedMeanwhile) {
  Graph graph;
  const TensorType type{DataType::kFloat, std::nullopt};
  graph.AddInput("a", type);
  FreshValueNames names(graph);
  EXPECT_EQ(names.Take("b"), "b");
  graph.AddValue("c", type);
  EXPECT_EQ(names.Take("a"), "a_");
  EXPECT_EQ(names.Take("c"), "c_");
  EXPECT_EQ(names.Take("b"), "b_");
}

}  // namespace
}  // namespace strop
