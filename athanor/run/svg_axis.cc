#include "athanor/run/svg_axis.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/format.h"
#include "athanor/base/format_width.h"
#include "athanor/run/svg.h"

namespace athanor {

namespace {

constexpr double kLargest = 1e300;    // differences of larger values overflow
constexpr double kSmallest = 1e-290;  // steps below it would become denormal, then zero
constexpr int kMaxTicks = 40;

double nice_step(double span, int target_ticks) {
  const double raw = span / std::max(1, target_ticks);
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double ratio = raw / power;
  return power * (ratio < 1.4 ? 1 : ratio < 2.9 ? 2 : ratio < 7.1 ? 5 : 10);
}

// Labels of one axis share their prefix and their decimals.
std::string tick_label(double value, double step, double largest) {
  static constexpr const char* kPrefixes[] = {"", " k", " M", " G", " T", " P"};
  if (value == 0) {
    return "0";
  }
  size_t prefix = 0;
  if (largest >= 1e4) {
    for (; largest >= 1000 && prefix + 1 < std::size(kPrefixes); ++prefix) {
      largest /= 1000;
      value /= 1000;
      step /= 1000;
    }
  }
  const int decimals = std::max(0, static_cast<int>(-std::floor(std::log10(step) + 1e-9)));
  if (decimals > 5 || largest >= 1e6) {
    return human_number(value, 3);
  }
  if (prefix == 0 && decimals == 0) {
    return grouped_integer(std::llround(value));
  }
  return fixed_number(value, decimals) + kPrefixes[prefix];
}

void linear_ticks(Axis& axis, double step) {
  const double largest = std::max(std::fabs(axis.low), std::fabs(axis.high));
  const double first = std::ceil(axis.low / step - 1e-6);
  for (int i = 0; i < kMaxTicks; ++i) {
    const double value = (first + i) * step;
    if (value > axis.high + step * 1e-6) {
      break;
    }
    axis.ticks.push_back({value, tick_label(value, step, largest)});
  }
}

void log_ticks(Axis& axis, int target_ticks) {
  const double decades = std::log10(axis.high / axis.low);
  const int stride = std::max(1, static_cast<int>(std::lround(decades / std::max(1, target_ticks))));
  const auto add = [&](double value) {
    if (value >= axis.low * (1 - 1e-9) && value <= axis.high * (1 + 1e-9)) {
      axis.ticks.push_back(
          {value, value >= 1e4 ? human_number(value / 1000, 3) + " k" : human_number(value, 3)});
    }
  };
  const int first = static_cast<int>(std::floor(std::log10(axis.low)));
  for (int exponent = first; exponent <= std::log10(axis.high) + 1e-9; exponent += stride) {
    const double power = std::pow(10.0, exponent);
    add(power);
    if (decades <= 2) {
      add(2 * power);
      add(5 * power);
    }
  }
}

}  // namespace

double Axis::pixel(double value) const {
  const double share = log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
  return from_px + share * (to_px - from_px);
}

bool can_plot(double value, bool log) {
  return std::fabs(value) < kLargest && (!log || value > kSmallest);
}

Axis make_axis(AxisRange range, int target_ticks) {
  Axis axis;
  axis.log = range.log;
  axis.low = range.low;
  axis.high = range.high;
  if (!(axis.low <= axis.high)) {  // no data
    axis.low = range.log ? 1 : 0;
    axis.high = range.log ? 10 : 1;
  }
  if (axis.high - axis.low <= std::max(std::fabs(axis.high) * 1e-9, kSmallest)) {
    const double pad = std::fabs(axis.high) <= kSmallest ? 1 : std::fabs(axis.high) * 0.1;
    axis.high += pad;
    axis.low -= range.log ? std::fabs(axis.low) * 0.1 : pad;
  }
  const double step = nice_step(axis.high - axis.low, target_ticks);
  if (range.widen && range.log) {
    const double margin = std::pow(axis.high / axis.low, 0.03);
    axis.high *= margin;
    axis.low /= margin;
  } else if (range.widen) {
    axis.low = std::floor(axis.low / step + 1e-6) * step;
    axis.high = std::ceil(axis.high / step - 1e-6) * step;
  }
  if (axis.log && axis.high / axis.low >= 5) {
    log_ticks(axis, target_ticks);
  } else {
    linear_ticks(axis, step);
  }
  return axis;
}

double text_pixels(std::string_view text) {
  return 6.3 * display_width(text);
}

std::string px(double value) {
  std::string text = fixed_number(value, 1);
  if (text.ends_with(".0")) {
    text.resize(text.size() - 2);
  }
  return text;
}

std::string text_at(double x, double y, std::string_view content, const char* css_class, const char* anchor) {
  std::string out = "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\"";
  if (*css_class != '\0') {
    out += std::string(" class=\"") + css_class + "\"";
  }
  if (*anchor != '\0') {
    out += std::string(" text-anchor=\"") + anchor + "\"";
  }
  return out + ">" + escape_markup(content) + "</text>";
}

std::string svg_open(int width, int height, std::string_view name) {
  const std::string size = std::to_string(width) + " " + std::to_string(height);
  return "<svg class=\"sv\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size +
         "\" role=\"img\" aria-label=\"" + escape_markup(name) + "\">";
}

}  // namespace athanor
