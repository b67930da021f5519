/* Strop in C: ONNX models, trained on the CPU.
 *
 *   status    What can fail gives a strop_status; 0 is done. strop_error_message() then has one line
 *             of what was found, what was expected and what to do. Nothing is thrown across this
 *             border. What a call should have given out, it leaves as it was.
 *   handles   strop_…_free ends one, and takes NULL. A pointer that a call gives lives as long as
 *             its handle, unless the comment says for how long.
 *   tensors   Dense, row by row, of ONNX's element types. What a call is given it has read, or
 *             copied, when it returns, unless the comment says otherwise.
 *   options   As on the command line, without dashes: {"learning-rate", "1e-3"}, {"nesterov", NULL}.
 *             A list takes "a,b", or the option again. docs/options.md has all of them.
 *   threads   Handles share no state: any number of threads may each use their own at the same time,
 *             with the bits that each has alone. One handle is for one thread at a time, and a
 *             trainer's calls use its model too. Callbacks come on the thread that called, and may
 *             call whatever takes no handle that is in use.
 *   numbers   Given the same options, data and number of threads, the same bits as the program.
 */
#ifndef STROP_STROP_H_
#define STROP_STROP_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STROP_API __attribute__((visibility("default")))

/* What became of a call: the meanings of the program's exit codes. */
typedef enum strop_status {
  STROP_OK = 0,
  STROP_BUG = 1,            /* Strop's own fault */
  STROP_USAGE = 2,          /* a call or an option that has no meaning */
  STROP_BAD_DATA = 65,      /* a model or data that cannot be used; numbers that went bad */
  STROP_NO_INPUT = 66,      /* what should be read is not there */
  STROP_CANNOT_CREATE = 73, /* what should be written cannot be */
  STROP_INPUT_OUTPUT = 74,  /* reading or writing failed on the way */
  STROP_STOPPED = 130       /* a callback asked for it */
} strop_status;

/* One line about the last call of this thread that failed; until its next one that does. */
STROP_API const char *strop_error_message(void);
/* "0.1.0" */
STROP_API const char *strop_version(void);

/* TensorProto.DataType of ONNX. */
typedef enum strop_type {
  STROP_FLOAT32 = 1,
  STROP_UINT8 = 2,
  STROP_INT8 = 3,
  STROP_UINT16 = 4,
  STROP_INT16 = 5,
  STROP_INT32 = 6,
  STROP_INT64 = 7,
  STROP_STRING = 8, /* of a value's type; no tensor here has it */
  STROP_BOOL = 9,
  STROP_FLOAT16 = 10,
  STROP_FLOAT64 = 11,
  STROP_UINT32 = 12,
  STROP_UINT64 = 13,
  STROP_BFLOAT16 = 16
} strop_type;

typedef struct strop_tensor {
  const char *name;
  strop_type type;
  size_t rank;
  const int64_t *shape; /* rank numbers */
  const void *data;     /* as many elements as their product */
} strop_tensor;

/* Tensors that a call gave out. */
typedef struct strop_tensors strop_tensors;
STROP_API size_t strop_tensors_count(const strop_tensors *tensors);
STROP_API const strop_tensor *strop_tensors_at(const strop_tensors *tensors, size_t index);
STROP_API void strop_tensors_free(strop_tensors *tensors);

/* Bytes that a call gave out; a zero that is not counted follows them. */
typedef struct strop_bytes strop_bytes;
STROP_API const void *strop_bytes_data(const strop_bytes *bytes);
STROP_API size_t strop_bytes_size(const strop_bytes *bytes);
STROP_API void strop_bytes_free(strop_bytes *bytes);

typedef struct strop_option {
  const char *name;
  const char *value; /* NULL: a switch, on */
} strop_option;

/* Who hears what a call notices; any function may be NULL. Copied by who is given one, `context` as
 * it is. */
typedef struct strop_listener {
  void *context;
  void (*note)(void *context, const char *line);    /* what was done, and why */
  void (*warning)(void *context, const char *line); /* what went wrong and ends nothing */
  void (*progress)(void *context, const char *work, int64_t done, int64_t total);
} strop_listener;

/* ---- Models -------------------------------------------------------------------------------- */

typedef struct strop_model strop_model;

/* Options of a model: precision, seed, threads, disable-pass; train, train-only, freeze;
 * replace-head, head-at; lora and what belongs to it; quantize and what belongs to it; batch-norm.
 * `listener` may be NULL. External data lie beside `path`. */
STROP_API strop_status strop_model_load(const char *path, const strop_option *options,
                                        size_t option_count, const strop_listener *listener,
                                        strop_model **model);
/* The same of a serialized ModelProto, which is copied and holds its tensors itself. */
STROP_API strop_status strop_model_load_bytes(const void *bytes, size_t size,
                                              const strop_option *options, size_t option_count,
                                              const strop_listener *listener, strop_model **model);
STROP_API void strop_model_free(strop_model *model);

/* All that stands in the way of loading and training a file: operators that Strop lacks; when it
 * has all, gradients. JSON: [{"stage": "import", "operator": …, "nodes": […], "message": …},
 * {"stage": "differentiate", "message": …}]; [] where nothing does. */
STROP_API strop_status strop_obstacles(const char *path, strop_bytes **json);

/* An input or output. An open dimension is -1, an open rank a shape of NULL. */
typedef struct strop_value {
  const char *name;
  strop_type type;
  size_t rank;
  const int64_t *shape;
} strop_value;
STROP_API size_t strop_model_input_count(const strop_model *model);
STROP_API const strop_value *strop_model_input(const strop_model *model, size_t index);
STROP_API size_t strop_model_output_count(const strop_model *model);
STROP_API const strop_value *strop_model_output(const strop_model *model, size_t index);

/* One of the file's metadata_props, in its order. */
typedef struct strop_metadata {
  const char *name;
  const char *value;
} strop_metadata;
/* Pointers into them live until the next call that changes what is trained, or the model. */
STROP_API size_t strop_model_metadata_count(const strop_model *model);
STROP_API const strop_metadata *strop_model_metadata(const strop_model *model, size_t index);
/* The names of the classes that its outputs are of: those of the data that it was trained on, else of
 * the file's metadata; 0 where none are known. NULL for an index that there is not. Pointers live
 * until the next call that trains or changes the model. */
STROP_API size_t strop_model_class_count(const strop_model *model);
STROP_API const char *strop_model_class_name(const strop_model *model, size_t index);

typedef enum strop_role {
  STROP_TRAINED = 0,
  STROP_FROZEN = 1,    /* by a rule or by its user */
  STROP_STATISTICS = 2 /* running mean or variance, which move and have no gradient */
} strop_role;

/* A floating constant of the model. */
typedef struct strop_parameter {
  const char *name;
  strop_type type; /* as the file has it */
  size_t rank;
  const int64_t *shape;
  strop_role role;
  const char *reason; /* "weight of \"conv1\" (Conv)" */
  int64_t position;   /* the first node that reads it, as nodes are computed; -1: none does */
} strop_parameter;
/* Pointers into them live until the next call that changes what is trained, or the model. */
STROP_API size_t strop_model_parameter_count(const strop_model *model);
STROP_API const strop_parameter *strop_model_parameter(const strop_model *model, size_t index);
/* Its elements as they are now, one tensor; and others in their place, of the same shape. */
STROP_API strop_status strop_model_read_parameter(const strop_model *model, const char *name,
                                                  strop_tensors **elements);
STROP_API strop_status strop_model_write_parameter(strop_model *model,
                                                   const strop_tensor *elements);

/* What the model is given besides. Weights that were trained stay. Patterns are names with * and ?;
 * each adds to those before, freeze has the last word. STROP_USAGE for adapters or rounding a
 * second time. */
STROP_API strop_status strop_model_train(strop_model *model, const char *pattern);
STROP_API strop_status strop_model_train_only(strop_model *model, const char *pattern);
STROP_API strop_status strop_model_freeze(strop_model *model, const char *pattern);
/* A classifier of `classes` outputs at its end, fresh from the seed; `at` may be NULL. */
STROP_API strop_status strop_model_replace_head(strop_model *model, int64_t classes,
                                                const char *at);
/* Options lora, lora-rank, lora-alpha, … */
STROP_API strop_status strop_model_add_lora(strop_model *model, const strop_option *options,
                                            size_t option_count);
/* Options quantize, quantize-exclude, …; batch-norm */
STROP_API strop_status strop_model_quantize(strop_model *model, const strop_option *options,
                                            size_t option_count);

/* Inference: every input by its name, every output out. */
STROP_API strop_status strop_model_run(strop_model *model, const strop_tensor *inputs,
                                       size_t input_count, strop_tensors **outputs);
/* cotangentᵀ · ∂outputs/∂wrt. `cotangents` by output, of its shape; count 0: ones. `wrt`: names of
 * inputs and parameters; count 0: all floating inputs and all that is trained. */
STROP_API strop_status strop_model_gradient(strop_model *model, const strop_tensor *inputs,
                                            size_t input_count, const strop_tensor *cotangents,
                                            size_t cotangent_count, const char *const *wrt,
                                            size_t wrt_count, strop_tensors **gradients);
/* Gradients against finite differences along random directions, in double precision. Inputs as of
 * strop_model_run; count 0: random ones, open dimensions 2. JSON, an object for each tensor:
 * [{"tensor": …, "analytic": …, "numeric": …, "relative_error": …, "ok": …}] */
STROP_API strop_status strop_model_check(strop_model *model, const strop_tensor *inputs,
                                         size_t input_count, double tolerance, strop_bytes **json);

/* The file it came from with the weights that it has now, at another path; only that file is
 * replaced, whole or not at all. Options: lora-export, write-class-names. */
STROP_API strop_status strop_model_save(strop_model *model, const char *path,
                                        const strop_option *options, size_t option_count);
/* The same in memory, external data taken in. STROP_BAD_DATA beyond protobuf's 2 GiB. */
STROP_API strop_status strop_model_serialize(strop_model *model, strop_bytes **bytes);

/* ---- Data ---------------------------------------------------------------------------------- */

typedef struct strop_data strop_data;

/* Arrays [samples, …] by the names of the model's inputs, and "target". With `copies` 0 the elements
 * are read where they lie, and have to stay until the data and every trainer of them are freed. */
STROP_API strop_status strop_data_arrays(const strop_tensor *arrays, size_t array_count, int copies,
                                         strop_data **data);

/* One array of samples that are read as they are needed, without the axis of samples. */
typedef struct strop_field {
  const char *name;
  strop_type type;
  size_t rank;
  const int64_t *shape;
} strop_field;
/* Writes the samples `indices`, one after the other, into buffers[f] for each field f. The same
 * index gives the same bytes. Not 0: it failed, and the run ends with the last good epoch. */
typedef int (*strop_read_samples)(void *context, const int64_t *indices, size_t index_count,
                                  void *const *buffers);
STROP_API strop_status strop_data_reader(int64_t sample_count, const strop_field *fields,
                                         size_t field_count, strop_read_samples read, void *context,
                                         strop_data **data);
/* Trainers keep what they need of it. */
STROP_API void strop_data_free(strop_data *data);

/* ---- Training ------------------------------------------------------------------------------ */

typedef struct strop_trainer strop_trainer;

/* The options of `strop train`; those of a model have been given to it, and are refused here. Data
 * may be NULL: then options `data` and `validation-data` say where they lie, or there are steps
 * only, each an epoch. The trainer starts from the model's weights and has its own; the model has
 * them after strop_trainer_fit and strop_trainer_finish. The model has to outlive the trainer. */
STROP_API strop_status strop_trainer_create(strop_model *model, const strop_data *training,
                                            const strop_data *validation,
                                            const strop_option *options, size_t option_count,
                                            const strop_listener *listener,
                                            strop_trainer **trainer);
STROP_API void strop_trainer_free(strop_trainer *trainer);

/* A loss of the caller's: `loss` gets the mean of a batch. `outputs` are the model's floating ones,
 * or the one of option train-output; `target` is as the data have it. `gradients` is NULL where the
 * loss is all that is asked for; else gradients[i] is for ∂loss/∂outputs[i], of its type and shape,
 * and full of zeros. All live until it returns. Not 0: it failed, and the run ends with the last
 * good epoch. Called on the thread that trains. */
typedef int (*strop_compute_loss)(void *context, const strop_tensor *outputs, size_t output_count,
                                  const strop_tensor *target, double *loss, void *const *gradients);
/* strop_trainer_create with a loss of the caller's in place of option `loss` and what belongs to it.
 * Everything else of a run is as with the engine's own: schedules, validation, early stopping,
 * accumulation, runs that are kept. `context` has to stay until the trainer is freed. */
STROP_API strop_status strop_trainer_create_with_loss(
    strop_model *model, const strop_data *training, const strop_data *validation,
    strop_compute_loss compute_loss, void *context, const strop_option *options,
    size_t option_count, const strop_listener *listener, strop_trainer **trainer);

typedef struct strop_step {
  int64_t step;  /* from 1 */
  int64_t epoch; /* from 1 */
  int64_t step_of_epoch;
  int64_t steps_per_epoch;
  int64_t sample_count;
  double loss; /* NaN where no label counts */
  double learning_rate;
  double gradient_norm; /* before clipping; NaN where it is not measured */
} strop_step;

typedef struct strop_metric {
  const char *name;
  double value;
} strop_metric;

typedef struct strop_epoch {
  int64_t epoch; /* from 1 */
  int64_t step;
  double training_loss;   /* mean over the samples, each as the weights were at its step */
  double validation_loss; /* NaN without validation data */
  const strop_metric *metrics;
  size_t metric_count;
  double learning_rate; /* of the last step */
  double seconds;
  int is_best; /* by validation loss, so far */
} strop_epoch;

/* Any may be NULL. What they are given lives until they return. */
typedef struct strop_callbacks {
  void *context;
  void (*on_step)(void *context, const strop_step *step);
  void (*on_epoch)(void *context, const strop_epoch *epoch);
  int (*should_stop)(void *context); /* asked after every step and epoch; not 0 ends the run */
} strop_callbacks;

typedef struct strop_result {
  int64_t steps;
  int64_t epochs;        /* begun */
  int64_t weights_epoch; /* after which the weights were so; 0: those of the end, or averages */
  int64_t best_epoch;    /* by validation loss; 0: none */
  int stopped_early;     /* by early-stopping */
  int was_stopped;       /* by should_stop */
} strop_result;

/* The run to its end. Weights that are to be exported are the model's then; with option `output`
 * they are written, too. STROP_BAD_DATA when numbers went bad: the model has the weights of the last
 * good epoch, if there was one. Once, and not after steps. `callbacks` and `result` may be NULL. */
STROP_API strop_status strop_trainer_fit(strop_trainer *trainer, const strop_callbacks *callbacks,
                                         strop_result *result);

/* One step on a batch of the caller's: the inputs by name, and "target". `step` may be NULL. */
STROP_API strop_status strop_trainer_step(strop_trainer *trainer, const strop_tensor *batch,
                                          size_t tensor_count, strop_step *step);
/* The end of steps: chooses weights as the end of a run does, and gives them to the model. */
STROP_API strop_status strop_trainer_finish(strop_trainer *trainer);

/* Loss and metrics of data, NULL for the validation data, with the weights of the moment. JSON:
 * {"loss": …, METRIC: …, "samples": …} */
STROP_API strop_status strop_trainer_evaluate(strop_trainer *trainer, const strop_data *data,
                                              strop_bytes **json);

/* The model's outputs for data as training sees them: pictures scaled and resized, sequences cut.
 * Targets are passed over. With the model's weights, which are those of steps after
 * strop_trainer_finish. `batch_size` 0: that of the options, else 32. */
STROP_API strop_status strop_trainer_predict(strop_trainer *trainer, const strop_data *data,
                                             int64_t batch_size, strop_tensors **outputs);

/* All that a run goes on from, as the bytes of a safetensors file: parameters, statistics, moments,
 * averages, counters. Into a trainer of the same model, options and data: the next steps have the
 * bits that they would have had. */
STROP_API strop_status strop_trainer_state(const strop_trainer *trainer, strop_bytes **state);
STROP_API strop_status strop_trainer_set_state(strop_trainer *trainer, const void *state,
                                               size_t size);

/* ---- A loss from outside ------------------------------------------------------------------- */

typedef struct strop_loss_trainer strop_loss_trainer;

/* Steps on a loss that the caller computes: forward, the outputs out, their gradients in, backward
 * and update. Options: optimizer and what belongs to it, clip-norm, clip-value, groups of
 * parameters, batch-norm, dropout; losses, schedules and epochs are the caller's. The model has to
 * outlive the trainer. */
STROP_API strop_status strop_loss_trainer_create(strop_model *model, const strop_option *options,
                                                 size_t option_count,
                                                 const strop_listener *listener,
                                                 strop_loss_trainer **trainer);
STROP_API void strop_loss_trainer_free(strop_loss_trainer *trainer);
/* Every input by its name, whose elements have to stay as they are until the step. Gives the model's
 * floating outputs as it trains, which live until the next call. */
STROP_API strop_status strop_loss_trainer_forward(strop_loss_trainer *trainer,
                                                  const strop_tensor *inputs, size_t input_count,
                                                  const strop_tensor **outputs,
                                                  size_t *output_count);
/* ∂loss/∂output by the output's name, of its type and shape; of an output that is not named, zeros.
 * Moves the parameters at `learning_rate`; NAN: at that of the options. `gradient_norm`, of all
 * parameters before clipping, may be NULL; NaN where it is not measured. */
STROP_API strop_status strop_loss_trainer_step(strop_loss_trainer *trainer,
                                               const strop_tensor *gradients, size_t gradient_count,
                                               double learning_rate, double *gradient_norm);
/* Gives the weights of now to the model; steps may go on. */
STROP_API strop_status strop_loss_trainer_finish(strop_loss_trainer *trainer);

/* ---- Everything else that the program does ------------------------------------------------- */

/* What `strop OPERATION` does with files: predict, evaluate, tune, find-learning-rate, landscape,
 * benchmark, new, export, report, … Options that have a place have capitals: {"MODEL", "m.onnx"}.
 * `json`: what --json prints of it. `should_stop` of `callbacks`, which may be NULL, ends it. */
STROP_API strop_status strop_perform(const char *operation, const strop_option *options,
                                     size_t option_count, const strop_listener *listener,
                                     const strop_callbacks *callbacks, strop_bytes **json);
/* Every option of every operation as JSON, in the form of `strop --list-options`. */
STROP_API strop_status strop_list_options(strop_bytes **json);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* STROP_STROP_H_ */
