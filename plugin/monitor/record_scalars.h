#pragma once

#include <utility>

#include "plugin/monitor/record.h"

namespace strop {

// Calls take(tag, number) for every field of a record's content that is shown as a scalar.
template <typename Take>
class ScalarVisitor {
 public:
  explicit ScalarVisitor(Take take) : take_(std::move(take)) {}

  void operator()(const char*, const auto&) {}
  void operator()(const char*, const auto&, const auto&) {}
  void operator()(const char*, const auto& number, const AsScalar& scalar) {
    take_(scalar.tag, static_cast<double>(number));
  }
  void operator()(const char*, const TaggedNumbers& numbers, const AsScalars&) {
    for (const auto& [tag, number] : numbers) take_(tag, number);
  }

 private:
  Take take_;
};

template <typename Content, typename Take>
void VisitScalars(const Content& content, Take take) {
  ScalarVisitor<Take> visitor(std::move(take));
  Content::VisitFields(visitor, content);
}

}  // namespace strop
