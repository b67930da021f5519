#pragma once

#include <string_view>

namespace strop {

// Files that the build puts into the program as they are (page_assets.S).
std::string_view PageStyle();      // page.css
std::string_view PageScript();     // page.js
std::string_view PlotlyScript();   // plotly.min.js of the pinned release
std::string_view PlotlyLicense();  // its licence, which every copy has to carry

}  // namespace strop
