// A table of numbers as coloured squares: correlations, a confusion matrix.
#include <algorithm>
#include <cmath>

#include "athanor/base/format.h"
#include "athanor/base/format_width.h"
#include "athanor/run/svg.h"
#include "athanor/run/svg_axis.h"

namespace athanor {

namespace {

constexpr double kHead = 26, kCharacter = 6.3, kLeastText = 26, kMostCell = 64;

std::string square(double x, double y, double width, double height, double value, double full, const std::string& title) {
  const double strength = full > 0 ? std::min(1.0, std::abs(value) / full) : 0;
  return "<rect x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"" + px(width) + "\" height=\"" + px(height) + "\" fill=\"var(--s" +
         (value < 0 ? "1" : "0") + ")\" fill-opacity=\"" + fixed_number(0.04 + 0.66 * strength, 2) + "\"><title>" +
         escape_markup(title) + "</title></rect>";
}

}  // namespace

std::string svg_of(const HeatMap& chart, SvgSize size) {
  const size_t rows = chart.rows.size();
  const size_t columns = rows == 0 ? 0 : std::min(chart.columns.size(), chart.values.size() / rows);
  double widest = 0;
  for (const std::string& name : chart.rows) {
    widest = std::max(widest, text_pixels(name));
  }
  const double left = std::min(widest, size.width / 4.0) + 10;
  const double cell = columns == 0 ? 1 : std::min(kMostCell, (size.width - left) / static_cast<double>(columns));
  const double height = std::min(30.0, std::max(16.0, cell * 0.6));
  const double names = 14 + 3.2 * 14;  // turned column names, cut to 14 characters
  const double top = (chart.title.empty() ? 4 : kHead) + names;
  std::string out = svg_open(size.width, static_cast<int>(top + height * static_cast<double>(rows) + 6), chart.title);
  if (!chart.title.empty()) {
    out += "<text x=\"0\" y=\"13\"><tspan class=\"t\">" + escape_markup(chart.title) + "</tspan><tspan dx=\"8\">" +
           escape_markup(chart.unit) + "</tspan></text>";
  }
  for (size_t c = 0; c < columns; ++c) {
    const double x = left + cell * (static_cast<double>(c) + 0.5);
    out += "<g transform=\"rotate(-38 " + px(x) + " " + px(top - 6) + ")\">" +
           text_at(x, top - 6, cut_to_width(chart.columns[c], 14)) + "</g>";
  }
  for (size_t r = 0; r < rows; ++r) {
    const double y = top + height * static_cast<double>(r);
    out += text_at(left - 8, y + height / 2 + 4, cut_to_width(chart.rows[r], static_cast<int>((left - 10) / kCharacter + 0.5)), "n", "end");
    for (size_t c = 0; c < columns; ++c) {
      const double value = chart.values[r * columns + c];
      if (!std::isfinite(value)) {
        continue;
      }
      const std::string text = fixed_number(value, chart.digits);
      const double x = left + cell * static_cast<double>(c);
      out += square(x + 0.5, y + 0.5, cell - 1, height - 1, value, chart.full, chart.rows[r] + ", " + chart.columns[c] + ": " + text);
      if (cell >= kLeastText) {
        out += text_at(x + cell / 2, y + height / 2 + 4, text, "n", "middle");
      }
    }
  }
  return out + "</svg>";
}

}  // namespace athanor
