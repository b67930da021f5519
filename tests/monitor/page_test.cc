#include "plugin/report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "plugin/report/page_assets.h"

namespace strop {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kHostile[] = "</script><img src=x onerror=alert(1)>\"'&<!--";

int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// The page without the library, which is not ours to check.
std::string OwnHtml(const Page& page) {
  return absl::StrReplaceAll(page.Html(), {{std::string(PlotlyScript()), ""}});
}

LineChart Curves(const std::string& name) {
  LineChart chart;
  chart.title = name;
  chart.caption = name;
  chart.x.title = name;
  chart.series = {{name, {1, 2, 3}, {3, 2, 1}}, {"other", {1, 2, 3}, {3, 2.5, 2}}};
  chart.series[1].labels = {name, name, name};
  chart.marks = {{2, name}};
  return chart;
}

nlohmann::json FigureOf(const Chart& chart) { return nlohmann::json::parse(chart.figure); }

TEST(Page, ShowsHostileNamesAsTheyAre) {
  Page page(kHostile, kHostile);
  page.AddSection(kHostile);
  page.AddText(kHostile);
  page.AddNotice(Page::Tone::kWarning, kHostile);
  page.AddCode(kHostile);
  page.AddHighlights({{kHostile, kHostile}});
  page.AddTable({kHostile, {kHostile, "n"}, {{kHostile, kHostile}}});
  page.AddImages({{"png", kHostile}});
  page.AddChart(Draw(Curves(kHostile)));
  HeatMap heat;
  heat.y_labels = heat.x_labels = {kHostile};
  heat.values = {1};
  page.AddChart(Draw(heat));
  const std::string html = OwnHtml(page);
  EXPECT_THAT(html, Not(HasSubstr("<img src=x")));
  EXPECT_THAT(html, Not(HasSubstr("<!--")));
  // One script a chart, the library, the page's own.
  EXPECT_EQ(Count(html, "<script"), 4);
  EXPECT_EQ(Count(html, "</script"), 4);
  EXPECT_THAT(html, HasSubstr("<h1>&lt;/script&gt;&lt;img src=x onerror=alert(1)&gt;&quot;&#39;"));
}

TEST(Page, ReplacesWhatIsNoText) {
  EXPECT_EQ(EscapeHtml(std::string_view("a\xff\0b\x1b"
                                        "c",
                                        6)),
            "a\uFFFD b c");
  Page page("x");
  page.AddChart(Draw(Curves("\xc3(")));
  EXPECT_THAT(OwnHtml(page), HasSubstr("\uFFFD("));
}

TEST(Page, LoadsNothing) {
  Page page("x");
  page.AddChart(Draw(Curves("y")));
  const std::string html = OwnHtml(page);
  EXPECT_THAT(html, Not(HasSubstr("http:")));
  EXPECT_THAT(html, Not(HasSubstr("https:")));
  EXPECT_THAT(html, HasSubstr("default-src 'none'"));
  EXPECT_THAT(std::string(PlotlyScript()), Not(HasSubstr("</script")));
}

TEST(Page, CarriesTheLibraryAndItsLicenceWhenThereIsAChart) {
  Page page("x");
  page.AddText("nothing to draw");
  EXPECT_LT(page.Html().size(), 20000u);
  page.AddChart(Draw(Curves("y")));
  EXPECT_GT(PlotlyScript().size(), 1000000u);
  EXPECT_EQ(Count(page.Html(), std::string(PlotlyScript())), 1);
  EXPECT_THAT(std::string(PlotlyLicense()), HasSubstr("MIT License"));
  EXPECT_EQ(Count(page.Html(), std::string(PlotlyLicense())), 1);
}

TEST(Page, IsWrittenWholeOrNotAtAll) {
  const std::filesystem::path path = std::filesystem::path(testing::TempDir()) /
                                     ("strop_page_" + std::to_string(getpid()) + ".html");
  Page page("x");
  ASSERT_TRUE(page.Write(path).ok());
  std::ifstream file(path);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  EXPECT_EQ(text, page.Html());
  std::filesystem::remove(path);
  EXPECT_EQ(page.Write("/nowhere/at/all.html").code(), absl::StatusCode::kPermissionDenied);
}

TEST(Chart, LeavesGapsForWhatIsNotFinite) {
  LineChart chart;
  chart.series = {{"a", {1, 2, 3}, {1, std::nan(""), std::numeric_limits<double>::infinity()}}};
  const nlohmann::json y = FigureOf(Draw(chart))["data"][0]["y"];
  EXPECT_EQ(y, nlohmann::json::parse("[1.0, null, null]"));
}

TEST(Chart, ThinsLongCurvesWithoutLosingPeaks) {
  LineChart chart;
  chart.series = {{"a", {}, {}}};
  for (int i = 0; i < 100000; ++i) {
    chart.series[0].x.push_back(i);
    chart.series[0].y.push_back(i == 54321 ? 9 : i == 12345 ? -9 : std::sin(i / 50.0));
  }
  const nlohmann::json trace = FigureOf(Draw(chart))["data"][0];
  const auto x = trace["x"].get<std::vector<double>>();
  const auto y = trace["y"].get<std::vector<double>>();
  EXPECT_LE(y.size(), 4000u);
  EXPECT_GT(y.size(), 2000u);
  EXPECT_TRUE(std::is_sorted(x.begin(), x.end()));
  EXPECT_EQ(x[static_cast<size_t>(std::max_element(y.begin(), y.end()) - y.begin())], 54321);
  EXPECT_EQ(x[static_cast<size_t>(std::min_element(y.begin(), y.end()) - y.begin())], 12345);
}

TEST(Chart, ColorsAHeatMapByTheLogarithmAndNamesPowers) {
  HeatMap chart;
  chart.x_numbers = {1, 2};
  chart.y_labels = {"a", "a"};
  chart.values = {1e-6, 1, 100, 0};
  chart.is_log = true;
  const nlohmann::json trace = FigureOf(Draw(chart))["data"][0];
  EXPECT_EQ(trace["z"], nlohmann::json::parse("[[-6.0, 0.0], [2.0, null]]"));
  EXPECT_EQ(trace["customdata"], nlohmann::json::parse("[[1e-06, 1.0], [100.0, 0.0]]"));
  EXPECT_EQ(trace["y"], nlohmann::json::parse("[\"a\", \"a (2)\"]"));
  EXPECT_THAT(trace["colorbar"]["ticktext"].dump(), HasSubstr("10⁻⁶"));
}

}  // namespace
}  // namespace strop
