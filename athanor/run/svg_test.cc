// Charts: ticks, reduction that keeps spikes, gaps, extreme and hostile input.
#include "athanor/run/svg.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "athanor/base/rng.h"
#include "athanor/run/svg_axis.h"

namespace athanor {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

std::string labels_of(const Axis& axis) {
  std::string out;
  for (const Tick& tick : axis.ticks) {
    out += (out.empty() ? "" : " | ") + tick.label;
  }
  return out;
}

std::vector<double> ramp(size_t n) {
  std::vector<double> out(n);
  for (size_t i = 0; i < n; ++i) {
    out[i] = static_cast<double>(i);
  }
  return out;
}

LineChart one_line(std::vector<double> x, std::vector<double> y) {
  LineChart chart;
  chart.title = "t";
  chart.series.push_back({"a", std::move(x), std::move(y), false});
  return chart;
}

// Absolute y of every point of the first drawn line.
std::vector<double> path_heights(const std::string& svg) {
  const size_t start = svg.find("<path class=\"l ");
  const size_t from = svg.find("d=\"", start) + 3;
  const std::string path = svg.substr(from, svg.find('"', from) - from);
  std::vector<double> out;
  double y = 0;
  const char* at = path.c_str();
  while (*at != '\0') {
    const bool relative = *at == 'l';
    char* end = nullptr;
    std::strtod(at + 1, &end);  // x
    const char* second = end;
    const double value = std::strtod(second, &end);
    if (end == second) {
      ADD_FAILURE() << "not a path: " << at;
      break;
    }
    y = value + (relative ? y : 0);
    out.push_back(y);
    at = end;
  }
  return out;
}

void expect_finite_attributes(const std::string& svg) {
  for (size_t at = svg.find("=\""); at != std::string::npos; at = svg.find("=\"", at + 2)) {
    const std::string value = svg.substr(at + 2, svg.find('"', at + 2) - at - 2);
    EXPECT_TRUE(value.find("nan") == std::string::npos && value.find("inf") == std::string::npos) << value;
  }
}

TEST(Axis, NiceTicks) {
  EXPECT_EQ(labels_of(make_axis({2.9, 10.1, false, true}, 5)), "2 | 4 | 6 | 8 | 10 | 12");
  EXPECT_EQ(labels_of(make_axis({0, 1999, false, false}, 4)), "0 | 500 | 1,000 | 1,500");
  EXPECT_EQ(labels_of(make_axis({0, 6e-4, false, true}, 4)), "0 | 0.0002 | 0.0004 | 0.0006");
  EXPECT_EQ(labels_of(make_axis({0, 2.5e6, false, true}, 3)), "0 | 1 M | 2 M | 3 M");
  EXPECT_EQ(labels_of(make_axis({-1.2, 1.1, false, true}, 4)), "-1.5 | -1.0 | -0.5 | 0 | 0.5 | 1.0 | 1.5");
  EXPECT_EQ(labels_of(make_axis({1e-5, 10, true, true}, 6)), "1e-05 | 0.0001 | 0.001 | 0.01 | 0.1 | 1 | 10");
  EXPECT_EQ(labels_of(make_axis({0.18, 7, true, true}, 4)), "0.2 | 0.5 | 1 | 2 | 5");
}

TEST(Axis, AnyRangeGivesFewTicksInside) {
  Rng rng(11);
  for (int round = 0; round < 3000; ++round) {
    const bool log = rng.below(2) == 0;
    const double scale = std::pow(10.0, rng.uniform() * 40 - 20);
    double low = (rng.uniform() - (log ? 0 : 0.5)) * scale + (log ? 1e-30 : 0);
    double high = low + rng.uniform() * scale * std::pow(10.0, -10 * rng.uniform());
    const Axis axis = make_axis({low, high, log, rng.below(2) == 0}, 5);
    EXPECT_LE(axis.ticks.size(), 40u);
    EXPECT_LT(axis.low, axis.high);
    for (const Tick& tick : axis.ticks) {
      EXPECT_TRUE(std::isfinite(axis.pixel(tick.value)));
      EXPECT_GE(axis.pixel(tick.value), -0.01);
      EXPECT_LE(axis.pixel(tick.value), 1.01);
    }
  }
}

TEST(LineChart, AMillionPointsStaySmallAndKeepTheSpike) {
  const size_t n = 1000000;
  std::vector<double> y(n);
  Rng rng(5);
  for (double& value : y) {
    value = rng.uniform();
  }
  y[654321] = 9;  // one bad step
  const std::string svg = svg_of(one_line(ramp(n), y));
  EXPECT_LT(svg.size(), 32u * 1024) << svg.size();
  const std::vector<double> heights = path_heights(svg);
  EXPECT_LT(heights.size(), 1600u);
  const double highest = *std::min_element(heights.begin(), heights.end());
  EXPECT_NEAR(highest, 30 + (10.0 - 9.0) / 10 * 246, 0.2);  // axis 0 to 10 over 30 .. 276 px
}

TEST(LineChart, ValuesThatCannotStandLeaveGaps) {
  std::string svg = svg_of(one_line({0, 1, 2, 3, 4, 5}, {1, 2, kNan, 3, kInf, 4}));
  size_t pen_downs = 0;
  const size_t from = svg.find("<path class=\"l ");
  const std::string path = svg.substr(from, svg.find("</path>", from) - from);
  for (const char c : path) {
    pen_downs += c == 'M' ? 1 : 0;
  }
  EXPECT_EQ(pen_downs, 3u);
  EXPECT_NE(path.find("first 1, last 4, lowest 1 at 0, highest 4"), std::string::npos) << path;
  LineChart log = one_line({1, 2, 3}, {-1, 0, kNan});
  log.log_y = true;
  EXPECT_EQ(svg_of(log).find("<path class=\"l "), std::string::npos);
}

TEST(LineChart, NoNanEverReachesTheMarkup) {
  Rng rng(9);
  const double pool[] = {0, 1, -1, kNan, kInf, -kInf, 1e308, -1e308, 5e-324, 1e-12, 3.5, 1e16, 1e16 + 2};
  for (int round = 0; round < 400; ++round) {
    LineChart chart;
    chart.log_x = rng.below(2) == 0;
    chart.log_y = rng.below(2) == 0;
    chart.y_from_zero = rng.below(2) == 0;
    for (size_t s = rng.below(4); s > 0; --s) {
      Series series{"s", {}, {}, rng.below(2) == 0};
      for (size_t i = rng.below(120); i > 0; --i) {
        series.x.push_back(pool[rng.below(std::size(pool))]);
      }
      for (size_t i = rng.below(120); i > 0; --i) {
        series.y.push_back(pool[rng.below(std::size(pool))]);
      }
      chart.series.push_back(series);
    }
    expect_finite_attributes(svg_of(chart, {static_cast<int>(100 + rng.below(900)), 200}));
  }
  expect_finite_attributes(svg_of(Histogram{"h", "", "", {0, kNan, kInf}, {1, kNan}}));
  expect_finite_attributes(svg_of(BarChart{"b", "", {"x", "y"}, {kNan, -kInf}}));
  expect_finite_attributes(svg_of(Funnel{"f", {{"a", kNan, "", ""}, {"b", kInf, "", ""}}}));
}

TEST(LineChart, UnsortedSeriesAreSorted) {
  EXPECT_EQ(svg_of(one_line({3, 1, 2}, {30, 10, 20})), svg_of(one_line({1, 2, 3}, {10, 20, 30})));
}

TEST(LineChart, LegendAndHover) {
  LineChart chart = one_line(ramp(200), ramp(200));
  EXPECT_EQ(svg_of(chart).find(">b</text>"), std::string::npos);
  chart.x_label = "step";
  chart.series.push_back({"b", {0, 199}, {5, 7}, false});
  const std::string svg = svg_of(chart);
  EXPECT_NE(svg.find(">b</text>"), std::string::npos);
  EXPECT_NE(svg.find("<title>step 2\na 2\nb 5</title>"), std::string::npos) << svg;
  EXPECT_EQ(svg_of(chart, {364, 250}).find("<g class=\"h\">"), std::string::npos);
}

TEST(Funnel, SaysWhatWasLost) {
  const std::string svg = svg_of(Funnel{"flow",
                                        {{"collect", 233, "documents", ""},
                                         {"clean", 230, "documents", "too short 3"},
                                         {"encode", 5000, "tokens", ""}}});
  EXPECT_NE(svg.find("−3 (1.3 %)  too short 3"), std::string::npos);
  EXPECT_NE(svg.find("5,000 tokens"), std::string::npos);
  EXPECT_EQ(svg.find("−-"), std::string::npos);
}

TEST(Markup, Escapes) {
  EXPECT_EQ(escape_markup("<a href='x'>&\"</a>"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;&lt;/a&gt;");
  EXPECT_EQ(escape_markup("a\x00z\x1b\xff"), "a");
  EXPECT_EQ(escape_markup("\x1b\xff炼"), "\xEF\xBF\xBD\xEF\xBF\xBD炼");
}

TEST(Document, StandsAlone) {
  const std::string file = svg_document(svg_of(one_line({1, 2}, {1, 2})));
  EXPECT_TRUE(file.starts_with("<?xml"));
  EXPECT_NE(file.find("<style>"), std::string::npos);
  EXPECT_TRUE(file.ends_with("</svg>\n"));
}

}  // namespace
}  // namespace athanor
