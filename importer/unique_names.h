#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

namespace strop {

// Gives every thing a name that no other has: the wanted one, or with _2, _3, … behind it. The
// numbers are not tried from 2 again: thousands may want one name.
class UniqueNames {
 public:
  std::string Take(const std::string& wanted) {
    std::string name = wanted;
    int64_t& number = last_number_.try_emplace(wanted, 1).first->second;
    while (!taken_.insert(name).second) name = absl::StrCat(wanted, "_", ++number);
    return name;
  }

 private:
  absl::flat_hash_set<std::string> taken_;
  absl::flat_hash_map<std::string, int64_t> last_number_;  // by what was wanted
};

}  // namespace strop
