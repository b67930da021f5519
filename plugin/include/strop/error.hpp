#ifndef STROP_ERROR_HPP_
#define STROP_ERROR_HPP_

#if __cplusplus < 202002L
#error "strop.hpp is C++20, for std::span; strop.h is for every C and C++"
#endif

#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "strop/strop.h"

namespace strop {
// Names of these headers alone: Strop's own classes, which may be in the same program, have others.
inline namespace interface {

// What a call failed with; what() has one line of what was found, what was expected, what to do.
class Error : public std::runtime_error {
 public:
  Error(strop_status status, const std::string& message)
      : std::runtime_error(message), status_(status) {}
  strop_status status() const noexcept { return status_; }

 private:
  strop_status status_;
};

namespace detail {

// What a callback threw, until the call that it was made in, on the same thread, has returned.
inline thread_local std::exception_ptr thrown;

// Runs a callback, and nothing once one has thrown.
template <typename Work>
void Carry(const Work& work) noexcept {
  if (thrown) return;
  try {
    work();
  } catch (...) {
    thrown = std::current_exception();
  }
}

inline void Check(strop_status status) {
  if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
  if (status != STROP_OK) throw Error(status, strop_error_message());
}

// The handle that `call` makes.
template <typename Handle, typename Call>
std::shared_ptr<Handle> Made(void (*free)(Handle*), const Call& call) {
  Handle* raw = nullptr;
  const strop_status status = call(&raw);
  std::shared_ptr<Handle> handle(raw, free);
  Check(status);
  return handle;
}

}  // namespace detail
}  // namespace interface
}  // namespace strop

#endif  // STROP_ERROR_HPP_
