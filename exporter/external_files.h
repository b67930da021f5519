#pragma once

#include <string>
#include <vector>

namespace strop {

// The files of a model's external data as its tensors name them, whether they are there or not; the
// model's folder stands before each. Nothing for what is no model: whoever imports it says why.
std::vector<std::string> ExternalFilesOf(const std::string& model_path);

}  // namespace strop
