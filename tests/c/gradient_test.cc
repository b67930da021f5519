// Gradients in a C program, against the chain rule written out in double; their check, and why a
// file cannot be loaded.

#include <algorithm>
#include <fstream>

#include "host_program.h"

namespace {

constexpr float kRows[] = {0.5f, -1, 2, 0.25f, -0.75f, 1, 1.5f, -2};  // [2, 4]
constexpr float kCotangents[] = {1, -2, 0.5f, 0, 3, -1};              // [2, 3]
constexpr int64_t kRowsShape[] = {2, 4};
constexpr int64_t kLogitsShape[] = {2, 3};
const strop_tensor kInput = {"features", STROP_FLOAT32, 2, kRowsShape, kRows};
const strop_tensor kCotangent = {"logits", STROP_FLOAT32, 2, kLogitsShape, kCotangents};

class GradientInC : public HostProgram {
 protected:
  // Elements of the only gradient that is asked for.
  std::vector<float> Gradient(const char* wrt, const strop_tensor* cotangent) {
    strop_tensors* raw = nullptr;
    EXPECT_DONE(strop_model_gradient(model_.get(), &kInput, 1, cotangent,
                                     cotangent == nullptr ? 0 : 1, &wrt, 1, &raw));
    const Handle<strop_tensors> gradients(raw);
    if (strop_tensors_count(raw) != 1) return {};
    const strop_tensor* gradient = strop_tensors_at(raw, 0);
    EXPECT_STREQ(gradient->name, wrt);
    int64_t count = 1;
    for (size_t axis = 0; axis < gradient->rank; ++axis) count *= gradient->shape[axis];
    const auto* elements = static_cast<const float*>(gradient->data);
    return {elements, elements + count};
  }

  void ExpectNear(const std::vector<float>& found, const std::vector<double>& expected) {
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i) EXPECT_NEAR(found[i], expected[i], 1e-5) << i;
  }

  const Handle<strop_model> model_ = Load();
};

TEST_F(GradientInC, IsTheChainRule) {
  const auto w0 = Parameter(model_.get(), "hidden.0.linear.weight");
  const auto b0 = Parameter(model_.get(), "hidden.0.linear.bias");
  const auto w1 = Parameter(model_.get(), "classifier.weight");
  std::vector<double> by_bias(3), by_weight(3 * 8), by_hidden(8 * 4), by_input(2 * 4);
  for (size_t row = 0; row < 2; ++row) {
    for (size_t j = 0; j < 8; ++j) {
      double unit = b0[j], into_unit = 0;
      for (size_t i = 0; i < 4; ++i) unit += double{w0[j * 4 + i]} * kRows[row * 4 + i];
      for (size_t k = 0; k < 3; ++k) {
        by_weight[k * 8 + j] += kCotangents[row * 3 + k] * std::max(unit, 0.0);
        into_unit += double{kCotangents[row * 3 + k]} * w1[k * 8 + j];
      }
      for (size_t i = 0; i < 4 && unit > 0; ++i) {
        by_hidden[j * 4 + i] += into_unit * kRows[row * 4 + i];
        by_input[row * 4 + i] += into_unit * w0[j * 4 + i];
      }
    }
    for (size_t k = 0; k < 3; ++k) by_bias[k] += kCotangents[row * 3 + k];
  }
  ExpectNear(Gradient("classifier.bias", &kCotangent), by_bias);
  ExpectNear(Gradient("classifier.weight", &kCotangent), by_weight);
  ExpectNear(Gradient("hidden.0.linear.weight", &kCotangent), by_hidden);
  ExpectNear(Gradient("features", &kCotangent), by_input);
  ExpectNear(Gradient("classifier.bias", nullptr), {2, 2, 2});  // ones, of two rows
}

TEST_F(GradientInC, IsOfAllThatIsTrainedUnlessNamed) {
  ASSERT_DONE(strop_model_freeze(model_.get(), "hidden.*"));
  strop_tensors* raw = nullptr;
  ASSERT_DONE(strop_model_gradient(model_.get(), &kInput, 1, nullptr, 0, nullptr, 0, &raw));
  const Handle<strop_tensors> gradients(raw);
  std::vector<std::string> names;
  for (size_t i = 0; i < strop_tensors_count(raw); ++i) {
    names.emplace_back(strop_tensors_at(raw, i)->name);
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"classifier.bias", "classifier.weight", "features"}));
}

TEST_F(GradientInC, RefusesWhatDoesNotFit) {
  strop_tensors* gradients = nullptr;
  const char* nobody = "nobody";
  const char* nothing = nullptr;
  EXPECT_FAILS(strop_model_gradient(model_.get(), &kInput, 1, nullptr, 0, &nobody, 1, &gradients),
               STROP_BAD_DATA, "nobody");
  EXPECT_FAILS(strop_model_gradient(model_.get(), &kInput, 1, nullptr, 0, &nothing, 1, &gradients),
               STROP_USAGE, "NULL");
  EXPECT_FAILS(strop_model_gradient(model_.get(), &kInput, 1, nullptr, 0, nullptr, 1, &gradients),
               STROP_USAGE, "NULL");
  EXPECT_FAILS(strop_model_gradient(model_.get(), &kInput, 1, &kInput, 1, nullptr, 0, &gradients),
               STROP_BAD_DATA, "features");
  EXPECT_EQ(gradients, nullptr);
}

TEST_F(GradientInC, IsCheckedAgainstDifferences) {
  const auto check = [&](double tolerance, size_t inputs) {
    strop_bytes* raw = nullptr;
    EXPECT_DONE(strop_model_check(model_.get(), &kInput, inputs, tolerance, &raw));
    const Handle<strop_bytes> json(raw);
    return Text(raw);
  };
  for (const size_t inputs : {0, 1}) {
    const std::string found = check(1e-5, inputs);
    EXPECT_NE(found.find("\"tensor\":\"classifier.weight\""), std::string::npos) << found;
    EXPECT_NE(found.find("\"ok\":true"), std::string::npos) << found;
    EXPECT_EQ(found.find("\"ok\":false"), std::string::npos) << found;
  }
  EXPECT_NE(check(1e-30, 1).find("\"ok\":false"), std::string::npos);
}

TEST_F(GradientInC, ObstaclesAreNamedWithTheirNodes) {
  const auto obstacles = [&](const std::string& name) {
    strop_bytes* raw = nullptr;
    EXPECT_DONE(strop_obstacles(Path(name).c_str(), &raw));
    const Handle<strop_bytes> json(raw);
    return Text(raw);
  };
  EXPECT_EQ(obstacles("model.onnx"), "[]");
  // An operator that nobody has, of a name as long.
  std::string bytes = Contents("model.onnx");
  size_t replaced = 0;
  for (size_t at = 0; (at = bytes.find("Gemm", at)) != std::string::npos; ++at) {
    bytes.replace(at, 4, "Gimm");
    ++replaced;
  }
  ASSERT_EQ(replaced, 2u);
  std::ofstream(Path("strange.onnx"), std::ios::binary) << bytes;
  const std::string found = obstacles("strange.onnx");
  EXPECT_NE(found.find("\"operator\":\"Gimm\""), std::string::npos) << found;
  EXPECT_NE(found.find("hidden.0.linear"), std::string::npos) << found;
  strop_bytes* none = nullptr;
  EXPECT_FAILS(strop_obstacles(Path("missing.onnx").c_str(), &none), STROP_NO_INPUT, "missing");
  EXPECT_EQ(none, nullptr);
}

}  // namespace
