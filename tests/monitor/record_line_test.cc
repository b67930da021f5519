// Lines of records.jsonl: every kind of record is written and read back; damage is told.

#include "plugin/monitor/record_line.h"

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "absl/strings/str_cat.h"
#include "plugin/monitor/record_scalars.h"

namespace strop {
namespace {

// Gives every field that a type describes a value of its own that is not the one it begins with.
class Filler {
 public:
  void operator()(const char* key, auto&& field, const auto&...) {
    keys_.push_back(key);
    Fill(field);
  }
  const std::vector<std::string>& keys() const { return keys_; }

 private:
  void Fill(std::string& text) { text = absl::StrCat("text ", ++count_); }
  void Fill(int64_t& number) { number = ++count_; }
  void Fill(double& number) { number = ++count_ + 1.0 / 3; }
  void Fill(HyperparameterValue& value) { value = absl::StrCat("value ", ++count_); }
  void Fill(Constant&) {}
  void Fill(Base64<std::string>& field) {
    field.bytes = absl::StrCat("\x89PNG", std::string(1, '\0'), ++count_);
  }
  template <typename Field>
  void Fill(OrAbsent<Field>& field) {
    Fill(field.field);
  }
  template <typename Value>
  void Fill(Word<Value>& word) {
    const auto other = word.value == Value() ? word.words.size() - 1 : 0;
    word.value = static_cast<Value>(other);
  }
  template <typename T>
  void Fill(std::optional<T>& field) {
    Fill(field.emplace());
  }
  template <typename T>
  void Fill(std::map<std::string, T>& by_name) {
    for (const char* name : {"first", "second"}) Fill(by_name[name]);
  }
  template <typename T>
  void Fill(std::vector<std::pair<std::string, T>>& by_name) {
    for (const char* name : {"first", "second"}) Fill(by_name.emplace_back(name, T()).second);
  }
  template <typename T>
  requires requires(T& list) { list.emplace_back(); }
  void Fill(T& list) {
    for (int i = 0; i < 2; ++i) Fill(list.emplace_back());
  }
  template <typename T>
  requires requires(T& part, Filler& filler) { T::VisitFields(filler, part); }
  void Fill(T& part) {
    Filler filler;
    filler.count_ = count_;
    T::VisitFields(filler, part);
    count_ = filler.count_;
  }

  int64_t count_ = 0;
  std::vector<std::string> keys_;
};

// Mends what two items in every list do not fit.
template <typename Content>
void Mend(Content&) {}
void Mend(Histogram& histogram) { histogram.limits.push_back(1000); }

template <typename Kind>
class EveryKind : public testing::Test {};

template <typename AnyContent>
struct KindsOf;
template <typename... Kinds>
struct KindsOf<std::variant<Kinds...>> {
  using Types = testing::Types<Kinds...>;
};
TYPED_TEST_SUITE(EveryKind, KindsOf<RecordContent>::Types);

TYPED_TEST(EveryKind, IsWrittenAndReadBackEqual) {
  TypeParam content;
  Filler filler;
  TypeParam::VisitFields(filler, content);
  Mend(content);
  const std::string line = JsonLineOf({7, 2, 1234.5678, content});

  std::vector<std::string> keys;
  const auto json = nlohmann::ordered_json::parse(line);
  for (const auto& [key, value] : json.items()) keys.push_back(key);
  std::vector<std::string> expected = {"kind", "step", "epoch", "time"};
  expected.insert(expected.end(), filler.keys().begin(), filler.keys().end());
  EXPECT_EQ(keys, expected);
  EXPECT_EQ(json["kind"], TypeParam::kKind.name);

  const auto record = ParseRecordLine(line);
  ASSERT_TRUE(record.ok()) << line << record.status();
  ASSERT_TRUE(record->has_value()) << line;
  ASSERT_TRUE(std::holds_alternative<TypeParam>((*record)->content));
  EXPECT_EQ(JsonLineOf(**record), line);
}

// As it is before anything is said of it.
TYPED_TEST(EveryKind, ComesBackEmpty) {
  const std::string line = JsonLineOf({0, 0, 0, TypeParam()});
  const auto record = ParseRecordLine(line);
  ASSERT_TRUE(record.ok() && record->has_value()) << line << record.status();
  EXPECT_EQ(JsonLineOf(**record), line);
}

// A key that a later version adds is skipped.
TYPED_TEST(EveryKind, SkipsKeysThatItDoesNotKnow) {
  const std::string line = JsonLineOf({0, 0, 0, TypeParam()});
  auto json = nlohmann::ordered_json::parse(line);
  json["hologram"] = {1, 2};
  const auto record = ParseRecordLine(json.dump());
  ASSERT_TRUE(record.ok() && record->has_value()) << line << record.status();
  EXPECT_EQ(JsonLineOf(**record), line);
}

TEST(RecordKinds, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names;
  for (const RecordKind& kind : kRecordKinds) EXPECT_TRUE(names.insert(kind.name).second);
  EXPECT_EQ(names.size(), std::variant_size_v<RecordContent>);
}

// The JSON of a record is the record: what is written again is the same line.
TEST(RecordLine, ComesBackAsItWasWritten) {
  Histogram histogram = {"weights/w", 3, -0.5, INFINITY, 1.0 / 3, 0.1, {-1, 0, 2}, {1, 2}};
  LayerList layers;
  layers.parameters = {{"w", "fc", 12}};
  layers.activations = {{"fc", "Gemm"}};
  Hyperparameters hyperparameters;
  hyperparameters.values = {{"a", true}, {"b", 0.1}, {"c", "text"}};
  const std::vector<RecordContent> contents = {
      RunStart{"strop train 'a b'", {{"strop", "1"}}},
      hyperparameters,
      layers,
      ModelGraph{{{"x", "Input", {}, std::nullopt, "float32"},
                  {"fc", "Gemm", {"x", "w"}, Shape{2, 3}, "float32"}}},
      Scalars{{{"a", std::nan("")}, {"b", -INFINITY}, {"c", 1.0 / 3}}},
      EpochScalars{{{"train/epoch_loss", 5e-324}}},
      histogram,
      ConfusionMatrix{"m", {"cat", "dög"}, {{3, 1}, {0, 2}}},
      WorstExamples{"e",
                    {{3, "cat", "dög", INFINITY, 2, 1, "png"}, {4, "cat", "cat", 0.25, 0, 0, ""}}},
      PredictedAgainstTrue{"r", {{0, 7}, {0, 2}, {{1, 2}, {3, 4}}, {{INFINITY, 2.5}, {3, 4}}}},
      PngImage{"data/samples", 2, 3, std::string("\x89PNG\0\xff", 6)},
      Text{"command", "a\nb"},
      HealthFinding{"dead_units", false, "some", {"fc"}},
      RunResume(),
      RunEnd{RunStatus::kStoppedEarly, "after 3 steps", "best", 2},
      RunEnd{RunStatus::kFinished, "after 3 steps", "averaged", std::nullopt}};
  for (const auto& content : contents) {
    const std::string line = JsonLineOf({7, 2, 1234.5678, content});
    const auto record = ParseRecordLine(line);
    ASSERT_TRUE(record.ok()) << line << record.status();
    ASSERT_TRUE(record->has_value()) << line;
    EXPECT_EQ(JsonLineOf(**record), line);
  }
}

TEST(RecordLine, DamageIsAnErrorAndTheUnknownIsNothing) {
  for (const char* damaged :
       {"", "{", "[]", "null", "{\"kind\":\"scalars\"}", "\xff\xfe",
        R"({"kind":"scalars","step":1,"epoch":1,"time":0,"values":3})",
        R"({"kind":"scalars","step":"one","epoch":1,"time":0,"values":{}})",
        R"({"kind":"scalars","step":1,"epoch":1,"time":0,"values":{"a":"many"}})",
        R"({"kind":"image","step":1,"epoch":1,"time":0,"tag":"","width":1,"height":1,"png":"*"})",
        R"({"kind":"confusion_matrix","step":1,"epoch":1,"time":0,"tag":"","labels":["a"],)"
        R"("counts":[[1,2]]})"}) {
    EXPECT_EQ(ParseRecordLine(damaged).status().code(), absl::StatusCode::kInvalidArgument)
        << damaged;
  }
  for (const RecordKind& kind : kRecordKinds) {
    if (kind.name == RunResume::kKind.name) continue;  // has no field
    const std::string bare =
        absl::StrCat(R"({"kind":")", std::string(kind.name), R"(","step":1,"epoch":1,"time":0})");
    EXPECT_EQ(ParseRecordLine(bare).status().code(), absl::StatusCode::kInvalidArgument) << bare;
  }
  const auto unknown = ParseRecordLine(R"({"kind":"hologram","step":1,"epoch":1,"time":0})");
  ASSERT_TRUE(unknown.ok());
  EXPECT_FALSE(unknown->has_value());
}

}  // namespace
}  // namespace strop
