#pragma once

#include <nanobind/nanobind.h>

#include <memory>
#include <utility>

namespace strop {

// A function of Python's that may be called, copied and dropped without the interpreter's lock.
class Function {
 public:
  explicit Function(nanobind::object function)
      : function_(new nanobind::object(std::move(function)), [](nanobind::object* kept) {
          const nanobind::gil_scoped_acquire acquired;
          delete kept;
        }) {}

  // With the lock held.
  template <typename... Arguments>
  nanobind::object operator()(const Arguments&... arguments) const {
    return (*function_)(arguments...);
  }

 private:
  std::shared_ptr<nanobind::object> function_;
};

}  // namespace strop
