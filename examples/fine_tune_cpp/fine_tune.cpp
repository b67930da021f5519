// Fine-tunes a classifier and writes it: fine_tune MODEL.onnx DATA TUNED.onnx
// DATA is whatever `strop train --data` takes: a .npz, a CSV, a folder class/picture, …
#include <cstdio>
#include <strop/strop.hpp>

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: %s MODEL.onnx DATA TUNED.onnx\n", argv[0]);
    return STROP_USAGE;
  }
  try {
    strop::Model model(argv[1], {{"seed", 1}});
    strop::Trainer trainer(model, {{"data", argv[2]},
                                   {"loss", "cross_entropy"},
                                   {"optimizer", "adam"},
                                   {"learning-rate", 1e-3},
                                   {"batch-size", 32},
                                   {"epochs", 3}});
    trainer.Fit({.on_epoch = [](const strop::Epoch& epoch) {
      std::printf("epoch %d  loss %.17g\n", static_cast<int>(epoch.epoch), epoch.training_loss);
    }});
    model.Save(argv[3]);
  } catch (const strop::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.status();
  }
}
