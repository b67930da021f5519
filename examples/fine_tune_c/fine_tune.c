/* Fine-tunes a classifier and writes it: fine_tune MODEL.onnx DATA TUNED.onnx
 * DATA is whatever `strop train --data` takes: a .npz, a CSV, a folder class/picture, …
 *
 *   cc -std=c99 fine_tune.c $(pkg-config --cflags --libs strop) -o fine_tune
 */
#include <stdio.h>
#include <strop/strop.h>

static void tell_epoch(void *context, const strop_epoch *epoch) {
  (void)context;
  printf("epoch %d  loss %.17g\n", (int)epoch->epoch, epoch->training_loss);
}

int main(int argc, char **argv) {
  strop_model *model = NULL;
  strop_trainer *trainer = NULL;
  strop_callbacks callbacks = {NULL, NULL, tell_epoch, NULL};
  strop_status status;
  if (argc != 4) {
    fprintf(stderr, "usage: %s MODEL.onnx DATA TUNED.onnx\n", argv[0]);
    return STROP_USAGE;
  }
  const strop_option of_model[] = {{"seed", "1"}};
  const strop_option of_training[] = {{"data", argv[2]},     {"loss", "cross_entropy"},
                                      {"optimizer", "adam"}, {"learning-rate", "1e-3"},
                                      {"batch-size", "32"},  {"epochs", "3"}};

  status = strop_model_load(argv[1], of_model, 1, NULL, &model);
  if (status == STROP_OK) {
    status = strop_trainer_create(model, NULL, NULL, of_training, 6, NULL, &trainer);
  }
  if (status == STROP_OK) status = strop_trainer_fit(trainer, &callbacks, NULL);
  if (status == STROP_OK) status = strop_model_save(model, argv[3], NULL, 0);
  if (status != STROP_OK) fprintf(stderr, "%s\n", strop_error_message());

  strop_trainer_free(trainer);
  strop_model_free(model);
  return status;
}
