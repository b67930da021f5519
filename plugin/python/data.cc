#include "plugin/python/data.h"

#include <nanobind/stl/shared_ptr.h>

#include <cstring>
#include <memory>

#include "plugin/python/calls.h"
#include "plugin/python/module.h"
#include "plugin/python/types.h"

namespace strop {
namespace {

namespace nb = nanobind;
using namespace nb::literals;

// (name, type, shape of one sample)
using FieldTuple = std::tuple<std::string, std::string, Shape>;

// The elements are read where they lie.
std::shared_ptr<PythonData> OfArrays(const GivenArrays& arrays) {
  NamedArrays given = ArraysOf(arrays);
  Data data = Data::BorrowedArrays(given.views);
  return std::make_shared<PythonData>(std::move(given.kept), std::move(data));
}

// Copies what the function read for a field to where the run wants it.
void Take(const Field& field, int64_t sample_count, nb::handle value, void* buffer) {
  Shape shape = field.shape;
  shape.insert(shape.begin(), sample_count);
  const TensorView expected(field.name, field.type, nullptr, shape);
  std::vector<Array> kept;
  const TensorView found = ViewOf(field.name, value, kept);
  if (found.type() != expected.type() || found.shape() != expected.shape()) {
    throw nb::value_error(("reader: field \"" + field.name + "\": found " + TextOf(found) +
                           ", expected " + TextOf(expected))
                              .c_str());
  }
  if (found.byte_count() > 0) std::memcpy(buffer, found.data(), found.byte_count());
}

// What calls a function of Python's. Dropped with the interpreter's lock, as its data are.
class Reader {
 public:
  Reader(std::vector<Field> fields, nb::object read)
      : fields_(std::move(fields)), read_(std::move(read)) {}
  ~Reader() {
    const nb::gil_scoped_acquire acquired;
    read_.reset();
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  void Read(std::span<const int64_t> indices, std::span<void* const> buffers) const {
    const nb::gil_scoped_acquire acquired;
    nb::list asked;
    for (const int64_t index : indices) asked.append(index);
    const auto arrays = nb::cast<nb::sequence>(read_(asked));
    if (nb::len(arrays) != fields_.size()) {
      throw nb::value_error(("reader: found " + std::to_string(nb::len(arrays)) +
                             " arrays, expected " + std::to_string(fields_.size()) +
                             ", one for each field")
                                .c_str());
    }
    for (size_t i = 0; i < fields_.size(); ++i) {
      Take(fields_[i], static_cast<int64_t>(indices.size()), nb::object(arrays[i]), buffers[i]);
    }
  }

 private:
  std::vector<Field> fields_;
  nb::object read_;
};

std::shared_ptr<PythonData> OfReader(int64_t sample_count, const std::vector<FieldTuple>& given,
                                     ReadFunction read) {
  std::vector<Field> fields;
  for (const auto& [name, type, shape] : given) fields.push_back({name, TypeNamed(type), shape});
  const auto reader = std::make_shared<Reader>(fields, std::move(read));
  return std::make_shared<PythonData>(
      std::vector<Array>(),
      Data::Reader(sample_count, fields,
                   [reader](std::span<const int64_t> indices, std::span<void* const> buffers) {
                     reader->Read(indices, buffers);
                   }));
}

}  // namespace

void AddData(nb::module_& module) {
  nb::class_<PythonData>(module, "Data", "What is trained on or measured with.")
      .def_static("arrays", &OfArrays, "arrays"_a,
                  "Arrays [samples, …] by name, read where they lie and kept alive.")
      .def_static("reader", &OfReader, "sample_count"_a, "fields"_a, "read"_a,
                  "read([index, …]) gives an array [len(indices), …] for each field "
                  "(name, type, shape of one sample); the same index, the same numbers.");
}

}  // namespace strop
