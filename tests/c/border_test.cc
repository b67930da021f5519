// What has no meaning is refused at the border, with words, and nothing is given out.

#include <cstring>
#include <limits>
#include <new>
#include <stdexcept>
#include <thread>

#include "host_program.h"

namespace {

using Border = HostProgram;

constexpr int64_t kTwo[] = {2};
constexpr float kNumbers[] = {1, 2};

TEST_F(Border, NoPointerThatHasToBeThereMayBeNull) {
  Samples samples;
  const Handle<strop_model> model = Load();
  const Handle<strop_data> data = DataOf(samples);
  const Handle<strop_trainer> trainer = TrainerOf(model.get(), data.get());
  strop_model* new_model = nullptr;
  strop_data* new_data = nullptr;
  strop_trainer* new_trainer = nullptr;
  strop_loss_trainer* new_loss_trainer = nullptr;
  strop_tensors* tensors = nullptr;
  strop_bytes* bytes = nullptr;
  const strop_read_samples read = [](void*, const int64_t*, size_t, void* const*) { return 0; };
  const strop_field field = {"x", STROP_FLOAT32, 1, kTwo};
  const struct {
    strop_status status;
    const char* name;
  } calls[] = {
      {strop_model_load(nullptr, nullptr, 0, nullptr, &new_model), "path"},
      {strop_model_load("x", nullptr, 0, nullptr, nullptr), "model"},
      {strop_model_load("x", nullptr, 1, nullptr, &new_model), "options"},
      {strop_model_load_bytes(nullptr, 0, nullptr, 0, nullptr, &new_model), "bytes"},
      {strop_model_read_parameter(nullptr, "x", &tensors), "model"},
      {strop_model_read_parameter(model.get(), nullptr, &tensors), "name"},
      {strop_model_write_parameter(model.get(), nullptr), "elements"},
      {strop_model_train(model.get(), nullptr), "pattern"},
      {strop_model_train_only(nullptr, "x"), "model"},
      {strop_model_freeze(nullptr, "x"), "model"},
      {strop_model_replace_head(nullptr, 2, nullptr), "model"},
      {strop_model_run(model.get(), nullptr, 1, &tensors), "inputs"},
      {strop_model_run(model.get(), nullptr, 0, nullptr), "outputs"},
      {strop_model_save(model.get(), nullptr, nullptr, 0), "path"},
      {strop_model_serialize(model.get(), nullptr), "bytes"},
      {strop_data_arrays(nullptr, 1, 1, &new_data), "arrays"},
      {strop_data_arrays(nullptr, 0, 1, nullptr), "data"},
      {strop_data_reader(1, nullptr, 1, read, nullptr, &new_data), "fields"},
      {strop_data_reader(1, &field, 1, nullptr, nullptr, &new_data), "read"},
      {strop_trainer_create(nullptr, nullptr, nullptr, nullptr, 0, nullptr, &new_trainer), "model"},
      {strop_trainer_create(model.get(), nullptr, nullptr, nullptr, 0, nullptr, nullptr),
       "trainer"},
      {strop_trainer_fit(nullptr, nullptr, nullptr), "trainer"},
      {strop_trainer_step(trainer.get(), nullptr, 2, nullptr), "batch"},
      {strop_trainer_finish(nullptr), "trainer"},
      {strop_trainer_evaluate(trainer.get(), data.get(), nullptr), "json"},
      {strop_trainer_state(trainer.get(), nullptr), "state"},
      {strop_trainer_set_state(trainer.get(), nullptr, 0), "state"},
      {strop_loss_trainer_create(nullptr, nullptr, 0, nullptr, &new_loss_trainer), "model"},
      {strop_loss_trainer_step(nullptr, nullptr, 0, 1, nullptr), "trainer"},
      {strop_loss_trainer_finish(nullptr), "trainer"},
  };
  for (const auto& call : calls) EXPECT_EQ(call.status, STROP_USAGE) << call.name;
  // The words, of each in turn.
  EXPECT_FAILS(strop_trainer_fit(nullptr, nullptr, nullptr), STROP_USAGE,
               "found NULL as \"trainer\", expected a pointer");
  EXPECT_FAILS(strop_data_arrays(nullptr, 3, 1, &new_data), STROP_USAGE,
               "found NULL as \"arrays\", expected 3 tensors");
  for (const void* given :
       {static_cast<const void*>(new_model), static_cast<const void*>(new_data),
        static_cast<const void*>(new_trainer), static_cast<const void*>(new_loss_trainer),
        static_cast<const void*>(tensors), static_cast<const void*>(bytes)}) {
    EXPECT_EQ(given, nullptr);
  }
}

TEST_F(Border, OfNothingThereIsNothing) {
  strop_model_free(nullptr);
  strop_data_free(nullptr);
  strop_trainer_free(nullptr);
  strop_loss_trainer_free(nullptr);
  strop_tensors_free(nullptr);
  strop_bytes_free(nullptr);
  EXPECT_EQ(strop_tensors_count(nullptr), 0u);
  EXPECT_EQ(strop_tensors_at(nullptr, 0), nullptr);
  EXPECT_EQ(strop_bytes_data(nullptr), nullptr);
  EXPECT_EQ(strop_bytes_size(nullptr), 0u);
  EXPECT_EQ(strop_model_input_count(nullptr), 0u);
  EXPECT_EQ(strop_model_output_count(nullptr), 0u);
  EXPECT_EQ(strop_model_parameter_count(nullptr), 0u);
  EXPECT_EQ(strop_model_parameter(nullptr, 0), nullptr);
}

TEST_F(Border, TensorsAreLookedAtFromAllSides) {
  const int64_t negative[] = {-1};
  const int64_t vast[] = {int64_t{1} << 32, int64_t{1} << 32};
  const int64_t vast_and_empty[] = {int64_t{1} << 32, int64_t{1} << 32, 0, -3};
  const struct {
    strop_tensor tensor;
    const char* words;
  } rows[] = {
      {{nullptr, STROP_FLOAT32, 1, kTwo, kNumbers}, "arrays[0]: found NULL as its name"},
      {{"x", static_cast<strop_type>(0), 1, kTwo, kNumbers}, "found the type 0"},
      {{"x", static_cast<strop_type>(15), 1, kTwo, kNumbers}, "found the type 15"},
      {{"x", static_cast<strop_type>(-7), 1, kTwo, kNumbers}, "found the type -7"},
      {{"x", STROP_STRING, 1, kTwo, kNumbers}, "found the type 8"},
      {{"x", STROP_FLOAT32, 1, nullptr, kNumbers}, "found NULL as its shape"},
      {{"x", STROP_FLOAT32, 1, kTwo, nullptr}, "expected 2 elements of float32"},
      {{"x", STROP_FLOAT32, 1, negative, kNumbers}, "negative"},
      {{"x", STROP_FLOAT32, 2, vast, kNumbers}, "more elements than can be addressed"},
      {{"x", STROP_FLOAT32, 4, vast_and_empty, kNumbers}, "\"x\""},
      {{"x", STROP_FLOAT32, std::numeric_limits<size_t>::max(), kTwo, kNumbers}, "axes"},
  };
  for (const auto& row : rows) {
    for (const int copies : {0, 1}) {
      strop_data* data = nullptr;
      EXPECT_FAILS(strop_data_arrays(&row.tensor, 1, copies, &data), STROP_USAGE, row.words);
      EXPECT_EQ(data, nullptr);
    }
  }
  const int64_t none[] = {0, 4};
  const strop_tensor empty = {"x", STROP_FLOAT32, 2, none, nullptr};
  strop_data* data = nullptr;
  EXPECT_DONE(strop_data_arrays(&empty, 1, 1, &data));
  strop_data_free(data);
}

TEST_F(Border, ReadersAreLookedAtFromAllSides) {
  const strop_read_samples read = [](void*, const int64_t*, size_t, void* const*) { return 0; };
  const int64_t negative[] = {-1};
  const int64_t vast[] = {int64_t{1} << 40};
  strop_data* data = nullptr;
  const auto make = [&](int64_t count, strop_field field) {
    return strop_data_reader(count, &field, 1, read, nullptr, &data);
  };
  EXPECT_FAILS(make(-2, {"x", STROP_FLOAT32, 1, kTwo}), STROP_USAGE, "found -2");
  EXPECT_FAILS(make(2, {nullptr, STROP_FLOAT32, 1, kTwo}), STROP_USAGE, "fields[0]");
  EXPECT_FAILS(make(2, {"x", STROP_STRING, 1, kTwo}), STROP_USAGE, "found the type 8");
  EXPECT_FAILS(make(2, {"x", STROP_FLOAT32, 1, negative}), STROP_USAGE, "negative");
  EXPECT_FAILS(make(int64_t{1} << 40, {"x", STROP_FLOAT32, 1, vast}), STROP_USAGE, "more elements");
  EXPECT_EQ(data, nullptr);
}

// The loss of the first step on ten samples of the data, the rest as it is.
double FirstLoss(strop_trainer* trainer, const std::vector<strop_tensor>& batch) {
  strop_step step = {};
  EXPECT_DONE(strop_trainer_step(trainer, batch.data(), batch.size(), &step));
  return step.loss;
}

TEST_F(Border, TruthIsWhateverIsNotZero) {
  Samples samples;
  const auto loss = [&](unsigned char truth) {
    const Handle<strop_model> model = Load();
    const Handle<strop_data> data = DataOf(samples);
    std::vector<unsigned char> features(10 * 4);
    for (size_t i = 0; i < features.size(); i += 3) features[i] = truth;
    std::vector<strop_tensor> batch = samples.arrays(0, 10);
    batch[0].type = STROP_BOOL;
    batch[0].data = features.data();
    return FirstLoss(TrainerOf(model.get(), data.get()).get(), batch);
  };
  EXPECT_EQ(loss(7), loss(1));
  EXPECT_NE(loss(0), loss(1));
}

TEST_F(Border, ElementsMayLieAnywhere) {
  Samples samples;
  std::vector<char> bytes(sizeof(float) * 50 * 4 + 1);
  std::memcpy(bytes.data() + 1, samples.features.data(), bytes.size() - 1);
  std::vector<strop_tensor> arrays = samples.arrays();
  arrays[0].data = bytes.data() + 1;
  strop_data* raw = nullptr;
  ASSERT_DONE(strop_data_arrays(arrays.data(), 2, 0, &raw));
  const Handle<strop_data> shifted(raw);
  const Handle<strop_data> aligned = DataOf(samples);
  std::string files[2];
  for (int i = 0; i < 2; ++i) {
    const Handle<strop_model> model = Load();
    const Handle<strop_trainer> trainer =
        TrainerOf(model.get(), i == 0 ? shifted.get() : aligned.get(), {{"epochs", "1"}});
    ASSERT_DONE(strop_trainer_fit(trainer.get(), nullptr, nullptr));
    files[i] = Saved(model.get());
  }
  EXPECT_EQ(files[0], files[1]);
  EXPECT_NE(files[0], Contents("model.onnx"));
}

TEST_F(Border, AListenerHearsWhatIsNoticed) {
  std::string heard;
  const strop_listener listener = {
      &heard, [](void* context, const char* line) { *static_cast<std::string*>(context) += line; },
      [](void* context, const char* line) { *static_cast<std::string*>(context) += line; },
      nullptr};
  Samples samples;
  std::vector<strop_tensor> arrays = samples.arrays();
  arrays.push_back(arrays[1]);
  arrays[2].name = "weights";
  strop_data* raw = nullptr;
  ASSERT_DONE(strop_data_arrays(arrays.data(), 3, 1, &raw));
  const Handle<strop_data> data(raw);
  const Handle<strop_model> model = Load();
  const strop_option loss = {"loss", "cross_entropy"};
  strop_trainer* trainer = nullptr;
  ASSERT_DONE(strop_trainer_create(model.get(), raw, nullptr, &loss, 1, &listener, &trainer));
  const Handle<strop_trainer> made(trainer);
  EXPECT_NE(heard.find("nothing reads \"weights\""), std::string::npos) << heard;
}

TEST_F(Border, EachThreadHasItsOwnLastError) {
  EXPECT_FAILS(strop_trainer_finish(nullptr), STROP_USAGE, "\"trainer\"");
  std::string before, after;
  std::thread other([&] {
    before = strop_error_message();
    strop_model_serialize(nullptr, nullptr);
    after = strop_error_message();
  });
  other.join();
  EXPECT_EQ(before, "");
  EXPECT_NE(after.find("\"model\""), std::string::npos);
  const Handle<strop_model> model = Load();  // what is done leaves it
  EXPECT_NE(std::string(strop_error_message()).find("\"trainer\""), std::string::npos);
}

TEST_F(Border, NothingIsThrownAcross) {
  Samples samples;
  const Handle<strop_data> data = DataOf(samples);
  const auto fit = [&](int (*should_stop)(void*)) {
    const Handle<strop_model> model = Load();
    const Handle<strop_trainer> trainer = TrainerOf(model.get(), data.get(), {{"epochs", "1"}});
    const strop_callbacks callbacks = {nullptr, nullptr, nullptr, should_stop};
    return strop_trainer_fit(trainer.get(), &callbacks, nullptr);
  };
  EXPECT_FAILS(fit([](void*) -> int { throw std::runtime_error("a slip"); }), STROP_BUG, "a slip");
  EXPECT_FAILS(fit([](void*) -> int { throw 7; }), STROP_BUG, "exception");
  EXPECT_FAILS(fit([](void*) -> int { throw std::bad_alloc(); }), STROP_INPUT_OUTPUT,
               "out of memory");
}

TEST_F(Border, AnErrorIsOneLine) {
  strop_model* model = nullptr;
  EXPECT_EQ(strop_model_load("no\nsuch\r\nfile", nullptr, 0, nullptr, &model), STROP_NO_INPUT);
  EXPECT_EQ(std::string(strop_error_message()).find_first_of("\r\n"), std::string::npos);
}

}  // namespace
