// Line charts.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "athanor/base/format.h"
#include "athanor/base/format_width.h"
#include "athanor/run/svg.h"
#include "athanor/run/svg_axis.h"

namespace athanor {

namespace {

constexpr int kColours = 6;
constexpr size_t kDotsBelow = 40;   // series with fewer points get dots
constexpr size_t kSmoothFrom = 40;  // below it there is nothing to smooth
constexpr double kHoverPixels = 12;
constexpr int kNarrow = 480;  // below this width there is no pointer to hover with

struct Point {
  double x;
  double y;
};

struct Plot {
  const LineChart& chart;
  std::vector<Series> series;  // sorted, equally long
  Axis x;
  Axis y;
  double left, right, top, bottom;

  bool placeable(const Series& s, size_t i) const {
    return can_plot(s.x[i], chart.log_x) && can_plot(s.y[i], chart.log_y);
  }
  Point place(const Series& s, size_t i) const { return {x.pixel(s.x[i]), y.pixel(s.y[i])}; }
};

Series in_order(Series series) {
  const size_t n = std::min(series.x.size(), series.y.size());
  series.x.resize(n);
  series.y.resize(n);
  const auto is_after = [](double a, double b) { return !(a <= b); };
  if (std::adjacent_find(series.x.begin(), series.x.end(), is_after) == series.x.end()) {
    return series;
  }
  std::vector<size_t> order;
  for (size_t i = 0; i < n; ++i) {
    if (!std::isnan(series.x[i])) {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return series.x[a] < series.x[b]; });
  Series sorted{series.name, {}, {}, series.smooth};
  for (const size_t i : order) {
    sorted.x.push_back(series.x[i]);
    sorted.y.push_back(series.y[i]);
  }
  return sorted;
}

// Mean over the window of n/40 points around each one; gaps stay gaps.
std::vector<double> running_mean(const std::vector<double>& y, bool log) {
  const size_t half = std::max<size_t>(2, y.size() / 80);
  std::vector<double> sum(y.size() + 1, 0);
  std::vector<size_t> count(y.size() + 1, 0);
  for (size_t i = 0; i < y.size(); ++i) {
    const bool ok = can_plot(y[i], log);
    sum[i + 1] = sum[i] + (ok ? y[i] : 0);
    count[i + 1] = count[i] + (ok ? 1 : 0);
  }
  std::vector<double> mean(y.size(), std::numeric_limits<double>::quiet_NaN());
  for (size_t i = 0; i < y.size(); ++i) {
    if (!can_plot(y[i], log)) {
      continue;
    }
    // At the start the window shrinks on both sides, so that the steep part of a loss curve is not flattened;
    // at the end only ahead, so that the last point is a mean too.
    const size_t back = std::min(half, i);
    const size_t end = std::min(i + back, y.size() - 1) + 1;
    mean[i] = (sum[end] - sum[i - back]) / static_cast<double>(count[end] - count[i - back]);
  }
  return mean;
}

// Path data in tenths of a pixel with relative moves: about six bytes a point.
class PathWriter {
 public:
  void gap() { pen_up_ = true; }
  void add(Point p) {
    const long x = std::lround(p.x * 10);
    const long y = std::lround(p.y * 10);
    if (pen_up_) {
      path_ += "M" + tenths(x) + separated(y);
    } else if (x != x_ || y != y_) {
      path_ += "l" + tenths(x - x_) + separated(y - y_);
    }
    pen_up_ = false;
    x_ = x;
    y_ = y;
  }
  const std::string& data() const { return path_; }

 private:
  static std::string tenths(long value) {
    const long magnitude = std::labs(value);
    std::string out = value < 0 ? "-" : "";
    if (magnitude >= 10 || magnitude == 0) {
      out += std::to_string(magnitude / 10);
    }
    if (magnitude % 10 != 0) {
      out += "." + std::to_string(magnitude % 10);
    }
    return out;
  }
  static std::string separated(long value) { return (value < 0 ? "" : " ") + tenths(value); }

  std::string path_;
  bool pen_up_ = true;
  long x_ = 0;
  long y_ = 0;
};

// At most two points a pixel column: its lowest and its highest, in the order in which they came.
std::string path_of(const Plot& plot, const Series& s, double column_pixels) {
  PathWriter path;
  const bool all = s.x.size() <= 2 * static_cast<size_t>(std::max(1.0, plot.right - plot.left));
  for (size_t i = 0; i < s.x.size();) {
    if (!plot.placeable(s, i)) {
      path.gap();
      ++i;
      continue;
    }
    size_t low = i, high = i;
    const double column = std::floor(plot.x.pixel(s.x[i]) / column_pixels);
    size_t end = i + 1;
    while (!all && end < s.x.size() && plot.placeable(s, end) &&
           std::floor(plot.x.pixel(s.x[end]) / column_pixels) == column) {
      low = s.y[end] < s.y[low] ? end : low;
      high = s.y[end] > s.y[high] ? end : high;
      ++end;
    }
    path.add(plot.place(s, std::min(low, high)));
    if (low != high) {
      path.add(plot.place(s, std::max(low, high)));
    }
    i = end;
  }
  return path.data();
}

std::string summary_of(const Series& s) {
  const auto usable = [](double value) { return std::isfinite(value); };
  const auto first = std::find_if(s.y.begin(), s.y.end(), usable);
  if (first == s.y.end()) {
    return s.name + ": no finite value";
  }
  const auto last = std::find_if(s.y.rbegin(), s.y.rend(), usable);
  size_t best = static_cast<size_t>(first - s.y.begin());
  size_t worst = best;
  for (size_t i = best; i < s.y.size(); ++i) {
    best = s.y[i] < s.y[best] ? i : best;
    worst = std::isfinite(s.y[i]) && s.y[i] > s.y[worst] ? i : worst;
  }
  return s.name + ": first " + human_number(*first) + ", last " + human_number(*last) + ", lowest " +
         human_number(s.y[best]) + " at " + human_number(s.x[best], 9) + ", highest " +
         human_number(s.y[worst]);
}

std::string path_element(const std::string& data, const std::string& css_class, const std::string& title) {
  if (data.empty()) {
    return "";
  }
  const std::string inner = title.empty() ? "" : "<title>" + escape_markup(title) + "</title>";
  return "<path class=\"" + css_class + "\" d=\"" + data + "\">" + inner + "</path>";
}

std::string draw_series(const Plot& plot, const Series& s, size_t index) {
  const std::string colour = " s" + std::to_string(index % kColours);
  const std::string title = summary_of(s);
  std::string out;
  if (s.smooth && s.x.size() >= kSmoothFrom) {
    out += path_element(path_of(plot, s, 1), "l raw" + colour, "");
    Series mean{s.name, s.x, running_mean(s.y, plot.chart.log_y), false};
    return out + path_element(path_of(plot, mean, 3), "l" + colour, title);
  }
  out += path_element(path_of(plot, s, 1), "l" + colour, title);
  for (size_t i = 0; s.x.size() < kDotsBelow && i < s.x.size(); ++i) {
    if (plot.placeable(s, i)) {
      const Point p = plot.place(s, i);
      out += "<circle class=\"d" + colour + "\" cx=\"" + px(p.x) + "\" cy=\"" + px(p.y) + "\" r=\"2.2\"/>";
    }
  }
  return out;
}

std::string draw_axes(const Plot& plot) {
  std::string grid, labels;
  for (const Tick& tick : plot.y.ticks) {
    const double y = plot.y.pixel(tick.value);
    grid += "M" + px(plot.left) + " " + px(y) + "H" + px(plot.right);
    labels += text_at(plot.left - 7, y + 3.8, tick.label, "", "end");
  }
  std::string marks;
  double free_from = -1e9;
  for (const Tick& tick : plot.x.ticks) {
    const double x = plot.x.pixel(tick.value);
    const double half = text_pixels(tick.label) / 2;
    marks += "M" + px(x) + " " + px(plot.bottom) + "v4";
    if (x - half > free_from) {
      labels += text_at(x, plot.bottom + 16, tick.label, "", "middle");
      free_from = x + half + 6;
    }
  }
  const std::string base = "M" + px(plot.left) + " " + px(plot.bottom) + "H" + px(plot.right);
  return "<path class=\"g\" d=\"" + grid + "\"/><path class=\"ax\" d=\"" + base + marks + "\"/>" + labels +
         text_at(plot.right, plot.bottom + 30, plot.chart.x_label, "", "end");
}

// Title and y label on the first line; names beside it where they fit, else below.
std::string draw_head(const Plot& plot, int width) {
  std::string out =
      "<text x=\"0\" y=\"13\"><tspan class=\"t\">" + escape_markup(plot.chart.title) + "</tspan>";
  double used = text_pixels(plot.chart.title) * 1.25;
  if (!plot.chart.y_label.empty()) {
    out += "<tspan dx=\"8\">" + escape_markup(plot.chart.y_label) + "</tspan>";
    used += text_pixels(plot.chart.y_label) + 8;
  }
  out += "</text>";
  if (plot.series.size() < 2) {
    return out;
  }
  double wanted = 0;
  for (const Series& s : plot.series) {
    wanted += text_pixels(s.name) + 34;
  }
  const bool beside = used + wanted + 20 < width;
  double x = beside ? width - wanted + 12 : 0;
  const double y = beside ? 13 : 31;
  for (size_t i = 0; i < plot.series.size(); ++i) {
    out += "<path class=\"l s" + std::to_string(i % kColours) + "\" d=\"M" + px(x) + " " + px(y - 4) +
           "h14\"/>" + text_at(x + 19, y, plot.series[i].name);
    x += text_pixels(plot.series[i].name) + 34;
  }
  return out;
}

// Invisible columns whose <title> gives the values near them.
std::string draw_hover(const Plot& plot) {
  std::string out = "<g class=\"h\">";
  const int columns = std::max(1, static_cast<int>((plot.right - plot.left) / kHoverPixels));
  const double width = (plot.right - plot.left) / columns;
  for (int c = 0; c < columns; ++c) {
    const double centre = plot.left + (c + 0.5) * width;
    std::string title;
    for (const Series& s : plot.series) {
      const auto after = std::partition_point(s.x.begin(), s.x.end(), [&](double x) {
        return !can_plot(x, plot.chart.log_x) || plot.x.pixel(x) < centre;
      });
      size_t i = static_cast<size_t>(after - s.x.begin());
      if (i == s.x.size() || (i > 0 && centre - plot.x.pixel(s.x[i - 1]) < plot.x.pixel(s.x[i]) - centre)) {
        i = i > 0 ? i - 1 : 0;
      }
      if (i < s.x.size() && plot.placeable(s, i) &&
          std::fabs(plot.x.pixel(s.x[i]) - centre) <= width * 0.75) {
        title +=
            title.empty() ? plot.chart.x_label + " " + human_number(std::round(s.x[i] * 1e6) / 1e6, 9) : "";
        title += "\n" + s.name + " " + human_number(s.y[i]);
      }
    }
    if (!title.empty()) {
      out += "<rect x=\"" + px(centre - width / 2) + "\" y=\"" + px(plot.top) + "\" width=\"" + px(width) +
             "\" height=\"" + px(plot.bottom - plot.top) + "\"><title>" + escape_markup(title) +
             "</title></rect>";
    }
  }
  return out + "</g>";
}

void set_axes(Plot& plot, SvgSize size) {
  double x0 = std::numeric_limits<double>::infinity(), x1 = -x0, y0 = x0, y1 = -x0;
  for (const Series& s : plot.series) {
    for (size_t i = 0; i < s.x.size(); ++i) {
      if (plot.placeable(s, i)) {
        x0 = std::min(x0, s.x[i]);
        x1 = std::max(x1, s.x[i]);
        y0 = std::min(y0, s.y[i]);
        y1 = std::max(y1, s.y[i]);
      }
    }
  }
  if (plot.chart.y_from_zero && !plot.chart.log_y && y0 <= y1) {
    y0 = std::min(y0, 0.0);
    y1 = std::max(y1, 0.0);
  }
  plot.y = make_axis({y0, y1, plot.chart.log_y, true}, std::max(2, size.height / 55));
  plot.x = make_axis({x0, x1, plot.chart.log_x, false}, std::max(2, size.width / 100));
  double label_width = 0;
  for (const Tick& tick : plot.y.ticks) {
    label_width = std::max(label_width, text_pixels(tick.label));
  }
  plot.left = std::round(label_width + 9);
  plot.right = size.width - 10;
  plot.top = size.width < kNarrow && plot.series.size() > 1 ? 46 : 30;
  plot.bottom = size.height - (plot.chart.x_label.empty() ? 24 : 36);
  plot.x.from_px = plot.left;
  plot.x.to_px = plot.right;
  plot.y.from_px = plot.bottom;
  plot.y.to_px = plot.top;
}

}  // namespace

std::string svg_of(const LineChart& chart, SvgSize size) {
  Plot plot{chart, {}, {}, {}, 0, 0, 0, 0};
  for (const Series& s : chart.series) {
    plot.series.push_back(in_order(s));
  }
  set_axes(plot, size);
  std::string out =
      svg_open(size.width, size.height, chart.title) + draw_head(plot, size.width) + draw_axes(plot);
  for (size_t i = plot.series.size(); i-- > 0;) {  // the first series lies on top
    out += draw_series(plot, plot.series[i], i);
  }
  if (size.width >= kNarrow) {
    out += draw_hover(plot);
  }
  return out + "</svg>";
}

}  // namespace athanor
