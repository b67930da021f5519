#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <sstream>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "plugin/data/arrays/npz.h"
#include "plugin/operations/operation.h"
#include "plugin/options/outcome.h"
#include "tests/importer/test_models.h"

namespace strop {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Json = nlohmann::ordered_json;
using Options = OptionTexts;

constexpr int kSamples = 24;

// What a program prints on stdout.
std::string OutputOf(const std::string& command) {
  FILE* pipe = popen(command.c_str(), "r");
  std::string text;
  std::array<char, 4096> block;
  for (size_t count = 0; (count = fread(block.data(), 1, block.size(), pipe)) > 0;) {
    text.append(block.data(), count);
  }
  EXPECT_EQ(pclose(pipe), 0) << command;
  return text;
}

// The JSON lines, or the one page, that `strop` prints.
std::vector<Json> Printed(const std::vector<std::string>& words) {
  const std::string text = OutputOf(absl::StrCat(STROP_PROGRAM, " ", absl::StrJoin(words, " ")));
  const Json page = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!page.is_discarded()) return {page};
  std::vector<Json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(Json::parse(line));
  return lines;
}

class OperationsTest : public ::testing::Test {
 protected:
  OperationsTest() {
    folder_.Write("model.onnx", LinearModel());
    std::vector<float> x, target;
    for (int i = 0; i < kSamples * 4; ++i) x.push_back(std::sin(static_cast<float>(i)));
    for (int i = 0; i < kSamples * 3; ++i) target.push_back(std::cos(static_cast<float>(i)));
    Write("data.npz", {{"x", Tensor::FromVector<float>({kSamples, 4}, x)},
                       {"target", Tensor::FromVector<float>({kSamples, 3}, target)}});
    Write("inputs.npz", {{"x", Tensor::FromVector<float>({kSamples, 4}, x)}});
    // The mean of (x·w + b − target)², w and b as LinearModel has them.
    for (int row = 0; row < kSamples; ++row) {
      for (int column = 0; column < 3; ++column) {
        double y = 0.5 + column;
        for (int k = 0; k < 4; ++k) y += double{x[row * 4 + k]} * (0.5 + k * 3 + column);
        loss_ += std::pow(y - double{target[row * 3 + column]}, 2) / (kSamples * 3);
      }
    }
  }

  void Write(const std::string& name, const std::vector<NamedTensor>& arrays) const {
    EXPECT_TRUE(WriteNpz(folder_.Path(name), arrays).ok());
  }

  OptionTexts::value_type Path(const std::string& option, const std::string& name) const {
    return {option, {folder_.Path(name)}};
  }
  // The model and its data, and more.
  Options Trained(const Options& more = {}) const {
    Options options = {Path("MODEL", "model.onnx"), Path("data", "data.npz"), {"loss", {"mse"}}};
    options.insert(options.end(), more.begin(), more.end());
    return options;
  }

  // Performs without a word.
  static absl::StatusOr<Json> Silently(const std::string& name, const Options& options,
                                       const OperationCallbacks& callbacks = {}) {
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const absl::StatusOr<Json> found = Perform(name, options, callbacks);
    std::fflush(stdout);
    EXPECT_THAT(testing::internal::GetCapturedStdout(), IsEmpty()) << name;
    EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty()) << name;
    return found;
  }
  static Json Found(const std::string& name, const Options& options,
                    const OperationCallbacks& callbacks = {}) {
    const absl::StatusOr<Json> found = Silently(name, options, callbacks);
    EXPECT_TRUE(found.ok()) << name << ": " << found.status();
    return found.value_or(Json());
  }
  static absl::Status Refusal(const std::string& name, const Options& options) {
    return Silently(name, options).status();
  }

  // The same on the command line.
  static std::vector<Json> Commanded(const std::string& name, const Options& options,
                                     const std::vector<std::string>& more) {
    std::vector<std::string> words = {name};
    for (const auto& [option, texts] : options) {
      if (option != "MODEL" && option != "ARCHITECTURE" && option != "RUN") {
        words.push_back("--" + option);
      }
      words.insert(words.end(), texts.begin(), texts.end());
    }
    words.insert(words.end(), more.begin(), more.end());
    return Printed(words);
  }

  TestFolder folder_;
  double loss_ = 0;
};

TEST_F(OperationsTest, EveryCommandIsAnOperationWithItsOptions) {
  const Json commands = Json::parse(OutputOf(STROP_PROGRAM " --list-options"));
  const std::vector<Operation> operations = AllOperations();
  ASSERT_EQ(commands.size(), operations.size());
  const std::set<std::string> of_words = {"--json", "--markdown"};  // how a command's words look
  for (size_t i = 0; i < operations.size(); ++i) {
    const Operation& operation = operations[i];
    EXPECT_EQ(operation.name, commands[i]["command"]);
    std::vector<std::string> typed, given;
    for (const Json& option : commands[i]["options"]) {
      const std::string name = option["long_name"];
      if (!of_words.contains(name)) typed.push_back(name);
    }
    for (const Option& option : operation.options->options()) {
      const std::string name = option.LongName();
      if (!option.is_hidden && !of_words.contains(name)) given.push_back(name);
    }
    EXPECT_EQ(given, typed) << operation.name;
  }
}

TEST_F(OperationsTest, EvaluateGivesTheLossAndTellsWhereItStands) {
  std::vector<int64_t> done;
  OperationCallbacks callbacks;
  callbacks.listener.progress = [&done](const std::string& work, int64_t now, int64_t total) {
    EXPECT_EQ(work, "evaluate");
    EXPECT_EQ(total, kSamples);
    done.push_back(now);
  };
  const Json found = Found("evaluate", Trained({{"batch-size", {"10"}}}), callbacks);
  EXPECT_NEAR(found["loss"], loss_, 1e-5 * loss_);
  EXPECT_EQ(found["samples"], kSamples);
  EXPECT_THAT(done, ElementsAre(0, 10, 20, kSamples));
}

TEST_F(OperationsTest, GivesWhatTheCommandPrints) {
  const std::vector<std::string> json = {"--json"};
  const OptionTexts::value_type model = Path("MODEL", "model.onnx");
  const auto expect_same = [&](const std::string& name, const Options& options,
                               const std::vector<std::string>& more) {
    const Json found = Found(name, options);
    std::filesystem::remove(folder_.Path("page.npz"));  // from which a landscape would go on
    const std::vector<Json> printed = Commanded(name, options, more);
    EXPECT_EQ(found, printed.size() == 1 && !found.is_array() ? printed[0] : Json(printed)) << name;
  };
  expect_same("evaluate", Trained({{"metric", {"r2"}}}), json);
  expect_same("check", {model}, json);
  expect_same("inspect", {model}, json);
  expect_same("new", {{"ARCHITECTURE", {"lenet5"}}, {"dry-run", {}}}, {"--json", "--classes 10"});
  expect_same("find-learning-rate", Trained({{"steps", {"20"}}}), json);
  expect_same("predict", {model, Path("data", "inputs.npz"), {"loss", {"mse"}}},
              {"--format", "jsonl"});
  expect_same("landscape", Trained({{"resolution", {"3"}}, Path("output", "page.html")}), json);
  EXPECT_EQ(Json({Found("ops", {})}), Json(Printed({"ops", "--json"})));
}

TEST_F(OperationsTest, WhatIsWrittenIsSaid) {
  const OptionTexts::value_type model = Path("MODEL", "model.onnx");
  const OptionTexts::value_type inputs = Path("inputs", "inputs.npz");
  const Json run = Found("run", {model, inputs, Path("output", "run.npz")});
  EXPECT_EQ(run["output"], folder_.Path("run.npz"));
  EXPECT_EQ(run["arrays"], Json::parse(R"([{"name": "y", "type": "float32", "shape": [24, 3]}])"));
  const Json gradient = Found("gradient", {model, inputs, Path("output", "gradients.npz")});
  EXPECT_EQ(gradient["arrays"].size(), 3);
  const absl::StatusOr<std::vector<NamedTensor>> gradients = ReadNpz(folder_.Path("gradients.npz"));
  ASSERT_TRUE(gradients.ok()) << gradients.status();
  EXPECT_EQ(gradients->size(), 3);
  const Json rows = Found("predict", {model, Path("data", "inputs.npz"), {"loss", {"mse"}}});
  EXPECT_EQ(rows.size(), kSamples);
  const Json file = Found(
      "predict",
      {model, Path("data", "inputs.npz"), {"loss", {"mse"}}, Path("output", "predictions.csv")});
  EXPECT_EQ(file["samples"], kSamples);
  EXPECT_THAT(ReadBytes(folder_.Path("predictions.csv")), HasSubstr("row,value_0,value_1,value_2"));
}

TEST_F(OperationsTest, ARunGoesFromTrainingToItsReport) {
  std::vector<std::string> lines;
  OperationCallbacks callbacks;
  callbacks.listener.status = [&lines](const std::string& line) { lines.push_back(line); };
  const Options options =
      Trained({{"epochs", {"2"}}, {"learning-rate", {"1e-2"}}, Path("run-directory", "run")});
  Options trained = options;
  trained.push_back(Path("output", "tuned.onnx"));
  const Json result = Found("train", trained, callbacks);
  EXPECT_EQ(result["steps"], 2);
  ASSERT_EQ(result["epochs"].size(), 2);
  EXPECT_NEAR(result["epochs"][0]["train_loss"], loss_, 1e-5 * loss_);
  EXPECT_LT(result["epochs"][1]["train_loss"], result["epochs"][0]["train_loss"]);
  EXPECT_EQ(result["output"], folder_.Path("tuned.onnx"));
  EXPECT_THAT(lines, Contains(HasSubstr("epoch 2/2  train loss ")));

  const Json exported = Found("export", {Path("MODEL", "model.onnx"), Path("checkpoint", "run"),
                                         Path("output", "exported.onnx")});
  EXPECT_EQ(exported["step"], 2);
  EXPECT_EQ(ReadBytes(folder_.Path("exported.onnx")), ReadBytes(folder_.Path("tuned.onnx")));
  const Json report = Found("report", {Path("RUN", "run")});
  ASSERT_EQ(report.size(), 1);
  EXPECT_EQ(report[0]["train_loss"], result["epochs"][1]["train_loss"]);
  EXPECT_TRUE(std::filesystem::exists(folder_.Path("run/report.html")));

  EXPECT_EQ(Found("train", Trained({Path("output", "x.onnx"), {"dry-run", {}}}))["steps"], 1);
}

TEST_F(OperationsTest, WhatIsAskedForWronglyIsRefused) {
  const auto message = [](const absl::Status& status) { return std::string(status.message()); };
  EXPECT_EQ(message(Refusal("evalute", {})), "unknown operation evalute, did you mean evaluate");
  EXPECT_EQ(message(Refusal("evaluate", Trained({{"metrc", {"r2"}}}))),
            "unknown option metrc, did you mean metric");
  EXPECT_EQ(message(Refusal("train", Trained({{"parent-process", {"1"}}}))),
            "unknown option parent-process");
  EXPECT_THAT(message(Refusal("evaluate", Trained({{"loss", {"mse"}}}))),
              HasSubstr("given 2 times (mse, mse), expected once"));
  EXPECT_EQ(message(Refusal("evaluate", {Path("MODEL", "model.onnx")})), "--data is required");
  EXPECT_EQ(message(Refusal("evaluate", Trained({{"class-axis", {"1"}}}))),
            "--class-axis: the loss mse does not have it; it belongs to cross_entropy");
  EXPECT_THAT(message(Refusal("evaluate", Trained({{"metric", {}}}))),
              HasSubstr("--metric: found no value"));
  EXPECT_EQ(ExitCodeOf(Refusal("evalute", {})), kExitUsage);
}

TEST_F(OperationsTest, NoPathIsTwoThings) {
  const std::string data = ReadBytes(folder_.Path("data.npz"));
  const absl::Status over_input = Refusal("train", Trained({Path("output", "data.npz")}));
  EXPECT_EQ(over_input.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(over_input.message()), HasSubstr("is the input --data"));
  // The grid beside the page is named by no option.
  const absl::Status over_grid =
      Refusal("landscape", Trained({Path("output", "data.html"), {"resolution", {"2"}}}));
  EXPECT_EQ(over_grid.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(over_grid.message()), HasSubstr("the grid beside -o"));
  EXPECT_EQ(ReadBytes(folder_.Path("data.npz")), data);
}

TEST_F(OperationsTest, WhoAsksToStopIsHeard) {
  OperationCallbacks callbacks;
  // Asked before the first step, and after each, which is an epoch here and asks again.
  callbacks.should_stop = [questions = 0]() mutable { return ++questions > 5; };
  const absl::StatusOr<Json> found =
      Silently("find-learning-rate", Trained({{"steps", {"50"}}}), callbacks);
  EXPECT_TRUE(absl::IsCancelled(found.status())) << found.status();
  EXPECT_THAT(std::string(found.status().message()),
              HasSubstr("stopped after step 3; nothing was kept"));
}

TEST_F(OperationsTest, TrialsAreTrainedByTheProgramOnThePath) {
  const Options options = Trained({{"search", {"learning-rate=0.1,0.01"}},
                                   {"strategy", {"grid"}},
                                   Path("output", "best.onnx")});
  const std::string path = std::getenv("PATH");
  setenv("PATH", folder_.Path("").c_str(), 1);
  const absl::Status without = Refusal("tune", options);
  setenv("PATH", std::filesystem::path(STROP_PROGRAM).parent_path().c_str(), 1);
  const Json trials = Found("tune", options);
  setenv("PATH", path.c_str(), 1);
  EXPECT_EQ(without.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(without.message()), HasSubstr("found no program \"strop\""));
  ASSERT_EQ(trials.size(), 2);
  EXPECT_EQ(trials[0]["rank"], 1);
  EXPECT_EQ(trials[0]["state"], "finished");
  EXPECT_LE(trials[0]["train_loss"], trials[1]["train_loss"]);
  EXPECT_TRUE(std::filesystem::exists(folder_.Path("best.onnx")));
}

}  // namespace
}  // namespace strop
