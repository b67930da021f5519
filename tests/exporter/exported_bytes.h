#pragma once

#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>

#include <cstdlib>
#include <map>
#include <string>

#include "exporter/exporter.h"
#include "tests/importer/test_models.h"

namespace strop {

// A model in, its file out, for the tests of what the exporter leaves as it was.

using Trained = std::map<std::string, Tensor>;

inline ImportedModel Import(const std::string& path, const ImportOptions& options = {}) {
  absl::StatusOr<ImportedModel> model = ImportModel(path, options);
  if (!model.ok()) {
    ADD_FAILURE() << model.status();
    std::abort();
  }
  return *std::move(model);
}

// start, start + 0.25, …
inline Tensor Filled(Shape shape, double start) {
  Tensor tensor(DataType::kFloat, std::move(shape));
  auto elements = tensor.mutable_elements<float>();
  for (size_t i = 0; i < elements.size(); ++i) {
    elements[i] = static_cast<float>(start + 0.25 * static_cast<double>(i));
  }
  return tensor;
}

inline std::string Raw(const Tensor& tensor) {
  return std::string(static_cast<const char*>(tensor.data()), tensor.bytes());
}

inline std::string Export(const ImportedModel& model, const Trained& trained,
                          const std::string& path) {
  const auto notes = ExportModel(model, trained, path);
  EXPECT_TRUE(notes.ok()) << notes.status();
  return ReadBytes(path);
}

// LinearModel with its tensors in weights/data.bin.
inline onnx::ModelProto ExternalModel(uint64_t bias_offset = 48) {
  onnx::ModelProto model = LinearModel();
  for (int i = 0; i < 2; ++i) {
    auto* tensor = model.mutable_graph()->mutable_initializer(i);
    tensor->clear_raw_data();
    tensor->set_data_location(onnx::TensorProto::EXTERNAL);
    auto* location = tensor->add_external_data();
    location->set_key("location");
    location->set_value("weights/data.bin");
    auto* offset = tensor->add_external_data();
    offset->set_key("offset");
    offset->set_value(std::to_string(i == 0 ? 0 : bias_offset));
  }
  return model;
}

inline const std::string& ExternalBytes() {
  static const std::string bytes =
      FloatTensor("", {12}).raw_data() + FloatTensor("", {3}).raw_data() + "rest";
  return bytes;
}

}  // namespace strop
