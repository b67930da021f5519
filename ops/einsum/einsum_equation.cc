#include "ops/einsum/einsum_equation.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"

namespace strop {
namespace {

// Stands for an ellipsis until its rank is known.
constexpr int kEllipsis = -1;

absl::StatusOr<EinsumLabels> ParseTerm(std::string_view term) {
  EinsumLabels labels;
  for (size_t i = 0; i < term.size(); ++i) {
    if (term.substr(i, 3) == "...") {
      if (std::count(labels.begin(), labels.end(), kEllipsis) > 0) {
        return absl::InvalidArgumentError("two ellipses in one term");
      }
      labels.push_back(kEllipsis);
      i += 2;
    } else if (absl::ascii_isalpha(static_cast<unsigned char>(term[i]))) {
      labels.push_back(term[i]);
    } else {
      return absl::InvalidArgumentError(absl::StrCat("\"", std::string(term), "\" as a term"));
    }
  }
  return labels;
}

void Expand(EinsumLabels& labels, int64_t ellipsis_rank) {
  const auto at = std::find(labels.begin(), labels.end(), kEllipsis);
  if (at == labels.end()) return;
  EinsumLabels axes;
  for (int64_t i = ellipsis_rank; i-- > 0;) axes.push_back(kEllipsisAxis + static_cast<int>(i));
  labels.insert(labels.erase(at), axes.begin(), axes.end());
}

// NumPy's: the ellipsis, then every letter that stands once, in alphabetical order.
EinsumLabels ImplicitOutput(const std::vector<EinsumLabels>& operands) {
  std::map<int, int> counts;
  for (const EinsumLabels& labels : operands) {
    for (const int label : labels) ++counts[label];
  }
  EinsumLabels output;
  if (counts.count(kEllipsis) > 0) output.push_back(kEllipsis);
  for (const auto& [label, count] : counts) {
    if (label != kEllipsis && count == 1) output.push_back(label);
  }
  return output;
}

}  // namespace

absl::StatusOr<EinsumEquation> EinsumEquation::Parse(std::string_view text,
                                                     const std::vector<int64_t>& ranks) {
  std::string equation(text);
  equation.erase(std::remove(equation.begin(), equation.end(), ' '), equation.end());
  const size_t arrow = equation.find("->");
  const std::string inputs = equation.substr(0, arrow);
  EinsumEquation parsed;
  for (size_t begin = 0; begin <= inputs.size();) {
    const size_t end = std::min(inputs.find(',', begin), inputs.size());
    STROP_ASSIGN_OR_RETURN(EinsumLabels labels,
                           ParseTerm(std::string_view(inputs).substr(begin, end - begin)));
    parsed.operands.push_back(std::move(labels));
    begin = end + 1;
  }
  if (parsed.operands.size() != ranks.size()) {
    return absl::InvalidArgumentError(
        absl::StrCat(parsed.operands.size(), " terms for ", ranks.size(), " inputs"));
  }
  if (arrow == std::string::npos) {
    parsed.output = ImplicitOutput(parsed.operands);
  } else {
    STROP_ASSIGN_OR_RETURN(parsed.output, ParseTerm(std::string_view(equation).substr(arrow + 2)));
  }
  int64_t output_ellipsis = 0;
  for (size_t i = 0; i < ranks.size(); ++i) {
    EinsumLabels& labels = parsed.operands[i];
    const bool has_ellipsis = std::count(labels.begin(), labels.end(), kEllipsis) > 0;
    const int64_t letters = static_cast<int64_t>(labels.size()) - (has_ellipsis ? 1 : 0);
    if (ranks[i] < letters || (!has_ellipsis && ranks[i] != letters)) {
      return absl::InvalidArgumentError(
          absl::StrCat("input ", i, " of rank ", ranks[i], " for ", letters, " subscripts"));
    }
    Expand(labels, ranks[i] - letters);
    output_ellipsis = std::max(output_ellipsis, has_ellipsis ? ranks[i] - letters : 0);
  }
  Expand(parsed.output, output_ellipsis);
  for (size_t i = 0; i < parsed.output.size(); ++i) {
    const int label = parsed.output[i];
    const bool is_known = std::any_of(parsed.operands.begin(), parsed.operands.end(),
                                      [label](const EinsumLabels& labels) {
                                        return std::count(labels.begin(), labels.end(), label) > 0;
                                      });
    if (!is_known || std::count(parsed.output.begin(), parsed.output.end(), label) > 1) {
      return absl::InvalidArgumentError("an output subscript that no input has, or twice");
    }
  }
  return parsed;
}

absl::StatusOr<std::map<int, int64_t>> EinsumEquation::Sizes(
    const std::vector<Shape>& shapes) const {
  std::map<int, int64_t> sizes;
  for (size_t i = 0; i < operands.size(); ++i) {
    for (size_t axis = 0; axis < operands[i].size(); ++axis) {
      const int64_t size = shapes[i][axis];
      const auto [known, is_new] = sizes.insert({operands[i][axis], size});
      if (is_new || known->second == size || size == 1) continue;
      if (known->second != 1) {
        return absl::InvalidArgumentError(absl::StrCat("axis ", axis, " of input ", i, " of size ",
                                                       size, " where its subscript has size ",
                                                       known->second));
      }
      known->second = size;
    }
  }
  return sizes;
}

}  // namespace strop
