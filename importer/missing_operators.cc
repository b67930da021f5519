#include "importer/missing_operators.h"

#include <optional>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "importer/quantized_operator.h"

namespace strop {
namespace {

constexpr char kPayload[] = "strop/missing-operators";

// Each text behind its length, whatever is in it: an operator, the number of its nodes, these.
void Append(const std::string& text, std::string& code) {
  absl::StrAppend(&code, text.size(), ":", text);
}

std::string Encode(const MissingOperators& missing) {
  std::string code;
  for (const auto& [op, nodes] : missing) {
    Append(op, code);
    Append(absl::StrCat(nodes.size()), code);
    for (const std::string& node : nodes) Append(node, code);
  }
  return code;
}

// The text at `place`, which moves behind it.
std::string Next(const std::string& code, size_t& place) {
  const size_t colon = code.find(':', place);
  size_t length = 0;
  (void)absl::SimpleAtoi(code.substr(place, colon - place), &length);  // as Append wrote it
  place = colon + 1 + length;
  return code.substr(colon + 1, length);
}

}  // namespace

absl::Status MissingOperatorsError(const MissingOperators& missing) {
  constexpr size_t kShownNodes = 5;
  std::string list;
  bool is_quantized = false;
  for (const auto& [op, nodes] : missing) {
    is_quantized |= IsQuantizedOperator(op);
    absl::StrAppend(&list, list.empty() ? "" : "; ", op, " (");
    for (size_t i = 0; i < nodes.size() && i < kShownNodes; ++i) {
      absl::StrAppend(&list, i == 0 ? "" : ", ", "\"", nodes[i], "\"");
    }
    if (nodes.size() > kShownNodes) {
      absl::StrAppend(&list, " and ", nodes.size() - kShownNodes, " more");
    }
    list += ")";
  }
  absl::Status status = absl::UnimplementedError(absl::StrCat(
      "the model uses ", missing.size(), missing.size() == 1 ? " operator" : " operators",
      " that Strop does not have: ", list, "; ",
      is_quantized
          ? "the model is quantized: to train, take the float model that it was made from, "
            "with --quantize int8"
          : "`strop ops` lists those that it has"));
  status.SetPayload(kPayload, absl::Cord(Encode(missing)));
  return status;
}

MissingOperators MissingOperatorsOf(const absl::Status& status) {
  MissingOperators missing;
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayload);
  if (!payload) return missing;
  const std::string code(*payload);
  for (size_t place = 0; place < code.size();) {
    std::vector<std::string>& nodes = missing[Next(code, place)];
    size_t count = 0;
    (void)absl::SimpleAtoi(Next(code, place), &count);
    for (size_t i = 0; i < count; ++i) nodes.push_back(Next(code, place));
  }
  return missing;
}

}  // namespace strop
