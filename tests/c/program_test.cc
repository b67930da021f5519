// What the program does with files, asked for by a C program: the program's own files and numbers.

#include <nlohmann/json.hpp>
#include <set>

#include "host_program.h"

namespace {

class ProgramInC : public HostProgram {
 protected:
  ProgramInC() { WriteSamples(samples_); }

  // What was found; a failure where it is none.
  nlohmann::json Perform(const char* operation, const OptionList& options) {
    strop_bytes* raw = nullptr;
    EXPECT_DONE(strop_perform(operation, options.data(), options.size(), nullptr, nullptr, &raw));
    const Handle<strop_bytes> bytes(raw);
    return raw == nullptr ? nlohmann::json() : nlohmann::json::parse(Text(raw));
  }
  strop_status Fails(const char* operation, const OptionList& options) {
    strop_bytes* raw = nullptr;
    const strop_status status =
        strop_perform(operation, options.data(), options.size(), nullptr, nullptr, &raw);
    EXPECT_EQ(raw, nullptr);
    strop_bytes_free(raw);
    return status;
  }

  Samples samples_;
  const std::string data_ = Path("features.npy") + "," + Path("targets.npy");
};

TEST_F(ProgramInC, MakesTheNetworksOfTheProgram) {
  const std::string path = Path("new.onnx");
  Perform("new", {{"ARCHITECTURE", "mlp"},
                  {"input", "4"},
                  {"classes", "3"},
                  {"depth", "1"},
                  {"width", "8"},
                  {"seed", "1"},
                  {"output", path.c_str()}});
  EXPECT_EQ(Contents("new.onnx"), Contents("model.onnx"));
}

TEST_F(ProgramInC, TrainsAndEvaluatesAsTheProgram) {
  const std::string model = Path("model.onnx");
  const std::string tuned = Path("tuned.onnx");
  Perform("train", {{"MODEL", model.c_str()},
                    {"data", data_.c_str()},
                    {"loss", "cross_entropy"},
                    {"epochs", "2"},
                    {"batch-size", "10"},
                    {"output", tuned.c_str()}});
  Strop("train " + model + " --data " + data_ +
        " --loss cross_entropy --epochs 2 --batch-size 10 "
        "-o " +
        Path("by_program.onnx"));
  EXPECT_EQ(Contents("tuned.onnx"), Contents("by_program.onnx"));
  EXPECT_NE(Contents("tuned.onnx"), Contents("model.onnx"));

  const nlohmann::json found = Perform("evaluate", {{"MODEL", tuned.c_str()},
                                                    {"data", data_.c_str()},
                                                    {"loss", "cross_entropy"},
                                                    {"metric", "accuracy"}});
  const auto printed = nlohmann::json::parse(Strop(
      "evaluate " + tuned + " --data " + data_ + " --loss cross_entropy --metric accuracy --json"));
  EXPECT_EQ(found, printed);
  EXPECT_TRUE(found.contains("accuracy")) << found;
}

TEST_F(ProgramInC, RefusesWhatTheProgramRefuses) {
  const std::string model = Path("model.onnx");
  EXPECT_FAILS(Fails("evalute", {}), STROP_USAGE, "evaluate");
  EXPECT_FAILS(Fails("evaluate", {{"MODEL", model.c_str()}, {"dta", data_.c_str()}}), STROP_USAGE,
               "did you mean data");
  EXPECT_FAILS(Fails("evaluate", {{"MODEL", model.c_str()}}), STROP_USAGE, "required");
  EXPECT_FAILS(Fails("evaluate", {{"MODEL", Path("missing").c_str()}, {"data", data_.c_str()}}),
               STROP_NO_INPUT, "missing");
  // What is written may not take the place of what is read.
  EXPECT_FAILS(Fails("train", {{"MODEL", model.c_str()},
                               {"data", data_.c_str()},
                               {"loss", "cross_entropy"},
                               {"output", Path("features.npy").c_str()}}),
               STROP_CANNOT_CREATE, "features.npy");
}

TEST_F(ProgramInC, ACallbackEndsIt) {
  const std::string model = Path("model.onnx");
  const std::string output = Path("stopped.onnx");
  const OptionList options = {{"MODEL", model.c_str()},
                              {"data", data_.c_str()},
                              {"loss", "cross_entropy"},
                              {"epochs", "1000000"},
                              {"output", output.c_str()}};
  int asked = 0;
  const strop_callbacks callbacks = {&asked, nullptr, nullptr, [](void* context) {
                                       return ++*static_cast<int*>(context) > 4 ? 1 : 0;
                                     }};
  strop_bytes* json = nullptr;
  EXPECT_EQ(strop_perform("train", options.data(), options.size(), nullptr, &callbacks, &json),
            STROP_STOPPED);
  EXPECT_STRNE(strop_error_message(), "");
  EXPECT_EQ(json, nullptr);
  EXPECT_EQ(asked, 5);
}

TEST_F(ProgramInC, ListsTheOptionsOfTheProgram) {
  strop_bytes* raw = nullptr;
  ASSERT_DONE(strop_list_options(&raw));
  const Handle<strop_bytes> bytes(raw);
  const auto names = [](const nlohmann::json& listed) {
    std::set<std::string> names;
    for (const auto& command : listed) {
      for (const auto& option : command["options"]) {
        names.insert(command["command"].get<std::string>() + " " +
                     option["name"].get<std::string>());
      }
    }
    return names;
  };
  const std::set<std::string> here = names(nlohmann::json::parse(Text(raw)));
  const std::set<std::string> there = names(nlohmann::json::parse(Strop("--list-options")));
  EXPECT_GT(here.size(), 300u);
  for (const std::string& name : here) EXPECT_TRUE(there.contains(name)) << name;
  EXPECT_TRUE(here.contains("train --learning-rate"));
}

}  // namespace
