#ifndef STROP_DATA_HPP_
#define STROP_DATA_HPP_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "strop/tensor.hpp"

namespace strop {
inline namespace interface {

// One array of samples that are read, without the axis of samples.
struct Field {
  std::string name;
  strop_type type;
  Shape shape;
};

// Writes the samples `indices`, one after the other, into buffers[f] for each field f; the same
// index gives the same bytes. What it throws ends the run with the last good epoch.
using ReadSamples =
    std::function<void(std::span<const int64_t> indices, std::span<void* const> buffers)>;

// What is trained on or measured with. Copies share it.
class Data {
 public:
  // Arrays [samples, …] by the names of the model's inputs, and "target"; copied.
  static Data Arrays(const std::vector<TensorView>& arrays) { return FromArrays(arrays, 1); }
  // The same, read where they lie: they have to stay until this and every Trainer of it are gone.
  static Data BorrowedArrays(const std::vector<TensorView>& arrays) {
    return FromArrays(arrays, 0);
  }
  // Samples that `read` reads as they are needed, on the thread that trains.
  static Data Reader(int64_t sample_count, const std::vector<Field>& fields, ReadSamples read) {
    struct Kept {
      Reading reading;
      std::shared_ptr<strop_data> handle;
    };
    const auto kept = std::make_shared<Kept>(Kept{{std::move(read), fields.size()}, nullptr});
    std::vector<strop_field> list;
    for (const Field& field : fields) {
      list.push_back({field.name.c_str(), field.type, field.shape.size(), field.shape.data()});
    }
    kept->handle = detail::Made<strop_data>(strop_data_free, [&](strop_data** data) {
      return strop_data_reader(sample_count, list.data(), list.size(), &Reading::Read,
                               &kept->reading, data);
    });
    return Data(std::shared_ptr<strop_data>(kept, kept->handle.get()));
  }

  strop_data* get() const { return handle_.get(); }
  // For what has to keep the data: the function that reads them, too.
  const std::shared_ptr<strop_data>& handle() const { return handle_; }

 private:
  struct Reading {
    ReadSamples read;
    size_t field_count;

    static int Read(void* context, const int64_t* indices, size_t index_count,
                    void* const* buffers) {
      const auto& self = *static_cast<Reading*>(context);
      detail::Carry([&] { self.read({indices, index_count}, {buffers, self.field_count}); });
      return detail::thrown ? 1 : 0;
    }
  };

  explicit Data(std::shared_ptr<strop_data> handle) : handle_(std::move(handle)) {}

  static Data FromArrays(const std::vector<TensorView>& arrays, int copies) {
    const std::vector<strop_tensor> given = detail::CTensors(arrays);
    return Data(detail::Made<strop_data>(strop_data_free, [&](strop_data** data) {
      return strop_data_arrays(given.data(), given.size(), copies, data);
    }));
  }

  std::shared_ptr<strop_data> handle_;
};

}  // namespace interface
}  // namespace strop

#endif  // STROP_DATA_HPP_
