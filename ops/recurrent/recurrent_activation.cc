#include "ops/recurrent/recurrent_activation.h"

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/recurrent/recurrent_activation.cc"
// foreach_target comes before what is compiled for every target.
// clang-format off
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "hwy/contrib/math/math-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace strop {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;
using Vector = hn::Vec<Tag>;

// function(values[i]) in place, NaN kept, the tail in a vector of its own so that an element's bits
// do not depend on where it stands.
template <typename Function>
void Apply(float* values, int64_t count, float clip, const Function& function) {
  const Tag d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const Vector high = hn::Set(d, clip);
  const Vector low = hn::Set(d, -clip);
  const auto apply = [&](Vector x) {
    const Vector y = function(hn::Min(hn::Max(x, low), high));
    return hn::IfThenElse(hn::IsNaN(x), x, y);
  };
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::StoreU(apply(hn::LoadU(d, values + i)), d, values + i);
  }
  if (i == count) return;
  HWY_ALIGN float tail[HWY_MAX_BYTES / sizeof(float)] = {};
  std::copy(values + i, values + count, tail);
  hn::Store(apply(hn::Load(d, tail)), d, tail);
  std::copy(tail, tail + (count - i), values + i);
}

void Sigmoid(float* values, int64_t count, float clip) {
  const Tag d;
  const Vector one = hn::Set(d, 1.0f);
  Apply(values, count, clip,
        [&](Vector x) { return hn::Div(one, hn::Add(one, hn::Exp(d, hn::Neg(x)))); });
}

void Tanh(float* values, int64_t count, float clip) {
  const Tag d;
  Apply(values, count, clip, [&](Vector x) { return hn::Tanh(d, x); });
}

}  // namespace HWY_NAMESPACE
}  // namespace strop
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace strop {
namespace {

HWY_EXPORT(Sigmoid);
HWY_EXPORT(Tanh);

// How many of alpha and beta a function takes, and their defaults.
struct FunctionEntry {
  const char* name;
  CellFunction function;
  bool has_alpha = false;
  bool has_beta = false;
  double alpha = 0;
  double beta = 0;
  bool needs_nonnegative_alpha = false;
};

constexpr FunctionEntry kFunctions[] = {
    {"affine", CellFunction::kAffine, true, true, 1, 0},
    {"elu", CellFunction::kElu, true, false, 1, 0, true},
    {"hardsigmoid", CellFunction::kHardSigmoid, true, true, 0.2, 0.5},
    {"leakyrelu", CellFunction::kLeakyRelu, true, false, 0.01, 0, true},
    {"relu", CellFunction::kRelu},
    {"scaledtanh", CellFunction::kScaledTanh, true, true, 1, 1},
    {"sigmoid", CellFunction::kSigmoid},
    {"softplus", CellFunction::kSoftplus},
    {"softsign", CellFunction::kSoftsign},
    {"tanh", CellFunction::kTanh},
    {"thresholdedrelu", CellFunction::kThresholdedRelu, true, false, 1, 0, true},
};

const FunctionEntry* FindFunction(const std::string& name) {
  const std::string lower = absl::AsciiStrToLower(name);
  for (const FunctionEntry& entry : kFunctions) {
    if (lower == entry.name) return &entry;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<std::vector<CellActivation>> ParseCellActivations(
    const Node& node, const std::vector<std::string>& defaults, size_t directions) {
  const auto refuse = [&](const std::string& found, const std::string& expected) {
    return absl::InvalidArgumentError(
        absl::StrCat("node ", NodeLabel(node), ": found ", found, ", expected ", expected));
  };
  std::vector<std::string> names = node.attributes.Strings("activations");
  if (names.empty()) {
    for (size_t i = 0; i < directions; ++i) {
      names.insert(names.end(), defaults.begin(), defaults.end());
    }
  }
  if (names.size() != directions * defaults.size()) {
    return refuse(absl::StrCat(names.size(), " activations"),
                  absl::StrCat(directions * defaults.size()));
  }
  const std::vector<double> alphas = node.attributes.Floats("activation_alpha");
  const std::vector<double> betas = node.attributes.Floats("activation_beta");
  const double clip = node.attributes.Float("clip", std::numeric_limits<double>::infinity());
  size_t alpha = 0;
  size_t beta = 0;
  std::vector<CellActivation> activations;
  for (const std::string& name : names) {
    const FunctionEntry* entry = FindFunction(name);
    if (entry == nullptr) return refuse("activation \"" + name + "\"", "one of ONNX's");
    CellActivation activation = {entry->function, entry->alpha, entry->beta, clip};
    if (entry->has_alpha && alpha < alphas.size()) activation.alpha = alphas[alpha++];
    if (entry->has_beta && beta < betas.size()) activation.beta = betas[beta++];
    if (entry->needs_nonnegative_alpha && !(activation.alpha >= 0)) {
      return refuse(absl::StrCat(name, " with alpha ", activation.alpha), "alpha of at least 0");
    }
    activations.push_back(activation);
  }
  return activations;
}

template <>
void Activate<float>(const CellActivation& activation, float* values, int64_t count) {
  const float clip = static_cast<float>(activation.clip);
  if (activation.function == CellFunction::kSigmoid) {
    HWY_DYNAMIC_DISPATCH(Sigmoid)(values, count, clip);
  } else if (activation.function == CellFunction::kTanh) {
    HWY_DYNAMIC_DISPATCH(Tanh)(values, count, clip);
  } else {
    for (int64_t i = 0; i < count; ++i) values[i] = ActivateOne(activation, values[i]);
  }
}

}  // namespace strop
#endif  // HWY_ONCE
