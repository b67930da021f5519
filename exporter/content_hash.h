#pragma once

#include <memory>
#include <string>
#include <string_view>

struct XXH3_state_s;

namespace strop {

// XXH3 with 128 bits of everything that is added: finds damage and differences, withstands no
// attacker.
class ContentHash {
 public:
  static constexpr size_t kDigits = 32;

  ContentHash();

  void Add(std::string_view bytes);
  // kDigits hexadecimal digits, in lower case.
  std::string Digest() const;

 private:
  struct Free {
    void operator()(XXH3_state_s* state) const;
  };
  std::unique_ptr<XXH3_state_s, Free> state_;
};

}  // namespace strop
