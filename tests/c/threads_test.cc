// Two threads, each with handles of its own: the bits that each has alone.

#include <thread>

#include "host_program.h"

namespace {

using ThreadsInC = HostProgram;

// The file of a run with that seed, or the words of what failed.
std::string Train(const std::string& path, const char* seed) {
  Samples samples;
  const strop_option of_model[] = {{"seed", seed}, {"threads", "1"}};
  const strop_option of_training[] = {
      {"loss", "cross_entropy"}, {"optimizer", "adam"}, {"batch-size", "5"}, {"epochs", "20"}};
  strop_model* model = nullptr;
  strop_data* data = nullptr;
  strop_trainer* trainer = nullptr;
  strop_bytes* bytes = nullptr;
  std::string file;
  if (strop_model_load(path.c_str(), of_model, 2, nullptr, &model) == STROP_OK &&
      strop_data_arrays(samples.arrays().data(), 2, 1, &data) == STROP_OK &&
      strop_trainer_create(model, data, nullptr, of_training, 4, nullptr, &trainer) == STROP_OK &&
      strop_trainer_fit(trainer, nullptr, nullptr) == STROP_OK &&
      strop_model_serialize(model, &bytes) == STROP_OK) {
    file.assign(static_cast<const char*>(strop_bytes_data(bytes)), strop_bytes_size(bytes));
  } else {
    file = std::string("failed: ") + strop_error_message();
  }
  strop_bytes_free(bytes);
  strop_trainer_free(trainer);
  strop_data_free(data);
  strop_model_free(model);
  return file;
}

TEST_F(ThreadsInC, EachHasTheBitsThatItHasAlone) {
  const std::string path = Path("model.onnx");
  const std::string alone[] = {Train(path, "1"), Train(path, "2")};
  ASSERT_EQ(alone[0].find("failed"), std::string::npos) << alone[0];
  ASSERT_NE(alone[0], alone[1]);
  for (int repetition = 0; repetition < 3; ++repetition) {
    std::string together[2];
    std::thread first([&] { together[0] = Train(path, "1"); });
    std::thread second([&] { together[1] = Train(path, "2"); });
    first.join();
    second.join();
    EXPECT_TRUE(together[0] == alone[0]);
    EXPECT_TRUE(together[1] == alone[1]);
  }
}

}  // namespace
