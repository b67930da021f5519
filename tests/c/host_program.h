#pragma once

// What tests of the C interface share: they see the library as a program does, and the command line
// beside it.

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "strop/strop.h"

struct Free {
  void operator()(strop_model* handle) const { strop_model_free(handle); }
  void operator()(strop_data* handle) const { strop_data_free(handle); }
  void operator()(strop_trainer* handle) const { strop_trainer_free(handle); }
  void operator()(strop_loss_trainer* handle) const { strop_loss_trainer_free(handle); }
  void operator()(strop_tensors* handle) const { strop_tensors_free(handle); }
  void operator()(strop_bytes* handle) const { strop_bytes_free(handle); }
};
template <typename T>
using Handle = std::unique_ptr<T, Free>;

// The status of a call, with its words where it is not 0.
#define ASSERT_DONE(call) ASSERT_EQ((call), STROP_OK) << strop_error_message()
#define EXPECT_DONE(call) EXPECT_EQ((call), STROP_OK) << strop_error_message()
#define EXPECT_FAILS(call, status, words)                                        \
  do {                                                                           \
    EXPECT_EQ((call), (status)) << strop_error_message();                        \
    EXPECT_NE(std::string(strop_error_message()).find(words), std::string::npos) \
        << strop_error_message();                                                \
  } while (false)

using OptionList = std::vector<strop_option>;

// Fifty samples of four numbers, in three classes.
struct Samples {
  Samples();
  // "features" and "target", or some rows of them; until the next call.
  std::vector<strop_tensor> arrays(int64_t first = 0, int64_t count = 50);

  std::vector<float> features;   // [50, 4]
  std::vector<int64_t> targets;  // [50]

 private:
  int64_t features_shape_[2] = {0, 4};
  int64_t targets_shape_[1] = {0};
};

class HostProgram : public ::testing::Test {
 protected:
  HostProgram();
  ~HostProgram() override;

  std::string Path(const std::string& name) const { return folder_ + "/" + name; }
  // What `strop` prints with these words; a failure where it does not end with 0.
  std::string Strop(const std::string& words) const;
  std::string Contents(const std::string& name) const;
  // Both for the command line: features.npy and targets.npy.
  void WriteSamples(Samples& samples) const;

  // Of the file "model.onnx": a perceptron of four inputs, one hidden layer of eight and three
  // outputs.
  Handle<strop_model> Load(const OptionList& options = {});
  Handle<strop_data> DataOf(Samples& samples, int copies = 1);
  // Cross-entropy by SGD in batches of ten, without a shuffle; `more` besides.
  Handle<strop_trainer> TrainerOf(strop_model* model, const strop_data* training,
                                  const OptionList& more = {},
                                  const strop_data* validation = nullptr);
  // The file that the model is saved as.
  std::string Saved(strop_model* model);
  std::string Text(const strop_bytes* bytes) const;
  std::vector<float> Parameter(const strop_model* model, const std::string& name);

 private:
  std::string folder_;
};
