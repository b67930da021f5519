#include "ops/training/update_operator.h"

#include "absl/strings/str_cat.h"
#include "ops/training/optimizer_step.h"

namespace strop {
namespace {

using update_input::kFirstMoment;
using update_input::kGradientScale;
using update_input::kLearningRate;
using update_input::kStep;

absl::Status UpdateElementTypes(ElementTypeContext& context) {
  const DataType moment = MomentType(context.input(0));
  STROP_RETURN_IF_ERROR(context.Expect(update_input::kGradient, context.input(0)));
  STROP_RETURN_IF_ERROR(context.ExpectFloating(kLearningRate));
  STROP_RETURN_IF_ERROR(context.Expect(kStep, DataType::kInt64));
  STROP_RETURN_IF_ERROR(context.ExpectFloating(kGradientScale));
  for (size_t i = 0; i < kMaximumMoments; ++i) {
    STROP_RETURN_IF_ERROR(context.Expect(kFirstMoment + i, moment));
  }
  context.set_all_outputs(moment);
  context.set_output(0, context.input(0));
  context.set_output(update_output::kHealth, DataType::kDouble);
  return absl::OkStatus();
}

absl::Status UpdateShapes(ShapeContext& context) {
  const Shape& parameter = context.input(0);
  for (size_t i = 1; i < context.input_count(); ++i) {
    if (!context.has_input(i)) continue;
    const bool is_scalar = i >= kLearningRate && i <= kGradientScale;
    const Shape expected = is_scalar ? Shape() : parameter;
    if (context.input(i) != expected) {
      return context.Mismatch(absl::StrCat("input ", i, " of shape ", ShapeName(context.input(i))),
                              ShapeName(expected));
    }
  }
  STROP_RETURN_IF_ERROR(SameShapeAsInput0(context));
  context.set_output(update_output::kHealth, {});
  return absl::OkStatus();
}

}  // namespace

OpDefinition UpdateOperator(std::string_view name, int minimum_moments, int maximum_moments,
                            KernelFactory kernel) {
  OpDefinition op = {
      .name = name,
      .domain = kStropDomain,
      .minimum_inputs = static_cast<int>(kStep) + 1,
      .maximum_inputs = static_cast<int>(kFirstMoment) + maximum_moments,
      .minimum_outputs = static_cast<int>(update_output::kFirstMoment) + minimum_moments,
      .maximum_outputs = static_cast<int>(update_output::kFirstMoment) + maximum_moments,
      .element_types = UpdateElementTypes,
      .shapes = UpdateShapes,
      .differentiability = {Differentiability::kNotImplemented},
      .kernels = {kernel},
      .in_place = {{0, 0}},
  };
  for (int i = 0; i < maximum_moments; ++i) {
    op.in_place.emplace_back(static_cast<int>(kFirstMoment) + i,
                             static_cast<int>(update_output::kFirstMoment) + i);
  }
  return op;
}

}  // namespace strop
