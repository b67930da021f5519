// What strop.h has of all else that the program does.

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "graph/status_macros.h"
#include "plugin/c/listener.h"
#include "plugin/c/options.h"
#include "plugin/c/status.h"
#include "plugin/c/tensors.h"
#include "plugin/operations/operation.h"
#include "plugin/options/table/option_pages.h"
#include "strop/strop.h"

using strop::Call;
using strop::CheckGiven;

extern "C" {

strop_status strop_perform(const char* operation, const strop_option* options, size_t option_count,
                           const strop_listener* listener, const strop_callbacks* callbacks,
                           strop_bytes** json) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{operation, "operation"}, {json, "json"}}));
    STROP_ASSIGN_OR_RETURN(const auto texts, strop::TakeOptions(options, option_count));
    strop::OperationCallbacks followed;
    followed.listener = strop::ListenerOf(listener);
    if (callbacks != nullptr && callbacks->should_stop != nullptr) {
      followed.should_stop = [callbacks] {
        return callbacks->should_stop(callbacks->context) != 0;
      };
    }
    STROP_ASSIGN_OR_RETURN(const auto found, strop::Perform(operation, texts, followed));
    *json = strop::GiveJson(found);
    return absl::OkStatus();
  });
}

strop_status strop_list_options(strop_bytes** json) {
  return Call([&]() -> absl::Status {
    STROP_RETURN_IF_ERROR(CheckGiven({{json, "json"}}));
    const std::vector<strop::Operation> operations = strop::AllOperations();
    std::vector<strop::CommandOptions> listed;
    for (const strop::Operation& operation : operations) {
      listed.push_back({operation.name, operation.help, operation.options.get()});
    }
    *json = strop::GiveBytes(strop::OptionListJson(listed));
    return absl::OkStatus();
  });
}

}  // extern "C"
