#include "plugin/options/table/other_names.h"

#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"

namespace strop {
namespace {

// What others call the same thing: PyTorch, Keras, Lightning, scikit-learn, timm, Hugging Face.
constexpr std::pair<std::string_view, std::string_view> kOtherNames[] = {
    {"lr", "learning-rate"},
    {"eta", "learning-rate"},
    {"learning-rate-init", "learning-rate"},
    {"lr-scheduler", "schedule"},
    {"lr-scheduler-type", "schedule"},
    {"lr-schedule", "schedule"},
    {"scheduler", "schedule"},
    {"sched", "schedule"},
    {"min-lr", "minimum-learning-rate"},
    {"min-lr", "min-learning-rate"},
    {"max-lr", "max-learning-rate"},
    {"warmup", "warmup-steps"},
    {"opt", "optimizer"},
    {"optim", "optimizer"},
    {"solver", "optimizer"},
    {"wd", "weight-decay"},
    {"l2", "weight-decay"},
    {"eps", "epsilon"},
    {"betas", "beta1"},
    {"batch", "batch-size"},
    {"bs", "batch-size"},
    {"train-batch-size", "batch-size"},
    {"per-device-train-batch-size", "batch-size"},
    {"max-epochs", "epochs"},
    {"num-epochs", "epochs"},
    {"num-train-epochs", "epochs"},
    {"n-epochs", "epochs"},
    {"max-iter", "epochs"},
    {"max-steps", "steps"},
    {"num-steps", "steps"},
    {"iterations", "steps"},
    {"criterion", "loss"},
    {"loss-fn", "loss"},
    {"loss-function", "loss"},
    {"objective", "loss"},
    {"metrics", "metric"},
    {"scoring", "metric"},
    {"grad-clip", "clip-norm"},
    {"clip-grad", "clip-norm"},
    {"clipnorm", "clip-norm"},
    {"max-grad-norm", "clip-norm"},
    {"gradient-clip-val", "clip-norm"},
    {"clipvalue", "clip-value"},
    {"accumulate-grad-batches", "accumulation-steps"},
    {"grad-accum-steps", "accumulation-steps"},
    {"random-state", "seed"},
    {"random-seed", "seed"},
    {"num-threads", "threads"},
    {"workers", "threads"},
    {"num-workers", "threads"},
    {"n-jobs", "jobs"},
    {"n-jobs", "threads"},
    {"out", "output"},
    {"output-dir", "run-directory"},
    {"default-root-dir", "run-directory"},
    {"checkpoint-dir", "run-directory"},
    {"log-dir", "run-directory"},
    {"logdir", "run-directory"},
    {"resume-from-checkpoint", "resume"},
    {"ckpt-path", "resume"},
    {"save-steps", "checkpoint-every"},
    {"save-total-limit", "keep"},
    {"val-split", "validation-split"},
    {"test-size", "validation-split"},
    {"validation-fraction", "validation-split"},
    {"val-data", "validation-data"},
    {"eval-data", "validation-data"},
    {"train-data", "data"},
    {"dataset", "data"},
    {"label", "target"},
    {"label-column", "target"},
    {"labels", "target"},
    {"num-classes", "replace-head"},
    {"num-classes", "classes"},
    {"class-weight", "class-weights"},
    {"pos-weight", "positive-weight"},
    {"early-stop", "early-stopping"},
    {"early-stopping-patience", "early-stopping"},
    {"n-trials", "trials"},
    {"num-trials", "trials"},
    {"fp64", "precision"},
    {"dtype", "precision"},
    {"normalize", "mean"},
    {"image-size", "resize"},
    {"img-size", "resize"},
    {"verbose", "log-every"},
    {"ce", "cross-entropy"},
    {"crossentropy", "cross-entropy"},
    {"categorical-crossentropy", "cross-entropy"},
    {"sparse-categorical-crossentropy", "cross-entropy"},
    {"nll", "cross-entropy"},
    {"softmax", "cross-entropy"},
    {"bce", "binary-cross-entropy"},
    {"bce-with-logits", "binary-cross-entropy"},
    {"binary-crossentropy", "binary-cross-entropy"},
    {"sigmoid", "binary-cross-entropy"},
    {"mae", "l1"},
    {"l2", "mse"},
    {"mean-squared-error", "mse"},
    {"mean-absolute-error", "l1"},
    {"mean-absolute-error", "mae"},
    {"auc", "roc-auc"},
    {"acc", "accuracy"},
    {"cosine-annealing", "cosine"},
    {"cosine-annealing-lr", "cosine"},
    {"step-lr", "step"},
    {"one-cycle-lr", "one-cycle"},
    {"plateau", "reduce-on-plateau"},
    {"fp32", "f32"},
    {"float32", "f32"},
    {"float64", "f64"},
    {"double", "f64"},
};

// Without what spellings differ in: case, dashes, underscores.
std::string Plain(std::string_view name) {
  std::string plain(name);
  absl::AsciiStrToLower(&plain);
  std::erase_if(plain, [](char letter) { return letter == '-' || letter == '_'; });
  return plain;
}

}  // namespace

std::string NameOfTheSame(const std::string& typed, const std::vector<std::string>& candidates) {
  const std::string plain = Plain(typed);
  for (const auto& [theirs, ours] : kOtherNames) {
    if (Plain(theirs) != plain) continue;
    for (const std::string& candidate : candidates) {
      if (Plain(candidate) == Plain(ours)) return candidate;
    }
  }
  return "";
}

}  // namespace strop
