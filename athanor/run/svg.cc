// Bars, histograms, funnels, and what all charts share.
#include "athanor/run/svg.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/format.h"
#include "athanor/base/format_width.h"
#include "athanor/run/svg_axis.h"

namespace athanor {

namespace {

constexpr double kHeadPixels = 26;

std::string head(const std::string& title, const std::string& label) {
  if (title.empty()) {
    return "";
  }
  std::string out = "<text x=\"0\" y=\"13\"><tspan class=\"t\">" + escape_markup(title) + "</tspan>";
  return out + (label.empty() ? "" : "<tspan dx=\"8\">" + escape_markup(label) + "</tspan>") + "</text>";
}

std::string rect(double x, double y, double width, double height, const char* css_class,
                 const std::string& title) {
  return std::string("<rect class=\"") + css_class + "\" x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"" +
         px(std::max(0.0, width)) + "\" height=\"" + px(std::max(0.0, height)) + "\"><title>" +
         escape_markup(title) + "</title></rect>";
}

double sane(double value) {
  return can_plot(value, false) && value > 0 ? value : 0;
}

std::string count_text(double value) {
  const bool whole = std::fabs(value) < 1e15 && value == std::floor(value);
  return whole ? grouped_integer(static_cast<int64_t>(value)) : human_number(value);
}

// The column of names at the left: as wide as the longest, at most a third of the chart.
struct NameColumn {
  double width;
  int columns;
};

template <typename Names>
NameColumn name_column(const Names& names, int chart_width) {
  double widest = 0;
  for (const std::string& name : names) {
    widest = std::max(widest, text_pixels(name));
  }
  const double width = std::min(widest, chart_width / 3.0);
  return {width + 12, std::max(1, static_cast<int>(width / 6.3 + 0.5))};
}

}  // namespace

std::string svg_of(const BarChart& chart, SvgSize size) {
  constexpr double kRow = 22;
  const size_t rows = std::min(chart.labels.size(), chart.values.size());
  const double top = chart.title.empty() ? 4 : kHeadPixels;
  const NameColumn names = name_column(chart.labels, size.width);
  double largest = 0;
  double value_width = 0;
  for (size_t i = 0; i < rows; ++i) {
    largest = std::max(largest, sane(chart.values[i]));
    value_width = std::max(value_width, text_pixels(count_text(chart.values[i])));
  }
  const double room = std::max(10.0, size.width - names.width - value_width - 8);
  std::string out =
      svg_open(size.width, static_cast<int>(top + kRow * static_cast<double>(rows) + 4), chart.title);
  out += head(chart.title, chart.unit);
  for (size_t i = 0; i < rows; ++i) {
    const double y = top + kRow * static_cast<double>(i);
    const double width = largest > 0 ? room * sane(chart.values[i]) / largest : 0;
    const std::string value = count_text(chart.values[i]);
    out += text_at(names.width - 12, y + 14, cut_to_width(chart.labels[i], names.columns), "n", "end");
    out += rect(names.width, y + 4, width, 13, "b", chart.labels[i] + ": " + value + " " + chart.unit);
    out += text_at(names.width + width + 6, y + 14, value);
  }
  return out + "</svg>";
}

std::string svg_of(const Histogram& chart, SvgSize size) {
  const size_t bins = chart.edges.empty() ? 0 : std::min(chart.counts.size(), chart.edges.size() - 1);
  double largest = 0;
  for (size_t i = 0; i < bins; ++i) {
    largest = std::max(largest, sane(chart.counts[i]));
  }
  const bool usable = bins > 0 && can_plot(chart.edges[0], chart.log_x) && can_plot(chart.edges[bins], chart.log_x);
  Axis y = make_axis({0, largest, false, true}, std::max(2, size.height / 55));
  Axis x =
      make_axis({usable ? chart.edges[0] : 0, usable ? chart.edges[bins] : 1, usable && chart.log_x},
                std::max(2, size.width / 100));
  double label_width = 0;
  for (const Tick& tick : y.ticks) {
    label_width = std::max(label_width, text_pixels(tick.label));
  }
  x.from_px = label_width + 9;
  x.to_px = size.width - 10;
  y.from_px = size.height - (chart.x_label.empty() ? 24 : 36);
  y.to_px = 30;
  std::string grid, labels, bars;
  for (const Tick& tick : y.ticks) {
    grid += "M" + px(x.from_px) + " " + px(y.pixel(tick.value)) + "H" + px(x.to_px);
    labels += text_at(x.from_px - 7, y.pixel(tick.value) + 3.8, tick.label, "", "end");
  }
  for (const Tick& tick : x.ticks) {
    labels += text_at(x.pixel(tick.value), y.from_px + 16, tick.label, "", "middle");
  }
  for (size_t i = 0; usable && i < bins; ++i) {
    if (!can_plot(chart.edges[i], chart.log_x) || !can_plot(chart.edges[i + 1], chart.log_x)) {
      continue;
    }
    const double left = x.pixel(chart.edges[i]);
    const double right = x.pixel(chart.edges[i + 1]);
    const double height = y.from_px - y.pixel(sane(chart.counts[i]));
    bars += rect(left + 0.5, y.from_px - height, right - left - 1, height, "b",
                 human_number(chart.edges[i]) + " to " + human_number(chart.edges[i + 1]) + ": " +
                     count_text(chart.counts[i]));
  }
  return svg_open(size.width, size.height, chart.title) + head(chart.title, chart.y_label) +
         "<path class=\"g\" d=\"" + grid + "\"/>" + bars + labels +
         text_at(x.to_px, y.from_px + 30, chart.x_label, "", "end") + "</svg>";
}

std::string svg_of(const Funnel& funnel, SvgSize size) {
  constexpr double kRow = 40;
  std::vector<std::string> names;
  double value_width = 0;
  for (const FunnelStep& step : funnel.steps) {
    names.push_back(step.name);
    value_width = std::max(value_width, text_pixels(count_text(step.count) + " " + step.unit));
  }
  const NameColumn column = name_column(names, size.width);
  const double right = size.width - std::min(value_width + 10, size.width / 2.5);
  const double room = std::max(10.0, right - column.width);
  const double top = funnel.title.empty() ? 4 : kHeadPixels;
  std::string out =
      svg_open(size.width, static_cast<int>(top + kRow * static_cast<double>(names.size())), funnel.title);
  out += head(funnel.title, "");
  double scale = 1;  // the largest count of the steps that share a unit
  for (size_t i = 0; i < funnel.steps.size(); ++i) {
    const FunnelStep& step = funnel.steps[i];
    const bool continues = i > 0 && funnel.steps[i - 1].unit == step.unit;
    if (!continues) {
      scale = 0;
      for (size_t j = i; j < funnel.steps.size() && funnel.steps[j].unit == step.unit; ++j) {
        scale = std::max(scale, sane(funnel.steps[j].count));
      }
    }
    const double y = top + kRow * static_cast<double>(i);
    const double kept = scale > 0 ? room * sane(step.count) / scale : 0;
    const double before = continues && scale > 0 ? room * sane(funnel.steps[i - 1].count) / scale : kept;
    const double lost = continues ? funnel.steps[i - 1].count - step.count : 0;
    std::string note = step.note;
    if (lost > 0) {
      note = "−" + count_text(lost) + " (" + human_percent(lost / funnel.steps[i - 1].count) + ")" +
             (note.empty() ? "" : "  " + note);
    }
    out += text_at(column.width - 12, y + 14, cut_to_width(step.name, column.columns), "n", "end");
    out +=
        rect(column.width, y + 4, kept, 13, "b", step.name + ": " + count_text(step.count) + " " + step.unit);
    if (before > kept) {
      out += rect(column.width + kept, y + 4, std::max(1.5, before - kept), 13, "lost", note);
    }
    out += text_at(size.width, y + 14, count_text(step.count) + " " + step.unit, "n", "end");
    out += text_at(column.width, y + 30,
                   cut_to_width(note, static_cast<int>((size.width - column.width) / 6.3)));
  }
  return out + "</svg>";
}

std::string svg_css() {
  return R"(:root{--bar:#4b7b98;--lost:#c56a38;--s0:#b4531f;--s1:#3d6f8e;--s2:#5d8a4e;--s3:#8a5a94;--s4:#a8862a;--s5:#6d7480;
--ink:#1d1b19;--mut:#6b655e;--line:#e4dfd8;--axis:#a49c92;--bg:#fdfcfa}
@media (prefers-color-scheme:dark){:root{--bar:#4d7d9b;--lost:#d27a45;--s0:#e58a52;--s1:#7fb0cf;--s2:#93bf83;--s3:#c197ca;--s4:#d8b75c;--s5:#a3abb8;
--ink:#ece7e1;--mut:#9d958c;--line:#35312d;--axis:#6d665f;--bg:#171513}}
.sv{display:block;width:100%;height:auto;overflow:visible}
.sv text{font:11px system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,"PingFang SC","Microsoft YaHei","Noto Sans CJK SC","WenQuanYi Zen Hei",sans-serif;fill:var(--mut);font-variant-numeric:tabular-nums;white-space:pre}
.sv .t{font-size:13px;font-weight:600;fill:var(--ink)}.sv .n{fill:var(--ink)}
.sv .g{stroke:var(--line);fill:none}.sv .ax{stroke:var(--axis);fill:none}
.sv .l{fill:none;stroke-width:1.6;stroke-linejoin:round;stroke-linecap:round}.sv .raw{stroke-width:1;opacity:.3}
.sv .s0{stroke:var(--s0)}.sv .s1{stroke:var(--s1)}.sv .s2{stroke:var(--s2)}.sv .s3{stroke:var(--s3)}.sv .s4{stroke:var(--s4)}.sv .s5{stroke:var(--s5)}
.sv .d{fill:var(--bg);stroke-width:1.5}.sv .b{fill:var(--bar)}.sv .lost{fill:var(--lost)}
.sv .h rect{fill:transparent}.sv .h rect:hover{fill:var(--mut);fill-opacity:.12}
)";
}

std::string svg_document(const std::string& fragment) {
  const size_t open_end = fragment.find('>');
  if (open_end == std::string::npos) {
    return fragment;
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" + fragment.substr(0, open_end + 1) + "<style>" +
         svg_css() + "svg{background:var(--bg)}</style>" + fragment.substr(open_end + 1) + "\n";
}

std::string escape_markup(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t c = take_code_point(text);
    const bool forbidden = (c < 0x20 && c != '\t' && c != '\n' && c != '\r') || (c >= 0x7F && c < 0xA0) ||
                           c == 0xFFFE || c == 0xFFFF || c == 0xFFFD;
    if (forbidden) {
      out += "\xEF\xBF\xBD";
    } else if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else if (c == '"') {
      out += "&quot;";
    } else if (c == '\'') {
      out += "&#39;";
    } else {
      out += before.substr(0, before.size() - text.size());
    }
  }
  return out;
}

}  // namespace athanor
