#include "plugin/session/obstacles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/importer/test_models.h"

namespace strop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

absl::StatusOr<std::vector<Obstacle>> ObstaclesOf(const onnx::ModelProto& model) {
  return FindObstacles({.file = ModelFile::FromBytes(model.SerializeAsString(), "")});
}

TEST(ObstaclesTest, AModelThatTrainsHasNone) {
  const absl::StatusOr<std::vector<Obstacle>> obstacles = ObstaclesOf(LinearModel());
  ASSERT_TRUE(obstacles.ok()) << obstacles.status();
  EXPECT_THAT(*obstacles, IsEmpty());
}

TEST(ObstaclesTest, OperatorsThatAreMissingHaveTheirNodes) {
  onnx::ModelProto model = EmptyModel();
  AddNode(model, "Frobnicate", {"x"}, {"y"}, "only");
  const absl::StatusOr<std::vector<Obstacle>> obstacles = ObstaclesOf(model);
  ASSERT_TRUE(obstacles.ok()) << obstacles.status();
  ASSERT_THAT(*obstacles, SizeIs(1));
  EXPECT_EQ(obstacles->front().stage, "import");
  EXPECT_EQ(obstacles->front().operator_name, "Frobnicate");
  EXPECT_THAT(obstacles->front().nodes, ElementsAre("only"));
  EXPECT_THAT(obstacles->front().message, HasSubstr("Frobnicate"));
}

TEST(ObstaclesTest, WhatIsNoModelIsAnError) {
  EXPECT_FALSE(FindObstacles({.file = ModelFile::FromBytes("no model", "")}).ok());
}

}  // namespace
}  // namespace strop
