#include "plugin/report/page_assets.h"

extern "C" {
extern const char strop_page_style[], strop_page_style_end[];
extern const char strop_page_script[], strop_page_script_end[];
extern const char strop_plotly_script[], strop_plotly_script_end[];
extern const char strop_plotly_license[], strop_plotly_license_end[];
}

namespace strop {
namespace {

std::string_view Between(const char* begin, const char* end) {
  return {begin, static_cast<size_t>(end - begin)};
}

}  // namespace

std::string_view PageStyle() { return Between(strop_page_style, strop_page_style_end); }
std::string_view PageScript() { return Between(strop_page_script, strop_page_script_end); }
std::string_view PlotlyScript() { return Between(strop_plotly_script, strop_plotly_script_end); }
std::string_view PlotlyLicense() { return Between(strop_plotly_license, strop_plotly_license_end); }

}  // namespace strop
