#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace onnx {
class ModelProto;
}

namespace strop {

// Names of a model's classes, in the order of its outputs, as exporters keep them with a model:
//   {0: 'cat', 1: 'dog'}   a Python dict; Ultralytics' metadata "names"
//   ["cat", "dog"]         a list, Python's or JSON's; "labels", "classes"
//   {"0": "cat", …}        JSON; Hugging Face's "id2label"

// Whether names may stand under this key of a model's metadata.
bool IsClassNamesKey(std::string_view key);

// The key under which WithClassNames (exporter) writes them.
inline constexpr std::string_view kClassNamesKey = "names";

// Absent for a text that is none of the above, or that numbers its names otherwise than from 0 on.
std::optional<std::vector<std::string>> ParseClassNames(std::string_view text);

// The names as a Python dict, which ParseClassNames and Python's ast.literal_eval read.
std::string ClassNamesText(const std::vector<std::string>& names);

// What the model's metadata say; empty where they say nothing, or two things.
std::vector<std::string> ClassNamesInMetadata(const onnx::ModelProto& model);

}  // namespace strop
