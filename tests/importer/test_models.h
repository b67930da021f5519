#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>
#include <string>
#include <vector>

namespace strop {

// A folder of its own for each test, removed afterwards.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  std::string Path(const std::string& name) const { return (path_ / name).string(); }
  std::string Write(const std::string& name, const std::string& bytes) const;
  std::string Write(const std::string& name, const onnx::ModelProto& model) const;
  std::vector<std::string> List() const;

 private:
  std::filesystem::path path_;
};

std::string ReadBytes(const std::string& path);

// A model without nodes: input "x" and output "y", float [n, 4] and [n, 3].
onnx::ModelProto EmptyModel(int64_t opset = 17);
onnx::NodeProto* AddNode(onnx::ModelProto& model, const std::string& op,
                         const std::vector<std::string>& inputs,
                         const std::vector<std::string>& outputs, const std::string& name = "");
void SetInt(onnx::NodeProto* node, const std::string& name, int64_t value);
void SetInts(onnx::NodeProto* node, const std::string& name, const std::vector<int64_t>& values);
void SetFloat(onnx::NodeProto* node, const std::string& name, float value);
onnx::ValueInfoProto ValueInfo(const std::string& name, int type, const std::vector<int64_t>& dims);

enum class Storage { kRaw, kTyped };
// Elements 0.5, 1.5, … of that shape.
onnx::TensorProto FloatTensor(const std::string& name, const std::vector<int64_t>& dims,
                              Storage storage = Storage::kRaw);
onnx::TensorProto IntTensor(const std::string& name, const std::vector<int64_t>& values);

// y = Gemm(x, w, b), w [4, 3] and b [3] initializers.
onnx::ModelProto LinearModel();

}  // namespace strop
