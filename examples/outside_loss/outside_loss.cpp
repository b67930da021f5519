// Trains a model of one output on a loss that this program computes, the mean squared error:
//   outside_loss MODEL.onnx TABLE.csv TUNED.onnx
// The table has a heading, the features in front and the number to predict as its last column.
// Every step is one of all rows, so that its losses are those of
//   strop train MODEL.onnx --data TABLE.csv --loss mse --optimizer sgd --learning-rate 1e-4
//     --batch-size full --no-shuffle --epochs 10 -o TUNED.onnx
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <strop/strop.hpp>
#include <vector>

namespace {

constexpr int kSteps = 10;
constexpr double kLearningRate = 1e-4;

struct Table {
  std::vector<float> features;  // [rows, columns - 1]
  std::vector<float> targets;   // [rows]
};

Table ReadTable(const char* path) {
  Table table;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);  // the heading
  while (std::getline(file, line)) {
    std::istringstream cells(line);
    std::string cell;
    while (std::getline(cells, cell, ',')) table.features.push_back(std::stof(cell));
    table.targets.push_back(table.features.back());
    table.features.pop_back();
  }
  return table;
}

// The mean of (output - target)², and its derivative by each output.
float MeanSquaredError(std::span<const float> outputs, const std::vector<float>& targets,
                       std::vector<float>& gradient) {
  const float scale = 1.0f / static_cast<float>(outputs.size());
  double sum = 0;
  gradient.resize(outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    const float error = outputs[i] - targets[i];
    sum += error * error;
    gradient[i] = scale * (2 * error);
  }
  return static_cast<float>(sum / static_cast<double>(outputs.size()));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s MODEL.onnx TABLE.csv TUNED.onnx\n", argv[0]);
    return STROP_USAGE;
  }
  try {
    const Table table = ReadTable(argv[2]);
    const auto rows = static_cast<int64_t>(table.targets.size());
    const int64_t columns = static_cast<int64_t>(table.features.size()) / rows;

    strop::Model model(argv[1]);
    strop::LossTrainer trainer(model, {{"optimizer", "sgd"}});
    const std::string input = model.inputs()[0].name;
    std::vector<float> gradient;
    for (int step = 1; step <= kSteps; ++step) {
      const strop::TensorView output =
          trainer.Forward({{input, table.features, {rows, columns}}})[0];
      const float loss = MeanSquaredError(output.elements<float>(), table.targets, gradient);
      trainer.TakeStep({{output.name(), gradient, output.shape()}}, kLearningRate);
      std::printf("step %d  loss %.17g\n", step, loss);
    }
    trainer.Finish();
    model.Save(argv[3]);
  } catch (const strop::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.status();
  }
}
