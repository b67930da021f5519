#include "plugin/engine/runtime/state_store.h"

#include <cstring>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "ops/kernels/reorder.h"

namespace strop {
namespace {

// The same elements in another layout.
absl::StatusOr<Tensor> Reordered(const TensorType& type, const Tensor& buffer, const Layout& from,
                                 const Layout& to) {
  Tensor result = to == nullptr ? Tensor(type.element_type, *type.shape)
                                : Tensor(DataType::kUint8, {static_cast<int64_t>(to->bytes())});
  STROP_ASSIGN_OR_RETURN(const std::unique_ptr<Kernel> kernel,
                         MakeReorderKernel(type.element_type, *type.shape, from, to));
  Tensor workspace(DataType::kUint8, {static_cast<int64_t>(kernel->workspace_bytes)});
  const void* input = buffer.data();
  void* output = result.mutable_data();
  STROP_RETURN_IF_ERROR(
      kernel->run(KernelArguments{{&input, 1}, {&output, 1}, workspace.mutable_data(), {}}));
  return result;
}

}  // namespace

bool StateStore::Has(const std::string& name) const { return entries_.contains(name); }

std::vector<std::string> StateStore::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries_) names.push_back(name);
  return names;
}

absl::StatusOr<Tensor> StateStore::Read(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return absl::NotFoundError(absl::StrCat("run: there is no state \"", name, "\""));
  }
  const Entry& entry = found->second;
  if (entry.layout == nullptr) return entry.buffer.Clone();
  return Reordered(entry.type, entry.buffer, entry.layout, nullptr);
}

absl::Status StateStore::Write(const std::string& name, const Tensor& tensor) {
  const auto found = entries_.find(name);
  if (found == entries_.end()) {
    return absl::NotFoundError(absl::StrCat("run: there is no state \"", name, "\""));
  }
  Entry& entry = found->second;
  const TensorType type{tensor.type(), tensor.shape()};
  if (type != entry.type) {
    return absl::InvalidArgumentError(absl::StrCat(
        "run: state \"", name, "\" is ", TypeName(entry.type), ", found ", TypeName(type)));
  }
  Tensor source = tensor;
  if (entry.layout != nullptr) {
    STROP_ASSIGN_OR_RETURN(source, Reordered(type, tensor, nullptr, entry.layout));
  }
  std::memcpy(entry.buffer.mutable_data(), source.data(), source.bytes());
  return absl::OkStatus();
}

absl::StatusOr<StateStore::Entry*> StateStore::FindOrAdd(const Value& state) {
  const auto [position, is_new] = entries_.try_emplace(state.name);
  Entry& entry = position->second;
  if (is_new) {
    entry.type = {state.tensor.type(), state.tensor.shape()};
    entry.buffer = state.tensor.Clone();
  } else if (entry.type != state.type) {
    return absl::InvalidArgumentError(absl::StrCat("run: state \"", state.name, "\" is ",
                                                   TypeName(entry.type), " in the store and ",
                                                   TypeName(state.type), " in the graph"));
  }
  return &entry;
}

absl::StatusOr<Layout> StateStore::AdoptLayout(Entry& entry, const Layout& wanted) {
  if (!entry.is_planned && !SameLayout(entry.layout, wanted)) {
    STROP_ASSIGN_OR_RETURN(entry.buffer, Reordered(entry.type, entry.buffer, entry.layout, wanted));
    entry.layout = wanted;
  }
  entry.is_planned = true;
  return entry.layout;
}

std::optional<Layout> StateStore::FixedLayout(const std::string& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || !found->second.is_planned) return std::nullopt;
  return found->second.layout;
}

}  // namespace strop
