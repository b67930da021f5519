#include "models/architectures/architecture.h"

#include <iterator>

namespace strop {

const std::vector<Architecture>& AllArchitectures() {
  static const std::vector<Architecture>* const all = [] {
    auto* list = new std::vector<Architecture>();
    for (const auto family :
         {PerceptronArchitectures, LeNetArchitectures, VggArchitectures, ResNetArchitectures,
          PreActivationResNetArchitectures, DenseNetArchitectures, MobileNetV2Architectures,
          MobileNetV3Architectures, UNetArchitectures, RecurrentArchitectures, BertArchitectures,
          GptArchitectures, VisionTransformerArchitectures, AutoencoderArchitectures}) {
      std::vector<Architecture> members = family();
      std::move(members.begin(), members.end(), std::back_inserter(*list));
    }
    return list;
  }();
  return *all;
}

const Architecture* FindArchitecture(std::string_view name) {
  for (const Architecture& architecture : AllArchitectures()) {
    if (architecture.name == name) return &architecture;
  }
  return nullptr;
}

}  // namespace strop
