#include "plugin/options/table/config_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "plugin/options/train_arguments.h"

namespace strop {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ConfigFileTest : public ::testing::Test {
 protected:
  ConfigFileTest() {
    std::string folder = std::filesystem::temp_directory_path() / "strop-config-XXXXXX";
    folder_ = mkdtemp(folder.data());
  }
  ~ConfigFileTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& text) const {
    const std::string path = folder_ + "/options.toml";
    std::ofstream(path) << text;
    return path;
  }

  std::string folder_;
};

TEST_F(ConfigFileTest, WhatWasGivenIsReadBack) {
  OptionSet set;
  TrainOptions options;
  AddTrainOptions(set, options);
  ASSERT_TRUE(set.Give("MODEL", {"model.onnx"}).ok());
  ASSERT_TRUE(set.Give("data", {"it's \"data\".npz"}).ok());
  ASSERT_TRUE(set.Give("class-weights", {"1,0.25"}).ok());
  ASSERT_TRUE(set.Give("group", {"*:weight_decay=0"}).ok());
  ASSERT_TRUE(set.Give("drop-last", {"true"}).ok());
  ASSERT_TRUE(set.Give("learning-rate", {"1e-2"}).ok());
  const std::string text = ConfigText(ResolvedOptions(set));
  const std::string path = Write(text);
  EXPECT_TRUE(IsConfigText(path));

  OptionSet again;
  TrainOptions read;
  AddTrainOptions(again, read);
  ASSERT_TRUE(ReadConfig(path, again).ok());
  EXPECT_EQ(read.model.path, "model.onnx");
  EXPECT_EQ(read.data.location, "it's \"data\".npz");
  EXPECT_THAT(read.loss.class_weights, ElementsAre(1, 0.25));
  EXPECT_THAT(read.groups.groups, ElementsAre("*:weight_decay=0"));
  EXPECT_TRUE(read.drop_last);
  EXPECT_EQ(read.optimizer.learning_rate, 0.01);
  EXPECT_EQ(ConfigText(ResolvedOptions(again)), text);
}

TEST_F(ConfigFileTest, WhatWasGivenBeforeWins) {
  OptionSet set;
  TrainOptions options;
  AddTrainOptions(set, options);
  ASSERT_TRUE(set.Give("epochs", {"7"}).ok());
  ASSERT_TRUE(ReadConfig(Write("epochs = 3\nseed = 4\n"), set).ok());
  EXPECT_EQ(options.epochs, 7);
  EXPECT_EQ(options.model.seed, 4u);
}

TEST_F(ConfigFileTest, ProblemsAreToldWithTheirLine) {
  const auto problem = [&](const std::string& text) {
    OptionSet set;
    TrainOptions options;
    AddTrainOptions(set, options);
    return std::string(ReadConfig(Write(text), set).message());
  };
  EXPECT_THAT(problem("\nepoch = 3\n"), HasSubstr("options.toml:2\": unknown option \"epoch\""));
  EXPECT_THAT(problem("epochs = -3\n"), HasSubstr("options.toml:1\": --epochs: found \"-3\""));
  EXPECT_THAT(problem("resume = true\n"), HasSubstr("unknown option \"resume\""));
  EXPECT_THAT(problem("[training]\n"), HasSubstr("outside of tables"));
  EXPECT_THAT(problem("epochs ="), HasSubstr("options.toml:1\""));
}

}  // namespace
}  // namespace strop
