#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "graph/tensor.h"

namespace strop {

class Graph;

// One attribute of a node. A null graph never occurs.
using Attribute =
    std::variant<int64_t, double, std::string, std::vector<int64_t>, std::vector<double>,
                 std::vector<std::string>, Tensor, std::shared_ptr<const Graph>>;

// A node's attributes by name. The getters answer `fallback` when the attribute is absent or of
// another kind; ONNX's checker has refused wrong kinds before a graph exists.
class Attributes {
 public:
  Attributes() = default;
  Attributes(std::initializer_list<std::pair<const std::string, Attribute>> items)
      : items_(items) {}

  bool Has(std::string_view name) const { return Find(name) != nullptr; }
  int64_t Int(std::string_view name, int64_t fallback) const {
    return Get<int64_t>(name, fallback);
  }
  double Float(std::string_view name, double fallback) const { return Get<double>(name, fallback); }
  std::string String(std::string_view name, std::string fallback) const {
    return Get<std::string>(name, std::move(fallback));
  }
  std::vector<int64_t> Ints(std::string_view name, std::vector<int64_t> fallback = {}) const {
    return Get<std::vector<int64_t>>(name, std::move(fallback));
  }
  std::vector<double> Floats(std::string_view name, std::vector<double> fallback = {}) const {
    return Get<std::vector<double>>(name, std::move(fallback));
  }
  std::vector<std::string> Strings(std::string_view name,
                                   std::vector<std::string> fallback = {}) const {
    return Get<std::vector<std::string>>(name, std::move(fallback));
  }
  Tensor TensorValue(std::string_view name) const { return Get<Tensor>(name, Tensor()); }

  const Attribute* Find(std::string_view name) const {
    const auto found = items_.find(std::string(name));
    return found == items_.end() ? nullptr : &found->second;
  }
  void Set(std::string name, Attribute value) { items_[std::move(name)] = std::move(value); }
  void Remove(std::string_view name) { items_.erase(std::string(name)); }

  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  size_t size() const { return items_.size(); }

 private:
  template <typename T>
  T Get(std::string_view name, T fallback) const {
    const Attribute* attribute = Find(name);
    const T* value = attribute == nullptr ? nullptr : std::get_if<T>(attribute);
    return value == nullptr ? std::move(fallback) : *value;
  }

  std::map<std::string, Attribute> items_;
};

}  // namespace strop
