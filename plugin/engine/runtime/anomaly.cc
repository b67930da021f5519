#include "plugin/engine/runtime/anomaly.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/cord.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "graph/visit_type.h"

namespace strop {
namespace {

constexpr char kAnomalyPayload[] = "strop/anomaly";
constexpr char kFirstOutput[] = "first output";

struct BadCount {
  int64_t infinite = 0;
  int64_t not_a_number = 0;
};

// Padding is zero, so that every layout may be read as a flat array.
template <typename T>
BadCount CountBad(const T* elements, int64_t count) {
  using C = ComputeType<T>;
  C zero = 0;  // NaN as soon as one element is bad
#pragma omp simd reduction(+ : zero)
  for (int64_t i = 0; i < count; ++i) zero += static_cast<C>(elements[i]) * C{0};
  BadCount bad;
  if (zero == 0) return bad;
  for (int64_t i = 0; i < count; ++i) {
    const C element = static_cast<C>(elements[i]);
    if (std::isnan(element)) ++bad.not_a_number;
    if (std::isinf(element)) ++bad.infinite;
  }
  return bad;
}

}  // namespace

bool IsAnomaly(const absl::Status& status) {
  return status.GetPayload(kAnomalyPayload).has_value();
}

bool SpoilsFirstOutput(const absl::Status& status) {
  return status.GetPayload(kAnomalyPayload) == absl::Cord(kFirstOutput);
}

AnomalyDetector::AnomalyDetector(const StepPlan& plan)
    : plan_(plan), is_updated_(plan.graph.values.size(), false) {
  for (const StateUpdate& update : plan.graph.state_updates) {
    is_updated_[static_cast<size_t>(update.state)] = true;
  }
}

void AnomalyDetector::BeginStep() {
  reached_result_ = false;
  reached_first_output_ = false;
  first_.clear();
}

void AnomalyDetector::BeforeKernel(size_t index, absl::Span<const void* const> inputs) {
  const Instruction& instruction = plan_.instructions[index];
  of_inputs_ = Badness::kFinite;
  for (size_t i = 0; i < instruction.inputs.size(); ++i) {
    const Badness badness = BadnessOf(instruction.inputs[i], inputs[i]);
    of_inputs_ = std::max(of_inputs_, badness);
    if (!first_.empty() || !IsSource(instruction.inputs[i], badness)) continue;
    first_ = absl::StrCat(Describe(instruction.inputs[i], badness), " before ", instruction.label,
                          " reads it");
  }
}

void AnomalyDetector::AfterKernel(size_t index, absl::Span<void* const> outputs) {
  const Instruction& instruction = plan_.instructions[index];
  for (size_t i = 0; i < instruction.outputs.size(); ++i) {
    const int slot = instruction.outputs[i];
    const Badness badness = BadnessOf(slot, outputs[i]);
    if (IsBadResult(slot, badness)) {
      reached_result_ = true;
      reached_first_output_ |= IsFirstOutput(slot);
    }
    if (!first_.empty() || badness <= of_inputs_) continue;
    const bool is_backward = absl::StrContains(instruction.label, "/gradient");
    first_ = absl::StrCat(is_backward ? "backward" : "forward", " node ", instruction.label,
                          " makes ", Describe(slot, badness), " of inputs that are ",
                          of_inputs_ == Badness::kFinite ? "finite" : "infinite");
  }
}

absl::Status AnomalyDetector::EndStep() const {
  if (!reached_result_ || first_.empty()) return absl::OkStatus();
  absl::Status status = absl::FailedPreconditionError(first_);
  status.SetPayload(kAnomalyPayload, absl::Cord(reached_first_output_ ? kFirstOutput : ""));
  return status;
}

AnomalyDetector::Badness AnomalyDetector::BadnessOf(int slot, const void* bytes) const {
  if (slot < 0 || bytes == nullptr) return Badness::kFinite;
  const Slot& read = plan_.slots[static_cast<size_t>(slot)];
  const DataType type = plan_.graph.type(read.value).element_type;
  if (!IsFloating(type)) return Badness::kFinite;
  Badness badness = Badness::kFinite;
  const int64_t count = static_cast<int64_t>(read.bytes * 8) / BitsPerElement(type);
  VisitFloating(type, "anomaly", [&]<typename T>() {
    const BadCount bad = CountBad(static_cast<const T*>(bytes), count);
    if (bad.infinite > 0) badness = Badness::kInfinite;
    if (bad.not_a_number > 0) badness = Badness::kNotANumber;
    return absl::OkStatus();
  }).IgnoreError();
  return badness;
}

// What the step was given and must not be bad. Masks may be infinite, weights may not.
bool AnomalyDetector::IsSource(int slot, Badness badness) const {
  if (badness == Badness::kFinite) return false;
  const Slot& read = plan_.slots[static_cast<size_t>(slot)];
  const ValueKind kind = plan_.graph.value(read.value).kind;
  if (kind == ValueKind::kNodeOutput) return false;
  return badness == Badness::kNotANumber || is_updated_[static_cast<size_t>(read.value)];
}

bool AnomalyDetector::IsBadResult(int slot, Badness badness) const {
  if (badness == Badness::kFinite) return false;
  const Slot& written = plan_.slots[static_cast<size_t>(slot)];
  const SlotHome home = plan_.slots[static_cast<size_t>(written.root)].home;
  if (home == SlotHome::kState) return true;
  if (home != SlotHome::kOutput) return false;
  return badness == Badness::kNotANumber || plan_.graph.type(written.value).shape->empty();
}

bool AnomalyDetector::IsFirstOutput(int slot) const {
  const Slot& written = plan_.slots[static_cast<size_t>(slot)];
  const Slot& root = plan_.slots[static_cast<size_t>(written.root)];
  return root.home == SlotHome::kOutput && root.index == 0;
}

std::string AnomalyDetector::Describe(int slot, Badness badness) const {
  const Value& value = plan_.graph.value(plan_.slots[static_cast<size_t>(slot)].value);
  const char* role = "";
  if (value.kind == ValueKind::kInput) role = "input ";
  if (value.kind == ValueKind::kState) role = "tensor ";
  if (value.kind == ValueKind::kConstant) role = "constant ";
  return absl::StrCat(badness == Badness::kNotANumber ? "NaN in " : "infinity in ", role, "\"",
                      value.name, "\" (", TypeName(value.type), ")");
}

}  // namespace strop
