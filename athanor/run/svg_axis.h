// Axes and text measures shared by the charts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace athanor {

struct Tick {
  double value;
  std::string label;
};

// Maps values to pixels; ticks are at 1, 2 or 5 times a power of ten.
struct Axis {
  double low = 0;
  double high = 1;
  bool log = false;
  double from_px = 0;  // where low is drawn
  double to_px = 1;
  std::vector<Tick> ticks;

  double pixel(double value) const;
};

struct AxisRange {
  double low;
  double high;
  bool log = false;
  bool widen = false;  // move the ends out to ticks
};

// An empty or single-valued range is widened. About target_ticks ticks, at most twice as many.
Axis make_axis(AxisRange range, int target_ticks);

// Whether a chart can place the value.
bool can_plot(double value, bool log);

// Width of text in pixels at 11 px, estimated: 6.3 a column.
double text_pixels(std::string_view text);

// A coordinate with at most one decimal.
std::string px(double value);

// `<text class="cls" x= y=>` with escaped content; anchor "" is the start.
std::string text_at(double x, double y, std::string_view content, const char* css_class = "",
                    const char* anchor = "");

// `<svg ...>` with an accessible name.
std::string svg_open(int width, int height, std::string_view name);

}  // namespace athanor
