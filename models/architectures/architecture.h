#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "models/builder/network_builder.h"

namespace strop {

// A family member that `strop new` can make.
struct Architecture {
  std::string name;
  std::string summary;               // one line: what it is, its own size, the paper
  std::vector<std::string> options;  // names of the NetworkOptions that it honours, as typed
  std::function<void(NetworkBuilder&)> build;
};

// One file per family.
std::vector<Architecture> PerceptronArchitectures();
std::vector<Architecture> LeNetArchitectures();
std::vector<Architecture> VggArchitectures();
std::vector<Architecture> ResNetArchitectures();
std::vector<Architecture> PreActivationResNetArchitectures();
std::vector<Architecture> DenseNetArchitectures();
std::vector<Architecture> MobileNetV2Architectures();
std::vector<Architecture> MobileNetV3Architectures();
std::vector<Architecture> UNetArchitectures();
std::vector<Architecture> RecurrentArchitectures();
std::vector<Architecture> BertArchitectures();
std::vector<Architecture> GptArchitectures();
std::vector<Architecture> VisionTransformerArchitectures();
std::vector<Architecture> AutoencoderArchitectures();

// All of them, in the order of the list above.
const std::vector<Architecture>& AllArchitectures();

// Null when there is none of that name.
const Architecture* FindArchitecture(std::string_view name);

}  // namespace strop
