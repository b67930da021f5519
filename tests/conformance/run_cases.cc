// Runs many models in one process: each line of stdin is "model inputs.npz outputs.npz", tabs
// between. Prints a line for each: the model and "done", or its error; conformance_test.py
// compares.

#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "graph/status_macros.h"
#include "importer/importer.h"
#include "plugin/data/npz.h"
#include "plugin/runtime/session.h"

namespace strop {
namespace {

absl::StatusOr<Tensor> FindInput(const std::vector<NamedTensor>& arrays, const std::string& name) {
  for (const NamedTensor& array : arrays) {
    if (array.name == name) return array.tensor;
  }
  return absl::InvalidArgumentError(absl::StrCat("no array for the input \"", name, "\""));
}

absl::Status RunCase(const std::string& model, const std::string& inputs,
                     const std::string& outputs) {
  STROP_ASSIGN_OR_RETURN(ImportedModel imported, ImportModel(model));
  STROP_ASSIGN_OR_RETURN(const std::vector<NamedTensor> arrays, ReadNpz(inputs));
  std::vector<Tensor> feeds;
  for (const ValueId id : imported.graph.inputs) {
    STROP_ASSIGN_OR_RETURN(Tensor feed, FindInput(arrays, imported.graph.value(id).name));
    feeds.push_back(std::move(feed));
  }
  STROP_ASSIGN_OR_RETURN(
      const std::unique_ptr<Session> session,
      Session::Create(std::move(imported.graph), std::make_shared<StateStore>()));
  STROP_ASSIGN_OR_RETURN(const absl::Span<const Tensor> results, session->Run(feeds));
  std::vector<NamedTensor> named;
  for (size_t i = 0; i < results.size(); ++i) {
    named.push_back({session->graph().value(session->graph().outputs[i]).name, results[i]});
  }
  return WriteNpz(outputs, named);
}

}  // namespace
}  // namespace strop

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const std::vector<std::string> parts = absl::StrSplit(line, '\t');
    if (parts.size() != 3) return 2;
    std::cout << parts[0] << "\tstarted" << std::endl;  // names the culprit of a crash
    const absl::Status status = strop::RunCase(parts[0], parts[1], parts[2]);
    std::cout << parts[0] << '\t'
              << (status.ok() ? "done"
                              : absl::StrCat(absl::StatusCodeToString(status.code()), ": ",
                                             std::string(status.message())))
              << std::endl;
  }
  return 0;
}
