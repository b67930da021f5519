#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/types/span.h"

namespace strop {

// The words in which a kind of record describes itself, beside its struct in record.h:
//
//   struct Text {
//     static constexpr RecordKind kKind = {.name = "text"};
//     static void VisitFields(auto& visit, auto& text) {
//       visit("tag", text.tag);
//       visit("text", text.text, AsText{text.tag});
//     }
//     std::string tag;
//     std::string text;
//   };
//
// VisitFields names every field once, in the order of the line; writing, reading back and all that
// show records are visitors. It gives `visit` the key in records.jsonl; the field itself, or one of
// the wrappers below where its type does not say how it is stored; and, of few fields, what they
// are for those that know no kinds of records: scalars.csv, TensorBoard, the report's curves. A
// type that has a `std::string_view Fault() const` says by it, after reading, what does not fit
// together; empty when all does.

struct RecordKind {
  std::string_view name;  // in records.jsonl
  // Whether it tells of an epoch's end: a run that goes on from a checkpoint before that end
  // records it anew.
  bool is_of_epoch_end = false;
  // Whether it tells how the run ended: a run that goes on has not.
  bool is_of_run_end = false;
  // Whether pages show the last alone, not all of a run.
  bool replaces_earlier = false;
};

// How a field is stored.

// A file's bytes.
template <typename Bytes>
struct Base64 {
  Bytes& bytes;
};
template <typename Bytes>
Base64(Bytes&) -> Base64<Bytes>;

// An enumeration or a flag, as the word that has its number. Other words are read as the first.
template <typename Value>
struct Word {
  Value& value;
  absl::Span<const std::string_view> words;
};
template <typename Value, typename Words>
Word(Value&, const Words&) -> Word<Value>;

// Left out while it is empty or 0; a line without it leaves it so. Around a field or a wrapper.
template <typename Field>
struct OrAbsent {
  Field field;
};
template <typename Field>
OrAbsent(Field&&) -> OrAbsent<Field>;

// Written for other programs, and not read.
struct Constant {
  int64_t value;
};

// What a field is to those that show it.

// A number over steps.
struct AsScalar {
  std::string_view tag;
};

// One number over steps for every tag.
using TaggedNumbers = std::vector<std::pair<std::string, double>>;
struct AsScalars {};

// Markdown.
struct AsText {
  std::string tag;
};

// The bytes of a PNG file.
struct AsImage {
  std::string_view tag;
  int64_t width;
  int64_t height;
};

// The counts of a Histogram, which is given whole.
template <typename Histogram>
struct AsHistogram {
  const Histogram& histogram;
};
template <typename Histogram>
AsHistogram(const Histogram&) -> AsHistogram<Histogram>;

}  // namespace strop
