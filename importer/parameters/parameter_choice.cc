#include "importer/parameters/parameter_choice.h"

#include <algorithm>
#include <map>
#include <set>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "importer/glob.h"
#include "importer/parameters/parameter_rule.h"

namespace strop {
namespace {

bool MatchesAny(const std::vector<std::string>& patterns, const std::string& name) {
  return std::any_of(patterns.begin(), patterns.end(),
                     [&](const std::string& pattern) { return MatchesGlob(pattern, name); });
}

// Whether the user's word can change what the tensor is.
bool IsChoosable(const Parameter& parameter) {
  return parameter.tensor >= 0 && parameter.role != Parameter::Role::kStatistics;
}

absl::Status CheckPatterns(const std::vector<std::string>& patterns, const std::string& option,
                           const std::vector<Parameter>& parameters) {
  for (const std::string& pattern : patterns) {
    const Parameter* matched = nullptr;
    for (const Parameter& parameter : parameters) {
      if (!MatchesGlob(pattern, parameter.name)) continue;
      if (matched == nullptr || IsChoosable(parameter)) matched = &parameter;
    }
    if (matched == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(option, " \"", pattern,
                       "\" matches no floating tensor of the model; `strop inspect` lists them"));
    }
    if (IsChoosable(*matched)) continue;
    const bool is_statistics = matched->role == Parameter::Role::kStatistics;
    return absl::InvalidArgumentError(absl::StrCat(
        option, " \"", pattern, "\" changes nothing: \"", matched->name, "\" is ", matched->reason,
        is_statistics ? ", which moves with --batch-norm train and not by a gradient" : ""));
  }
  return absl::OkStatus();
}

void Select(const ParameterSelection& selection, Parameter& parameter) {
  using Role = Parameter::Role;
  if (parameter.role == Role::kStatistics) return;
  if (parameter.role == Role::kTrained && !selection.train_only.empty() &&
      !MatchesAny(selection.train_only, parameter.name)) {
    parameter.role = Role::kFrozen;
    parameter.reason += ", left out by --train-only";
  }
  if (parameter.role == Role::kFrozen && MatchesAny(selection.train, parameter.name)) {
    parameter.role = Role::kTrained;
    parameter.reason += ", chosen by --train";
  }
  if (parameter.role == Role::kTrained && MatchesAny(selection.freeze, parameter.name)) {
    parameter.role = Role::kFrozen;
    parameter.reason += ", frozen by --freeze";
  }
}

std::vector<ImportedConstant> Floating(const Graph& graph,
                                       const std::vector<ImportedConstant>& constants) {
  std::vector<ImportedConstant> floating;
  for (const ImportedConstant& constant : constants) {
    if (IsFloating(graph.type(constant.value).element_type)) floating.push_back(constant);
  }
  return floating;
}

// Tensors that stand for several constants: a function's, called more than once.
std::map<int, int> CountUses(const std::vector<ImportedConstant>& constants) {
  std::map<int, int> uses;
  for (const ImportedConstant& constant : constants) {
    if (constant.origin != Parameter::Origin::kIdentity) ++uses[constant.tensor];
  }
  return uses;
}

// Tensors of which an Identity makes another parameter.
std::set<int> HandedOn(const std::vector<ImportedConstant>& constants) {
  std::set<int> tensors;
  for (const ImportedConstant& constant : constants) {
    if (constant.origin == Parameter::Origin::kIdentity) tensors.insert(constant.tensor);
  }
  return tensors;
}

}  // namespace

absl::StatusOr<std::vector<Parameter>> ChooseParameters(
    Graph& graph, const std::vector<ImportedConstant>& constants,
    const ParameterSelection& selection) {
  const std::vector<ImportedConstant> floating = Floating(graph, constants);
  std::vector<ValueId> values;
  for (const ImportedConstant& constant : floating) values.push_back(constant.value);
  const std::vector<Finding> findings = FindRoles(graph, values);
  std::map<int, int> uses = CountUses(floating);
  const std::set<int> handed_on = HandedOn(floating);
  std::vector<Parameter> parameters;
  for (size_t i = 0; i < floating.size(); ++i) {
    const ImportedConstant& constant = floating[i];
    const Finding& finding = findings[i];
    Parameter parameter;
    parameter.name = graph.value(constant.value).name;
    parameter.value = constant.value;
    parameter.origin = constant.origin;
    parameter.reason = finding.reason;
    if (!finding.is_read && handed_on.contains(constant.tensor)) {
      parameter.reason = "only Identity nodes read it, and what they give are tensors of their own";
    }
    parameter.is_norm_or_bias = finding.is_norm_or_bias;
    parameter.type = constant.type;
    parameter.tensor = constant.tensor;
    parameter.is_in_function = constant.is_in_function;
    parameter.role = finding.use == ConstantUse::kTrained      ? Parameter::Role::kTrained
                     : finding.use == ConstantUse::kStatistics ? Parameter::Role::kStatistics
                                                               : Parameter::Role::kFrozen;
    const bool is_shared =
        constant.origin != Parameter::Origin::kIdentity && uses[constant.tensor] > 1;
    if (constant.tensor < 0 || is_shared) {
      parameter.tensor = -1;
      parameter.role = Parameter::Role::kFrozen;
      parameter.reason += is_shared && constant.tensor >= 0
                              ? ", but its function is called more than once"
                              : ", but no tensor of the file holds it";
    }
    parameters.push_back(std::move(parameter));
  }
  STROP_RETURN_IF_ERROR(CheckPatterns(selection.train, "--train", parameters));
  STROP_RETURN_IF_ERROR(CheckPatterns(selection.train_only, "--train-only", parameters));
  STROP_RETURN_IF_ERROR(CheckPatterns(selection.freeze, "--freeze", parameters));
  for (Parameter& parameter : parameters) {
    if (parameter.tensor < 0) continue;
    const bool is_parameter_by_rule = parameter.role != Parameter::Role::kFrozen;
    Select(selection, parameter);
    if (is_parameter_by_rule || parameter.role != Parameter::Role::kFrozen) {
      graph.value(parameter.value).kind = ValueKind::kState;
    }
  }
  return parameters;
}

}  // namespace strop
