#include "plugin/cli/terminal/unreached_note.h"

#include <cstdio>

namespace strop {

void TellUnreached(absl::Span<const UnreachedTensor> unreached) {
  for (const std::string& line : DescribeUnreached(unreached)) {
    std::fprintf(stderr, "note: %s\n", line.c_str());
  }
}

}  // namespace strop
