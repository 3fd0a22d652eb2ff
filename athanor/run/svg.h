// Charts as SVG fragments: readable without JavaScript, hover texts by <title>, colours by CSS variables so
// that the page's light or dark theme decides. Same input, same bytes.
//
//   LineChart chart{.title = "Loss", .y_label = "nats per token", .x_label = "step"};
//   chart.series.push_back({.name = "train", .x = steps, .y = losses, .smooth = true});
//   page += svg_of(chart, {720, 300});            // needs svg_css() once in the page
//   write_file_atomic("loss.svg", svg_document(svg_of(chart)));
//
// Long series are reduced to the minimum and maximum of each pixel column, so a million points stay below 20
// kB and no spike is lost. Values that are not finite (or not positive on a log axis) leave a gap.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace athanor {

struct SvgSize {
  int width = 720;
  int height = 300;  // charts whose rows decide their height ignore it
};

struct Series {
  std::string name;
  std::vector<double> x;  // ascending; sorted by the chart when not
  std::vector<double> y;  // same length as x; the longer one is cut
  bool smooth = false;    // a centred running mean (1/40 of the points) over the faint raw line
};

struct LineChart {
  std::string title;
  std::string y_label;  // with the unit; stands beside the title
  std::string x_label;
  std::vector<Series> series;
  bool log_x = false;
  bool log_y = false;
  bool y_from_zero = false;
};

// Horizontal bars, one row a label; negative values count as 0.
struct BarChart {
  std::string title;
  std::string unit;
  std::vector<std::string> labels;
  std::vector<double> values;
};

struct Histogram {
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<double> edges;  // ascending, one more than counts
  std::vector<double> counts;
  bool log_x = false;  // needs edges above 0
};

// What remained after each step: "collect 233 -> clean 230 -> dedup 229".
struct FunnelStep {
  std::string name;
  double count = 0;
  std::string unit;  // "documents"; a step with another unit than the one before starts its own scale
  std::string note;  // why something was lost: "too short 2, broken text 1"
};

struct Funnel {
  std::string title;
  std::vector<FunnelStep> steps;
};

// A square a pair, its colour as strong as the value is far from 0 (negative ones in the second colour). NaN: empty.
struct HeatMap {
  std::string title;
  std::string unit;
  std::vector<std::string> rows;
  std::vector<std::string> columns;
  std::vector<double> values;  // rows x columns
  double full = 1;             // the value with the strongest colour
  int digits = 2;              // behind the point
};

std::string svg_of(const LineChart& chart, SvgSize size = {});
std::string svg_of(const BarChart& chart, SvgSize size = {});
std::string svg_of(const Histogram& chart, SvgSize size = {});
std::string svg_of(const Funnel& funnel, SvgSize size = {});
std::string svg_of(const HeatMap& chart, SvgSize size = {});

// The rules and colours (light, and dark by prefers-color-scheme) that all fragments use.
std::string svg_css();

// A fragment as a file of its own.
std::string svg_document(const std::string& fragment);

// Text for HTML or XML, in elements and in quoted attributes: valid UTF-8, & < > " ' escaped, characters that
// XML forbids replaced by U+FFFD.
std::string escape_markup(std::string_view text);

}  // namespace athanor
