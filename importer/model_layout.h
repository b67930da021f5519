#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "importer/wire_format.h"

namespace strop {

// A message inside the file whose length prefix changes when its content does.
struct MessageSpan {
  int parent = -1;          // index in ModelLayout::messages; -1 for the model itself
  size_t length_begin = 0;  // of the length prefix; the model itself has none
  size_t begin = 0;         // of the content
  size_t end = 0;
};

// Where one TensorProto lies, and where its elements do if they are one run of bytes.
struct TensorSpan {
  int message = 0;
  enum class Payload { kNone, kRawData, kFloatData, kDoubleData, kScattered };
  Payload payload = Payload::kNone;  // kScattered: typed fields of varints, or in several runs
  WireField field;                   // of the run
};

// A node of the main graph.
struct NodeSpan {
  size_t begin = 0;  // of its tag
  size_t end = 0;
  int message = 0;
};

// The bytes of a model as a tree. Tensors are numbered in the order in which they lie in the file;
// that number is how importer and exporter name a tensor to each other.
struct ModelLayout {
  std::vector<MessageSpan> messages;  // parents before children; [0] is the model
  std::vector<TensorSpan> tensors;
  std::vector<NodeSpan> nodes;  // of the main graph
  int graph = -1;               // the main graph's message
};

// InvalidArgument for bytes that are no model: malformed, no graph, nested too deeply.
absl::StatusOr<ModelLayout> ScanModel(std::string_view bytes);

// Replaces bytes[begin, end) inside a message.
struct Splice {
  size_t begin = 0;
  size_t end = 0;
  std::string replacement;
  int message = 0;  // the innermost message that holds the range
};

// Applies splices, which must not overlap, and corrects the lengths around them. All else is kept
// to the byte.
std::string ApplySplices(std::string_view bytes, const ModelLayout& layout,
                         std::vector<Splice> splices);

}  // namespace strop
