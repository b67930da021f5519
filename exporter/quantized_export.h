#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "exporter/exporter.h"
#include "graph/tensor.h"
#include "importer/importer.h"

namespace strop {

// Numbers of a tensor in uint8: q stands for (q − zero_point)·scale.
struct ActivationQuantization {
  float scale = 1;
  uint8_t zero_point = 0;
};

// What a quantized model rounds, by the names of its tensors.
struct ModelQuantization {
  std::map<std::string, int64_t> weights;  // int8, symmetric; the axis of their output channels
  std::map<std::string, ActivationQuantization> activations;
};

// Writes the imported model with `trained` (see ExportModel) in ONNX's QDQ form, which runtimes run
// on integer kernels: weights are stored as int8 with one scale an output channel, biases of
// quantized nodes as int32 in the scale of their sums, and QuantizeLinear and DequantizeLinear
// stand around every activation named. Inputs and outputs stay as they were. Scales along an axis
// exist since opset 13: an older model is converted to it, which a note says. External data move
// into the file. Functions stay as they are, but for trained tensors: what lies inside is rounded
// nowhere. An Identity of a constant becomes a Constant, so that nothing follows its source. Errors
// as ExportModel's; InvalidArgument for a model beyond 2 GB.
absl::StatusOr<ExportNotes> ExportQuantizedModel(const ImportedModel& model,
                                                 const std::map<std::string, Tensor>& trained,
                                                 const ModelQuantization& quantization,
                                                 const std::string& path);

// The same in memory.
absl::StatusOr<std::string> SerializeQuantizedModel(const ImportedModel& model,
                                                    const std::map<std::string, Tensor>& trained,
                                                    const ModelQuantization& quantization);

// Refuses, before anything is trained, a model that could not be converted: one of an older opset
// with functions, which the conversion would lose.
absl::Status CheckQuantizedExport(const ImportedModel& model);

}  // namespace strop
