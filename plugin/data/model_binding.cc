#include "plugin/data/model_binding.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "graph/status_macros.h"
#include "graph/visit_type.h"
#include "plugin/data/arrays/number_conversion.h"
#include "plugin/data/class_names.h"
#include "plugin/data/sample_field.h"
#include "plugin/data/target_check.h"

namespace strop {
namespace {

// Where one bound field comes from.
struct Binding {
  size_t source_field = 0;
  bool is_target = false;
};

class BoundSource : public DataSource {
 public:
  BoundSource(std::unique_ptr<DataSource> source, std::vector<Binding> bindings,
              std::vector<DataField> fields, const TargetInterface& target)
      : source_(std::move(source)),
        bindings_(std::move(bindings)),
        fields_(std::move(fields)),
        target_(target) {}

  int64_t sample_count() const override { return source_->sample_count(); }
  const std::vector<DataField>& fields() const override { return fields_; }
  const std::string& origin() const override { return source_->origin(); }
  absl::Span<const std::string> class_names() const override { return source_->class_names(); }
  std::string FileOf(int64_t index) const override { return source_->FileOf(index); }

  absl::Status Read(absl::Span<const int64_t> indices, absl::Span<Tensor> batch) override {
    STROP_RETURN_IF_ERROR(source_->Read(indices, Unbound(indices.size())));
    return BindAll(indices, batch);
  }

  absl::Status ReadAugmented(absl::Span<const int64_t> indices, const AugmentationKey& key,
                             absl::Span<Tensor> batch) override {
    STROP_RETURN_IF_ERROR(source_->ReadAugmented(indices, key, Unbound(indices.size())));
    return BindAll(indices, batch);
  }

  absl::Status ReadField(size_t field, absl::Span<const int64_t> indices, Tensor& values) override {
    const DataField& found = source_->fields()[bindings_[field].source_field];
    Shape shape = found.shape;
    shape.insert(shape.begin(), static_cast<int64_t>(indices.size()));
    Tensor unbound(found.type, std::move(shape));
    STROP_RETURN_IF_ERROR(source_->ReadField(bindings_[field].source_field, indices, unbound));
    return Bind(field, unbound, indices, values);
  }

  // Reads whatever lies in arrays once, so that bad numbers show before anything is trained.
  absl::Status CheckArrays() {
    constexpr int64_t kPiece = 4096;  // numbers converted at a time
    for (size_t field = 0; field < fields_.size(); ++field) {
      const Tensor* array = source_->whole_array(bindings_[field].source_field);
      if (array == nullptr) continue;
      const int64_t sample_elements = ElementCount(fields_[field].shape);
      const int64_t step = std::max<int64_t>(1, kPiece / std::max<int64_t>(1, sample_elements));
      Tensor converted(fields_[field].type, {step, sample_elements});
      std::vector<int64_t> rows(static_cast<size_t>(step));
      const size_t row_bytes = BytesFor(array->type(), sample_elements);
      for (int64_t row = 0; row < sample_count(); row += step) {
        rows.resize(static_cast<size_t>(std::min(step, sample_count() - row)));
        std::iota(rows.begin(), rows.end(), row);
        const Tensor piece = Tensor::Borrow(
            array->type(), {static_cast<int64_t>(rows.size()), sample_elements},
            static_cast<const char*>(array->data()) + static_cast<size_t>(row) * row_bytes,
            nullptr);
        STROP_RETURN_IF_ERROR(Bind(field, piece, rows, converted));
      }
    }
    return absl::OkStatus();
  }

 private:
  // Room for that many samples as the source has them.
  absl::Span<Tensor> Unbound(size_t sample_count) {
    const auto count = static_cast<int64_t>(sample_count);
    if (unbound_count_ < count) {
      unbound_ = source_->MakeBatch(count);
      unbound_count_ = count;
    }
    return absl::MakeSpan(unbound_);
  }

  absl::Status BindAll(absl::Span<const int64_t> rows, absl::Span<Tensor> batch) const {
    for (size_t field = 0; field < fields_.size(); ++field) {
      const Tensor& from = unbound_[bindings_[field].source_field];
      STROP_RETURN_IF_ERROR(Bind(field, from, rows, batch[field]));
    }
    return absl::OkStatus();
  }

  absl::Status Bind(size_t field, const Tensor& from, absl::Span<const int64_t> rows,
                    Tensor& to) const {
    const int64_t sample_elements = ElementCount(fields_[field].shape);
    const int64_t count = static_cast<int64_t>(rows.size()) * sample_elements;
    const bool takes_any =
        bindings_[field].is_target && target_.kind == TargetInterface::Kind::kAny;
    STROP_ASSIGN_OR_RETURN(
        const int64_t bad,
        ConvertNumbers(from, to, count, takes_any ? NonFinite::kKeep : NonFinite::kRefuse));
    if (bad >= 0) {
      return BadNumber(field, rows[static_cast<size_t>(bad / sample_elements)],
                       NumberName(from, bad));
    }
    if (fields_[field].is_weight) return CheckWeights(field, rows, to);
    if (!bindings_[field].is_target) return absl::OkStatus();
    STROP_ASSIGN_OR_RETURN(const TargetFault fault,
                           FindTargetFault(target_, fields_[field].shape, to, count));
    if (fault.element < 0) return absl::OkStatus();
    return Refuse(field, rows[static_cast<size_t>(fault.element / sample_elements)], fault.problem);
  }

  absl::Status CheckWeights(size_t field, absl::Span<const int64_t> rows,
                            const Tensor& weights) const {
    return VisitFloating(weights.type(), "weights", [&]<typename T>() -> absl::Status {
      const T* numbers = static_cast<const T*>(weights.data());
      for (size_t i = 0; i < rows.size(); ++i) {
        const auto weight = static_cast<double>(static_cast<ComputeType<T>>(numbers[i]));
        if (weight >= 0) continue;
        return Refuse(field, rows[i],
                      absl::StrCat("found ", weight, ", expected a weight from 0 on"));
      }
      return absl::OkStatus();
    });
  }

  absl::Status BadNumber(size_t field, int64_t row, const std::string& number) const {
    const DataType type = fields_[field].type;
    if (bindings_[field].is_target && target_.kind == TargetInterface::Kind::kClasses) {
      return Refuse(field, row,
                    absl::StrCat("found ", number, ", expected ", ExpectedClass(target_)));
    }
    return Refuse(
        field, row,
        absl::StrCat("found ", number, ", expected a ", IsFloating(type) ? "finite" : "whole",
                     " number that ", std::string(DataTypeName(type)), " can hold"));
  }

  absl::Status Refuse(size_t field, int64_t row, const std::string& problem) const {
    const std::string& name = source_->fields()[bindings_[field].source_field].name;
    return absl::InvalidArgumentError(absl::StrCat("data: \"", source_->origin(), "\", \"", name,
                                                   "\", row ", row, ": ", problem));
  }

  std::unique_ptr<DataSource> source_;
  std::vector<Binding> bindings_;  // one a field
  std::vector<DataField> fields_;
  TargetInterface target_;
  std::vector<Tensor> unbound_;  // a batch as the source has it
  int64_t unbound_count_ = 0;
};

Shape WithoutOnes(absl::Span<const int64_t> shape) {
  Shape squeezed;
  for (const int64_t dimension : shape) {
    if (dimension != 1) squeezed.push_back(dimension);
  }
  return squeezed;
}

bool Fits(absl::Span<const int64_t> found, absl::Span<const int64_t> expected) {
  if (found.size() != expected.size()) return false;
  for (size_t axis = 0; axis < found.size(); ++axis) {
    if (expected[axis] != kUnknownDimension && expected[axis] != found[axis]) return false;
  }
  return true;
}

// The shape under which samples of shape `found` become samples of shape `expected`; nothing when
// they cannot.
std::optional<Shape> Reshaped(const Shape& found, const Shape& expected) {
  if (Fits(found, expected)) return found;
  if (Fits(WithoutOnes(found), WithoutOnes(expected))) {
    Shape bound = expected;
    const Shape squeezed = WithoutOnes(found);
    size_t next = 0;
    for (int64_t& dimension : bound) {
      if (dimension != 1) dimension = squeezed[next++];
    }
    return bound;
  }
  const int64_t count = ElementCount(found);
  if (expected.size() == 1 && (expected[0] == count || expected[0] == kUnknownDimension)) {
    return Shape{count};
  }
  return std::nullopt;
}

// The shape under which samples of the field enter the model, or its loss as the target.
absl::StatusOr<Shape> BoundShape(const DataSource& source, const DataField& found,
                                 const TensorType& expected_type, bool is_target) {
  if (!expected_type.shape) return found.shape;
  const std::string where = absl::StrCat("data: \"", source.origin(), "\", \"", found.name, "\": ");
  const Shape expected(expected_type.shape->begin() + 1, expected_type.shape->end());
  if (std::optional<Shape> bound = Reshaped(found.shape, expected)) return *std::move(bound);
  if (!is_target && expected.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, "found samples of shape ", ShapeName(found.shape), ", the model's ",
                     TypeName(expected_type),
                     " has no axis beside the one that counts samples; export the model with a "
                     "batch axis in front"));
  }
  if (!is_target && expected.size() == 1 && found.shape.size() <= 1) {
    return absl::InvalidArgumentError(absl::StrCat(where, "found ", ElementCount(found.shape),
                                                   " features per sample, expected ", expected[0],
                                                   " as the model's ", TypeName(expected_type)));
  }
  return absl::InvalidArgumentError(absl::StrCat(
      where, "found ", is_target ? "targets" : "samples", " of shape ", ShapeName(found.shape),
      is_target ? " a sample, expected " : ", expected ", ShapeName(expected), " as the model's ",
      is_target ? "output has" : TypeName(expected_type)));
}

std::string FieldNames(const DataSource& source) {
  std::string names;
  for (const DataField& field : source.fields()) {
    absl::StrAppend(&names, names.empty() ? "" : ", ", field.name);
  }
  return names;
}

absl::Status CheckNumeric(const DataSource& source, const DataField& field, DataType type) {
  const auto is_number = [](DataType candidate) {
    return VisitNumeric(candidate, "", []<typename T>() { return absl::OkStatus(); }).ok();
  };
  if (is_number(field.type) && is_number(type)) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "data: \"", source.origin(), "\", \"", field.name, "\": found ",
      std::string(DataTypeName(field.type)), ", expected ", std::string(DataTypeName(type))));
}

absl::StatusOr<size_t> TargetField(const DataSource& source) {
  const int field = source.FindField(kTargetField);
  if (field >= 0) return static_cast<size_t>(field);
  return absl::InvalidArgumentError(absl::StrCat(
      "data: \"", source.origin(), "\": found no \"target\", it has ", FieldNames(source),
      "; name the label with --target; an autoencoder, whose output is as its input, takes "
      "--target input"));
}

// Class numbers have to be the model's. Where the loss compares numbers, those of two classes mean
// no and yes; the only class there is is 0, which is no share of a yes.
absl::Status CheckNamedClasses(const DataSource& source, const DataField& label,
                               const TargetInterface& target) {
  using Kind = TargetInterface::Kind;
  const absl::Span<const std::string> names = source.class_names();
  if (names.empty() || target.kind == Kind::kProbabilities || target.kind == Kind::kAny) {
    return absl::OkStatus();
  }
  if (target.kind == Kind::kClasses) {
    const bool is_known = target.class_count != std::numeric_limits<int64_t>::max();
    return is_known ? CheckClassCount(source.origin(), names, target.class_count)
                    : absl::OkStatus();
  }
  const bool is_class_number = label.type == DataType::kInt64 && label.shape.empty();
  const bool is_zero = names.size() == 1 && target.kind == Kind::kNumbers;
  if (names.size() == 2 || is_zero || !is_class_number) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(
      "data: \"", source.origin(), "\": found ", names.size(), " classes (", ListNames(names),
      "), expected two, no and yes, or numbers, as the loss compares numbers; name both with "
      "--class-names, or use --loss cross_entropy"));
}

}  // namespace

absl::StatusOr<size_t> FieldForInput(const DataSource& source, const std::string& input,
                                     bool is_only_input) {
  int field = source.FindField(input);
  if (field < 0 && is_only_input) {
    for (const std::string_view name : {"x", "X"}) {
      if (field < 0) field = source.FindField(name);
    }
    int inputs = 0;
    int last = -1;
    for (size_t i = 0; i < source.fields().size(); ++i) {
      const DataField& other = source.fields()[i];
      if (other.name == kTargetField || other.is_weight) continue;
      ++inputs;
      last = static_cast<int>(i);
    }
    if (field < 0 && inputs == 1) field = last;
  }
  if (field >= 0) return static_cast<size_t>(field);
  return absl::InvalidArgumentError(
      absl::StrCat("data: \"", source.origin(), "\": found no array \"", input,
                   "\" for the model's input of that name; it has ", FieldNames(source)));
}

std::vector<InputInterface> InputsOf(const Graph& graph) {
  std::vector<InputInterface> inputs;
  for (const ValueId input : graph.inputs) {
    inputs.push_back({graph.value(input).name, graph.type(input)});
  }
  return inputs;
}

int64_t FixedBatchSize(const std::vector<InputInterface>& inputs) {
  for (const InputInterface& input : inputs) {
    if (!input.type.shape.has_value() || input.type.shape->empty()) continue;
    if (input.type.shape->front() != kUnknownDimension) return input.type.shape->front();
  }
  return 0;
}

absl::StatusOr<DataShapes> ShapesFor(const DataSource& source,
                                     const std::vector<InputInterface>& inputs, int64_t batch_size,
                                     bool wants_target) {
  DataShapes shapes;
  const int64_t fixed = FixedBatchSize(inputs);
  shapes.has_fixed_batch = fixed > 0;
  shapes.batch_size = fixed > 0 ? fixed : std::max<int64_t>(batch_size, 1);
  if (wants_target) {
    STROP_ASSIGN_OR_RETURN(const size_t target, TargetField(source));
    shapes.target = source.fields()[target];
    shapes.has_weights = source.FindWeights() >= 0;
  }
  for (const InputInterface& input : inputs) {
    STROP_ASSIGN_OR_RETURN(const size_t field, SampleField(source, input, inputs.size() == 1));
    const DataField& found = source.fields()[field];
    STROP_RETURN_IF_ERROR(CheckNumeric(source, found, input.type.element_type));
    STROP_ASSIGN_OR_RETURN(shapes.inputs.emplace_back(),
                           BoundShape(source, found, input.type, /*is_target=*/false));
  }
  return shapes;
}

absl::StatusOr<std::unique_ptr<DataSource>> BindToModel(std::unique_ptr<DataSource> source,
                                                        const std::vector<InputInterface>& inputs,
                                                        const TargetInterface& target) {
  std::vector<Binding> bindings;
  std::vector<DataField> fields;
  const auto add = [&](size_t field, const std::string& name, const TensorType& type,
                       bool is_target = false) -> absl::Status {
    const DataField& found = source->fields()[field];
    STROP_RETURN_IF_ERROR(CheckNumeric(*source, found, type.element_type));
    STROP_ASSIGN_OR_RETURN(Shape shape, BoundShape(*source, found, type, is_target));
    fields.push_back({name, type.element_type, std::move(shape), found.pixels});
    bindings.push_back({field, is_target});
    return absl::OkStatus();
  };
  const bool needs_target = target.kind != TargetInterface::Kind::kNone;
  size_t target_field = 0;
  if (needs_target) {  // first: a label that is not known counts as an input
    STROP_ASSIGN_OR_RETURN(target_field, TargetField(*source));
  }
  for (const InputInterface& input : inputs) {
    STROP_ASSIGN_OR_RETURN(const size_t field, SampleField(*source, input, inputs.size() == 1));
    STROP_RETURN_IF_ERROR(add(field, input.name, input.type));
  }
  if (target.weight_type) {
    const int weights = source->FindWeights();
    if (weights < 0) {
      return absl::InvalidArgumentError(
          absl::StrCat("data: \"", source->origin(),
                       "\": found no weights of samples, expected some as in the training data"));
    }
    const auto field = static_cast<size_t>(weights);
    STROP_RETURN_IF_ERROR(
        add(field, source->fields()[field].name, {*target.weight_type, Shape{kUnknownDimension}}));
    fields.back().is_weight = true;
  }
  if (needs_target) {
    STROP_RETURN_IF_ERROR(CheckNamedClasses(*source, source->fields()[target_field], target));
    TensorType type = target.type;
    if (target.kind == TargetInterface::Kind::kClasses) type.element_type = DataType::kInt64;
    STROP_RETURN_IF_ERROR(add(target_field, std::string(kTargetField), type, /*is_target=*/true));
  }
  if (source->sample_count() == 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("data: \"", source->origin(), "\": found no sample, expected at least one"));
  }
  auto bound = std::make_unique<BoundSource>(std::move(source), std::move(bindings),
                                             std::move(fields), target);
  STROP_RETURN_IF_ERROR(bound->CheckArrays());
  return bound;
}

}  // namespace strop
