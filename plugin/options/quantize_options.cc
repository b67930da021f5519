#include "plugin/options/quantize_options.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "graph/affine_quantization.h"
#include "graph/status_macros.h"
#include "plugin/options/model_options.h"

namespace strop {
namespace {

void TellOfFunctions(const QuantizationSites& sites, const Listener& listener) {
  int layers = 0;
  std::vector<std::string> functions;
  for (const auto& [function, count] : sites.in_functions) {
    layers += count;
    functions.push_back(absl::StrCat(function, " (", count, ")"));
  }
  if (layers == 0) return;
  listener.note(absl::StrCat(layers, layers == 1 ? " layer stays" : " layers stay",
                             " floating, in functions of the model, which the file keeps: ",
                             absl::StrJoin(functions, ", "), "; inline them to quantize all"));
}

}  // namespace

void AddQuantizeOptions(OptionSet& options, QuantizeArguments& arguments) {
  options.Add(
      "Quantization",
      {{.name = "quantize",
        .target = &arguments.type,
        .choices = {"int8"},
        .help = "int8: train with rounded weights and activations and export QuantizeLinear and "
                "DequantizeLinear, for integer kernels"},
       {.name = "no-fold-batch-normalization",
        .target = &arguments.keeps_batch_normalization,
        .needs = {"quantize"},
        .help = "Keep BatchNormalizations, floating between integer kernels; by default, unless "
                "with --batch-norm train, they become part of the Conv or Gemm before them"},
       {.name = "quantize-exclude",
        .target = &arguments.exclude,
        .value_name = "PATTERN",
        .needs = {"quantize"},
        .help = "Nodes that stay floating, by name; * and ? match"}});
}

bool FoldsBatchNormalization(const QuantizeArguments& arguments, const ModeArguments& modes) {
  return !arguments.type.empty() && !arguments.keeps_batch_normalization &&
         modes.batch_norm != "train";
}

absl::StatusOr<QuantizationSites> QuantizeAsTyped(const QuantizeArguments& arguments,
                                                  const ModelOptions& options,
                                                  ImportedModel& model) {
  if (arguments.type.empty()) return QuantizationSites();
  STROP_RETURN_IF_ERROR(CheckQuantizedExport(model));
  QuantizationOptions quantization;
  quantization.exclude = arguments.exclude;
  STROP_ASSIGN_OR_RETURN(QuantizationSites sites, QuantizeModel(model, quantization, options.plan));
  TellOfFunctions(sites, options.listener);
  return sites;
}

absl::StatusOr<ModelQuantization> TrainedQuantization(const QuantizationSites& sites,
                                                      const StateStore& store) {
  ModelQuantization quantization;
  for (const QuantizedWeight& weight : sites.weights) {
    quantization.weights[weight.name] = weight.axis;
  }
  for (const std::string& name : sites.activations) {
    double bounds[2];
    for (const size_t i : {0, 1}) {
      STROP_ASSIGN_OR_RETURN(const Tensor bound,
                             store.Read(name + (i == 0 ? "/minimum" : "/maximum")));
      STROP_ASSIGN_OR_RETURN(const std::vector<double> number, NumericElements(bound));
      bounds[i] = number[0];
    }
    if (bounds[0] > bounds[1]) {
      return absl::FailedPreconditionError(
          absl::StrCat("quantize: no step has seen \"", name,
                       "\", expected its range from training; run at least one step"));
    }
    const AffineQuantization affine(bounds[0], bounds[1], 0, 255);
    quantization.activations[name] = {affine.scale, static_cast<uint8_t>(affine.zero_point)};
  }
  return quantization;
}

}  // namespace strop
