#include "host_program.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace {

std::string Npy(const std::string& type, const std::string& shape, const void* data, size_t bytes) {
  std::string header =
      "{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }";
  header.append((64 - (11 + header.size()) % 64) % 64, ' ');
  header.push_back('\n');
  std::string file("\x93NUMPY\x01\x00", 8);
  file.push_back(static_cast<char>(header.size() & 0xff));
  file.push_back(static_cast<char>(header.size() >> 8));
  return file + header + std::string(static_cast<const char*>(data), bytes);
}

}  // namespace

Samples::Samples() {
  for (int i = 0; i < 50 * 4; ++i) features.push_back(std::sin(static_cast<float>(i * i % 97)));
  for (int i = 0; i < 50; ++i) targets.push_back((i * i + i / 3) % 3);
}

std::vector<strop_tensor> Samples::arrays(int64_t first, int64_t count) {
  features_shape_[0] = targets_shape_[0] = count;
  return {{"features", STROP_FLOAT32, 2, features_shape_, features.data() + first * 4},
          {"target", STROP_INT64, 1, targets_shape_, targets.data() + first}};
}

HostProgram::HostProgram() {
  std::string name = (std::filesystem::temp_directory_path() / "strop_c_XXXXXX").string();
  folder_ = mkdtemp(name.data());
  Strop("new mlp --input 4 --classes 3 --depth 1 --width 8 --seed 1 -o " + Path("model.onnx"));
}

HostProgram::~HostProgram() { std::filesystem::remove_all(folder_); }

std::string HostProgram::Strop(const std::string& words) const {
  const std::string command =
      std::string(STROP_PROGRAM) + " " + words + " > " + Path("printed") + " 2> " + Path("told");
  EXPECT_EQ(std::system(command.c_str()), 0) << words << "\n" << Contents("told");
  return Contents("printed");
}

std::string HostProgram::Contents(const std::string& name) const {
  std::ostringstream contents;
  contents << std::ifstream(Path(name), std::ios::binary).rdbuf();
  return contents.str();
}

void HostProgram::WriteSamples(Samples& samples) const {
  std::ofstream(Path("features.npy"), std::ios::binary)
      << Npy("<f4", "(50, 4)", samples.features.data(), 50 * 4 * sizeof(float));
  std::ofstream(Path("targets.npy"), std::ios::binary)
      << Npy("<i8", "(50,)", samples.targets.data(), 50 * sizeof(int64_t));
}

Handle<strop_model> HostProgram::Load(const OptionList& options) {
  strop_model* model = nullptr;
  EXPECT_DONE(strop_model_load(Path("model.onnx").c_str(), options.data(), options.size(), nullptr,
                               &model));
  return Handle<strop_model>(model);
}

Handle<strop_data> HostProgram::DataOf(Samples& samples, int copies) {
  strop_data* data = nullptr;
  EXPECT_DONE(strop_data_arrays(samples.arrays().data(), 2, copies, &data));
  return Handle<strop_data>(data);
}

Handle<strop_trainer> HostProgram::TrainerOf(strop_model* model, const strop_data* training,
                                             const OptionList& more, const strop_data* validation) {
  OptionList options = {{"loss", "cross_entropy"}, {"optimizer", "sgd"}, {"learning-rate", "0.1"},
                        {"momentum", "0.9"},       {"batch-size", "10"}, {"no-shuffle", nullptr}};
  options.insert(options.end(), more.begin(), more.end());
  strop_trainer* trainer = nullptr;
  EXPECT_DONE(strop_trainer_create(model, training, validation, options.data(), options.size(),
                                   nullptr, &trainer));
  return Handle<strop_trainer>(trainer);
}

std::string HostProgram::Saved(strop_model* model) {
  EXPECT_DONE(strop_model_save(model, Path("saved.onnx").c_str(), nullptr, 0));
  return Contents("saved.onnx");
}

std::string HostProgram::Text(const strop_bytes* bytes) const {
  return {static_cast<const char*>(strop_bytes_data(bytes)), strop_bytes_size(bytes)};
}

std::vector<float> HostProgram::Parameter(const strop_model* model, const std::string& name) {
  strop_tensors* raw = nullptr;
  EXPECT_DONE(strop_model_read_parameter(model, name.c_str(), &raw));
  const Handle<strop_tensors> tensors(raw);
  const strop_tensor* tensor = strop_tensors_at(raw, 0);
  if (tensor == nullptr) return {};
  EXPECT_EQ(tensor->type, STROP_FLOAT32);
  int64_t count = 1;
  for (size_t axis = 0; axis < tensor->rank; ++axis) count *= tensor->shape[axis];
  const auto* elements = static_cast<const float*>(tensor->data);
  return {elements, elements + count};
}
