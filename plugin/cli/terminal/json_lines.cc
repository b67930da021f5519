#include "plugin/cli/terminal/json_lines.h"

#include <cstdio>

namespace strop {

using Json = nlohmann::ordered_json;

void PrintJsonLine(const Json& json) {
  std::printf("%s\n", json.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
  std::fflush(stdout);
}

void PrintJsonLines(const Json& array) {
  for (const Json& json : array) PrintJsonLine(json);
}

}  // namespace strop
