// The model graph in event files: names that TensorFlow allows, whatever the model's are.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include "plugin/monitor/tensorboard/tensorboard.pb.h"
#include "plugin/monitor/tensorboard/tensorboard_sink.h"

namespace strop {
namespace {

// The events of the one file in a folder: framed by a length and its checksum before, a checksum
// behind.
std::vector<tensorboard::Event> EventsIn(const std::filesystem::path& folder) {
  const auto path = std::filesystem::directory_iterator(folder)->path();
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<tensorboard::Event> events;
  for (size_t begin = 0; begin < bytes.size();) {
    uint64_t length = 0;
    std::memcpy(&length, bytes.data() + begin, sizeof(length));
    EXPECT_TRUE(events.emplace_back().ParseFromString(bytes.substr(begin + 12, length)));
    begin += 12 + length + 4;
  }
  return events;
}

tensorboard::GraphDef Written(const ModelGraph& graph) {
  const auto folder =
      std::filesystem::path(testing::TempDir()) / ("graph" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  {
    const auto sink = *OpenTensorBoard(folder, std::nullopt);
    EXPECT_TRUE(sink->Write({0, 0, 1.5, graph}).ok());
    EXPECT_TRUE(sink->Flush().ok());
  }
  tensorboard::GraphDef definition;
  EXPECT_TRUE(definition.ParseFromString(EventsIn(folder).back().graph_def()));
  std::filesystem::remove_all(folder);
  return definition;
}

TEST(TensorBoardGraph, NamesAreAllowedAndEdgesStay) {
  // TensorFlow's inputs end in ":0", PyTorch's nodes begin with a slash; two fall together.
  const std::vector<std::string> names = {
      "input:0", "onnx::Conv_1", "/layer1/conv/Conv", "a//b/", "a/b", "größe",
      "_hidden", "with blank",   "with_blank",        "/",     "^x"};
  ModelGraph graph;
  for (const std::string& name : names) {
    graph.nodes.push_back({name, "Relu", {}, std::nullopt, "float32"});
    if (graph.nodes.size() > 1)
      graph.nodes.back().inputs = {names[0], names[graph.nodes.size() - 2]};
  }
  const tensorboard::GraphDef definition = Written(graph);
  ASSERT_EQ(definition.node_size(), static_cast<int>(names.size()));
  const std::regex allowed(R"([A-Za-z0-9.][A-Za-z0-9_.\\/>-]*)");
  std::set<std::string> unique;
  for (int i = 0; i < definition.node_size(); ++i) {
    const tensorboard::NodeDef& node = definition.node(i);
    EXPECT_TRUE(std::regex_match(node.name(), allowed)) << node.name();
    EXPECT_TRUE(unique.insert(node.name()).second) << node.name();
    if (i == 0) continue;
    EXPECT_EQ(node.input(0), definition.node(0).name());
    EXPECT_EQ(node.input(1), definition.node(i - 1).name());
  }
  EXPECT_EQ(definition.node(2).name(), "layer1/conv/Conv");
}

}  // namespace
}  // namespace strop
