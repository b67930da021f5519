// Runs and steps in a C program, against the command line's files and each other, to the bit.

#include <cmath>
#include <cstring>
#include <fstream>
#include <iomanip>

#include "host_program.h"

namespace {

using TrainingInC = HostProgram;

// Hands out samples, and refuses after some calls.
struct Reader {
  Samples samples;
  int calls_left = 1 << 30;

  static int Read(void* context, const int64_t* indices, size_t count, void* const* buffers) {
    auto& self = *static_cast<Reader*>(context);
    if (self.calls_left-- <= 0) return 5;
    for (size_t i = 0; i < count; ++i) {
      const auto index = static_cast<size_t>(indices[i]);
      std::memcpy(static_cast<float*>(buffers[0]) + 4 * i, &self.samples.features[4 * index],
                  4 * sizeof(float));
      static_cast<int64_t*>(buffers[1])[i] = self.samples.targets[index];
    }
    return 0;
  }

  Handle<strop_data> data() {
    const int64_t four = 4;
    const strop_field fields[] = {{"features", STROP_FLOAT32, 1, &four},
                                  {"target", STROP_INT64, 0, nullptr}};
    strop_data* data = nullptr;
    EXPECT_DONE(strop_data_reader(50, fields, 2, Read, this, &data));
    return Handle<strop_data>(data);
  }
};

struct Heard {
  std::vector<double> step_losses;
  std::vector<strop_epoch> epochs;
  std::vector<std::string> metrics;
  int64_t last_step = 1 << 30;

  strop_callbacks callbacks() {
    return {this,
            [](void* context, const strop_step* step) {
              static_cast<Heard*>(context)->step_losses.push_back(step->loss);
            },
            [](void* context, const strop_epoch* epoch) {
              auto& self = *static_cast<Heard*>(context);
              self.epochs.push_back(*epoch);
              for (size_t i = 0; i < epoch->metric_count; ++i) {
                self.metrics.emplace_back(epoch->metrics[i].name);
              }
            },
            [](void* context) -> int {
              const auto& self = *static_cast<Heard*>(context);
              return static_cast<int64_t>(self.step_losses.size()) >= self.last_step;
            }};
  }
};

TEST_F(TrainingInC, AWholeRunIsThatOfTheCommandLine) {
  Reader reader;
  WriteSamples(reader.samples);
  Strop("train " + Path("model.onnx") + " --data " + Path("features.npy") + "," +
        Path("targets.npy") +
        " --loss cross_entropy --optimizer adamw --learning-rate 1e-2 --batch-size 7 --epochs 4 "
        "--validation-split 0.2 --seed 5 --schedule cosine --metric accuracy --early-stopping 3 "
        "-o " +
        Path("by_program.onnx"));
  const std::string expected = Contents("by_program.onnx");
  ASSERT_NE(expected, Contents("model.onnx"));
  const OptionList options = {
      {"loss", "cross_entropy"}, {"optimizer", "adamw"}, {"learning-rate", "1e-2"},
      {"batch-size", "7"},       {"epochs", "4"},        {"validation-split", "0.2"},
      {"schedule", "cosine"},    {"metric", "accuracy"}, {"early-stopping", "3"}};
  const Handle<strop_data> sources[] = {DataOf(reader.samples), DataOf(reader.samples, 0),
                                        reader.data()};
  for (const Handle<strop_data>& data : sources) {
    const Handle<strop_model> model = Load({{"seed", "5"}});
    strop_trainer* raw = nullptr;
    ASSERT_DONE(strop_trainer_create(model.get(), data.get(), nullptr, options.data(),
                                     options.size(), nullptr, &raw));
    const Handle<strop_trainer> trainer(raw);
    EXPECT_EQ(Saved(model.get()), Contents("model.onnx"));  // the trainer has its own weights
    Heard heard;
    const strop_callbacks callbacks = heard.callbacks();
    strop_result result = {};
    ASSERT_DONE(strop_trainer_fit(raw, &callbacks, &result));
    EXPECT_EQ(Saved(model.get()), expected);
    ASSERT_EQ(heard.epochs.size(), 4u);
    EXPECT_EQ(heard.metrics, (std::vector<std::string>(4, "accuracy")));
    EXPECT_TRUE(std::isfinite(heard.epochs[3].validation_loss));
    EXPECT_EQ(result.steps, static_cast<int64_t>(heard.step_losses.size()));
    EXPECT_EQ(result.steps, 4 * 6);
    EXPECT_EQ(result.was_stopped, 0);
    EXPECT_FAILS(strop_trainer_fit(raw, nullptr, nullptr), STROP_USAGE, "has ended");
  }
}

TEST_F(TrainingInC, WeightsOfSamplesAreThoseOfTheCommandLine) {
  Samples samples;
  std::vector<float> weights;
  std::ofstream table(Path("table.csv"));
  table << std::setprecision(9) << "a,b,weight,c,d,target\n";
  for (size_t i = 0; i < 50; ++i) {
    weights.push_back(static_cast<float>(i % 7) / 3);
    const float* row = &samples.features[4 * i];
    table << row[0] << "," << row[1] << "," << weights[i] << "," << row[2] << "," << row[3] << ","
          << samples.targets[i] << "\n";
  }
  table.close();
  Strop("train " + Path("model.onnx") + " --data " + Path("table.csv") +
        " --sample-weight weight --epochs 2 --batch-size 7 -o " + Path("by_program.onnx"));
  const int64_t fifty = 50;
  std::vector<strop_tensor> arrays = samples.arrays();
  arrays.push_back({"weight", STROP_FLOAT32, 1, &fifty, weights.data()});
  strop_data* raw = nullptr;
  ASSERT_DONE(strop_data_arrays(arrays.data(), arrays.size(), 0, &raw));
  const Handle<strop_data> data(raw);
  const Handle<strop_model> model = Load();
  const OptionList options = {{"sample-weight", "weight"}, {"epochs", "2"}, {"batch-size", "7"}};
  strop_trainer* made = nullptr;
  ASSERT_DONE(strop_trainer_create(model.get(), data.get(), nullptr, options.data(), options.size(),
                                   nullptr, &made));
  const Handle<strop_trainer> trainer(made);
  ASSERT_DONE(strop_trainer_fit(made, nullptr, nullptr));
  EXPECT_EQ(Saved(model.get()), Contents("by_program.onnx"));
  const Handle<strop_data> bare = DataOf(samples);
  EXPECT_FAILS(strop_trainer_create(model.get(), bare.get(), nullptr, options.data(),
                                    options.size(), nullptr, &made),
               STROP_BAD_DATA, "found no \"weight\" as --sample-weight says");
}

TEST_F(TrainingInC, StepsAreThoseOfTheRun) {
  Samples samples;
  const Handle<strop_data> data = DataOf(samples);
  const Handle<strop_model> whole = Load();
  const Handle<strop_trainer> run = TrainerOf(whole.get(), data.get(), {{"epochs", "2"}});
  Heard heard;
  const strop_callbacks callbacks = heard.callbacks();
  ASSERT_DONE(strop_trainer_fit(run.get(), &callbacks, nullptr));
  ASSERT_EQ(heard.step_losses.size(), 10u);

  const Handle<strop_model> stepped = Load();
  const Handle<strop_trainer> trainer = TrainerOf(stepped.get(), data.get(), {{"epochs", "2"}});
  for (int64_t i = 0; i < 10; ++i) {
    strop_step step = {};
    ASSERT_DONE(strop_trainer_step(trainer.get(), samples.arrays(i % 5 * 10, 10).data(), 2, &step));
    EXPECT_EQ(step.loss, heard.step_losses[static_cast<size_t>(i)]) << i;
    EXPECT_EQ(step.step, i + 1);
    EXPECT_EQ(step.sample_count, 10);
    EXPECT_EQ(step.learning_rate, 0.1);
  }
  EXPECT_FAILS(strop_trainer_fit(trainer.get(), nullptr, nullptr), STROP_USAGE, "steps");
  ASSERT_DONE(strop_trainer_finish(trainer.get()));
  EXPECT_EQ(Saved(stepped.get()), Saved(whole.get()));
}

TEST_F(TrainingInC, AStateGoesOnWithTheSameBits) {
  Samples samples;
  const Handle<strop_data> data = DataOf(samples);
  const OptionList adam = {{"epochs", "2"}, {"ema-decay", "0.9"}};
  const auto step = [&](const Handle<strop_trainer>& trainer, int64_t i) {
    strop_step taken = {};
    EXPECT_DONE(
        strop_trainer_step(trainer.get(), samples.arrays(i % 5 * 10, 10).data(), 2, &taken));
    return taken.loss;
  };
  const Handle<strop_model> one = Load();
  const Handle<strop_trainer> first = TrainerOf(one.get(), data.get(), adam);
  for (int64_t i = 0; i < 4; ++i) step(first, i);
  strop_bytes* raw = nullptr;
  ASSERT_DONE(strop_trainer_state(first.get(), &raw));
  const Handle<strop_bytes> state(raw);

  const Handle<strop_model> other = Load();
  const Handle<strop_trainer> second = TrainerOf(other.get(), data.get(), adam);
  {
    std::string passing = Text(raw);  // read when the call returns
    ASSERT_DONE(strop_trainer_set_state(second.get(), passing.data(), passing.size()));
    passing.assign(passing.size(), 'x');
  }
  for (int64_t i = 4; i < 8; ++i) EXPECT_EQ(step(second, i), step(first, i)) << i;
  ASSERT_DONE(strop_trainer_finish(first.get()));
  ASSERT_DONE(strop_trainer_finish(second.get()));
  EXPECT_EQ(Saved(other.get()), Saved(one.get()));

  // What is damaged changes nothing.
  const Handle<strop_model> third_model = Load();
  const Handle<strop_trainer> third = TrainerOf(third_model.get(), data.get(), adam);
  std::string damaged = Text(raw);
  damaged[damaged.size() - 5] ^= 1;
  EXPECT_FAILS(strop_trainer_set_state(third.get(), damaged.data(), damaged.size()),
               STROP_INPUT_OUTPUT, "checksum");
  EXPECT_FAILS(strop_trainer_set_state(third.get(), damaged.data(), damaged.size() / 2),
               STROP_INPUT_OUTPUT, "checksum");
  EXPECT_FAILS(strop_trainer_set_state(third.get(), "", 0), STROP_INPUT_OUTPUT, "cut short");
  const Handle<strop_model> untouched_model = Load();
  const Handle<strop_trainer> untouched = TrainerOf(untouched_model.get(), data.get(), adam);
  EXPECT_EQ(step(third, 0), step(untouched, 0));
}

TEST_F(TrainingInC, EvaluatesWithTheWeightsOfTheMoment) {
  Samples samples;
  const Handle<strop_data> data = DataOf(samples);
  const Handle<strop_model> model = Load();
  const Handle<strop_trainer> trainer =
      TrainerOf(model.get(), data.get(), {{"epochs", "1"}, {"metric", "accuracy"}}, data.get());
  ASSERT_DONE(strop_trainer_step(trainer.get(), samples.arrays(0, 10).data(), 2, nullptr));
  strop_bytes* given = nullptr;
  strop_bytes* validation = nullptr;
  ASSERT_DONE(strop_trainer_evaluate(trainer.get(), data.get(), &given));
  const Handle<strop_bytes> first(given);
  ASSERT_DONE(strop_trainer_evaluate(trainer.get(), nullptr, &validation));
  const Handle<strop_bytes> second(validation);
  EXPECT_EQ(Text(given), Text(validation));
  // The program says the same of the file.
  ASSERT_DONE(strop_trainer_finish(trainer.get()));
  Saved(model.get());
  WriteSamples(samples);
  const std::string printed =
      Strop("evaluate " + Path("saved.onnx") + " --data " + Path("features.npy") + "," +
            Path("targets.npy") + " --loss cross_entropy --metric accuracy --batch-size 10 --json");
  const auto number = [](const std::string& json, const std::string& key) {
    const size_t at = json.find("\"" + key + "\":");
    EXPECT_NE(at, std::string::npos) << json;
    return at == std::string::npos ? 0 : std::stod(json.substr(at + key.size() + 3));
  };
  for (const char* key : {"loss", "accuracy", "samples"}) {
    EXPECT_EQ(number(Text(given), key), number(printed, key)) << key;
  }
}

TEST_F(TrainingInC, ACallbackEndsARun) {
  Samples samples;
  const Handle<strop_data> data = DataOf(samples);
  const Handle<strop_model> model = Load();
  const Handle<strop_trainer> trainer = TrainerOf(model.get(), data.get(), {{"epochs", "9"}});
  Heard heard;
  heard.last_step = 7;
  const strop_callbacks callbacks = heard.callbacks();
  strop_result result = {};
  EXPECT_DONE(strop_trainer_fit(trainer.get(), &callbacks, &result));
  EXPECT_EQ(result.steps, 7);
  EXPECT_EQ(result.was_stopped, 1);
  EXPECT_EQ(result.stopped_early, 0);
  EXPECT_EQ(heard.step_losses.size(), 7u);
}

TEST_F(TrainingInC, AReaderThatFailsEndsARunWithItsLastGoodEpoch) {
  Reader good;
  const Handle<strop_data> data = good.data();
  const Handle<strop_model> one_epoch = Load();
  const Handle<strop_trainer> shorter = TrainerOf(one_epoch.get(), data.get(), {{"epochs", "1"}});
  ASSERT_DONE(strop_trainer_fit(shorter.get(), nullptr, nullptr));

  Reader bad;
  const Handle<strop_data> failing = bad.data();
  const Handle<strop_model> model = Load();
  const Handle<strop_trainer> trainer = TrainerOf(model.get(), failing.get(), {{"epochs", "3"}});
  bad.calls_left = 7;
  EXPECT_FAILS(strop_trainer_fit(trainer.get(), nullptr, nullptr), STROP_INPUT_OUTPUT,
               "found 5, expected 0");
  EXPECT_EQ(Saved(model.get()), Saved(one_epoch.get()));
}

TEST_F(TrainingInC, NumbersThatGoBadEndARun) {
  Samples samples;
  const Handle<strop_data> data = DataOf(samples);
  const Handle<strop_model> model = Load();
  OptionList options = {
      {"loss", "cross_entropy"}, {"optimizer", "sgd"}, {"learning-rate", "1e30"}, {"epochs", "3"}};
  strop_trainer* raw = nullptr;
  ASSERT_DONE(strop_trainer_create(model.get(), data.get(), nullptr, options.data(), options.size(),
                                   nullptr, &raw));
  const Handle<strop_trainer> trainer(raw);
  EXPECT_EQ(strop_trainer_fit(raw, nullptr, nullptr), STROP_BAD_DATA);
  EXPECT_STRNE(strop_error_message(), "");
  EXPECT_EQ(Saved(model.get()), Contents("model.onnx"));
}

TEST_F(TrainingInC, RefusesWhatHasNoMeaning) {
  Samples samples;
  const Handle<strop_data> data = DataOf(samples);
  const Handle<strop_model> model = Load();
  strop_trainer* trainer = nullptr;
  const auto create = [&](const OptionList& options) {
    return strop_trainer_create(model.get(), data.get(), nullptr, options.data(), options.size(),
                                nullptr, &trainer);
  };
  EXPECT_FAILS(create({{"loss", "cross_entropy"}, {"freeze", "*"}}), STROP_USAGE, "--freeze");
  EXPECT_FAILS(create({{"loss", "cross_entropy"}, {"data", "x.npz"}}), STROP_USAGE, "--data");
  EXPECT_FAILS(create({{"los", "mse"}}), STROP_USAGE, "did you mean loss");
  EXPECT_FAILS(create({{"loss", "cross_entropy"}, {"epochs", "-1"}}), STROP_USAGE, "--epochs");
  EXPECT_FAILS(create({{"loss", "cross_entropy"}, {"optimizer", "adam"}, {"nesterov", nullptr}}),
               STROP_USAGE, "nesterov");
  EXPECT_FAILS(create({{"loss", "mse"}}), STROP_BAD_DATA, "target");
  EXPECT_EQ(trainer, nullptr);

  const Handle<strop_trainer> old = TrainerOf(model.get(), data.get());
  ASSERT_DONE(strop_model_freeze(model.get(), "hidden.*"));
  EXPECT_FAILS(strop_trainer_fit(old.get(), nullptr, nullptr), STROP_USAGE, "was changed");
}

}  // namespace
