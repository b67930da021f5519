#include "plugin/session/training_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "plugin/data/arrays/npz.h"
#include "tests/importer/test_models.h"
#include "tests/session/linear_samples.h"

namespace strop {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A training of y = Gemm(x, w, b) as its options say it.
struct Training {
  OptionSet set;
  TrainOptions options;
  std::vector<std::string> notes;

  Training(const TestFolder& folder, const std::string& name) {
    AddTrainOptions(set, options);
    options.model.listener.note = [this](const std::string& line) { notes.push_back(line); };
    options.data.listener = options.model.listener;
    Set("MODEL", folder.Path("model.onnx"));
    Set("data", folder.Path("data.npz"));
    Set("output", folder.Path(name));
    Set("loss", "mse");
  }

  void Set(const std::string& name, const std::string& value) {
    const absl::Status status = set.Set(name, value);
    ASSERT_TRUE(status.ok()) << status;
  }
};

class TrainingSessionTest : public ::testing::Test {
 protected:
  TrainingSessionTest() {
    folder_.Write("model.onnx", LinearModel());
    EXPECT_TRUE(WriteNpz(folder_.Path("data.npz"), LinearSamples().arrays).ok());
  }

  static SessionResult RunWell(Training& training) {
    absl::StatusOr<std::unique_ptr<TrainingSession>> session =
        TrainingSession::Create(training.options);
    EXPECT_TRUE(session.ok()) << session.status();
    absl::StatusOr<SessionResult> result = (*session)->Run();
    EXPECT_TRUE(result.ok()) << result.status();
    return *std::move(result);
  }

  TestFolder folder_;
};

TEST_F(TrainingSessionTest, TrainsAndExportsWithoutPrinting) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Training training(folder_, "out.onnx");
  training.Set("epochs", "3");
  training.Set("validation-split", "0.25");
  training.Set("metric", "r2");
  training.Set("run-directory", folder_.Path("run"));
  const SessionResult result = RunWell(training);
  EXPECT_THAT(testing::internal::GetCapturedStdout(), IsEmpty());
  EXPECT_THAT(testing::internal::GetCapturedStderr(), IsEmpty());
  EXPECT_EQ(result.training.epochs, 3);
  EXPECT_TRUE(result.end.ok() && result.kept.ok() && result.checkpoint.empty());
  EXPECT_NE(ReadBytes(folder_.Path("out.onnx")), ReadBytes(folder_.Path("model.onnx")));
  EXPECT_THAT(ReadBytes(folder_.Path("run/config.toml")), HasSubstr("epochs = 3"));
}

TEST_F(TrainingSessionTest, TheListenerGetsTheNotes) {
  Training training(folder_, "out.onnx");
  training.Set("replace-head", "2");
  training.Set("loss", "cross_entropy");
  training.Set("target", "label");
  std::vector<float> x(8 * 4, 1);
  const std::vector<int64_t> labels = {0, 1, 0, 1, 0, 1, 0, 1};
  const std::vector<NamedTensor> arrays = {{"x", Tensor::FromVector<float>({8, 4}, x)},
                                           {"label", Tensor::FromVector<int64_t>({8}, labels)}};
  ASSERT_TRUE(WriteNpz(folder_.Path("labels.npz"), arrays).ok());
  training.Set("data", folder_.Path("labels.npz"));
  training.Set("head-at", "y");
  RunWell(training);
  EXPECT_THAT(training.notes, Contains(HasSubstr("new linear layer")));
}

TEST_F(TrainingSessionTest, ARunThatIsStoppedGoesOn) {
  Training whole(folder_, "whole.onnx");
  whole.Set("epochs", "4");
  RunWell(whole);

  Training first(folder_, "parts.onnx");
  first.Set("epochs", "4");
  first.Set("run-directory", folder_.Path("run"));
  absl::StatusOr<std::unique_ptr<TrainingSession>> session = TrainingSession::Create(first.options);
  ASSERT_TRUE(session.ok()) << session.status();
  SessionCallbacks callbacks;
  callbacks.run.should_stop = [steps = 0]() mutable { return ++steps == 3; };
  const absl::StatusOr<SessionResult> stopped = (*session)->Run(callbacks);
  ASSERT_TRUE(stopped.ok()) << stopped.status();
  EXPECT_THAT(stopped->checkpoint, HasSubstr("run/checkpoints/"));
  session->reset();

  Training second(folder_, "parts.onnx");
  second.Set("epochs", "4");
  second.Set("run-directory", folder_.Path("run"));
  second.Set("resume", "true");
  RunWell(second);
  EXPECT_EQ(ReadBytes(folder_.Path("parts.onnx")), ReadBytes(folder_.Path("whole.onnx")));
}

TEST_F(TrainingSessionTest, TwoInTwoThreadsGiveTheBitsOfEachAlone) {
  const auto train = [this](const std::string& name, const std::string& seed) {
    Training training(folder_, name);
    training.Set("epochs", "20");
    training.Set("batch-size", "8");
    training.Set("seed", seed);
    RunWell(training);
  };
  train("alone1.onnx", "1");
  train("alone2.onnx", "2");
  std::thread one(train, "beside1.onnx", "1");
  std::thread other(train, "beside2.onnx", "2");
  one.join();
  other.join();
  EXPECT_EQ(ReadBytes(folder_.Path("beside1.onnx")), ReadBytes(folder_.Path("alone1.onnx")));
  EXPECT_EQ(ReadBytes(folder_.Path("beside2.onnx")), ReadBytes(folder_.Path("alone2.onnx")));
  EXPECT_NE(ReadBytes(folder_.Path("alone1.onnx")), ReadBytes(folder_.Path("alone2.onnx")));
}

}  // namespace
}  // namespace strop
