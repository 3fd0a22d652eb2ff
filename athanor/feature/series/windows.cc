// Series as statistics over windows: the text of a document is a table of numbers, a line a step,
// each channel is cut into windows of equal length, each window gives a few numbers.
#include <algorithm>
#include <cmath>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/data/tables/cells.h"
#include "athanor/feature/kinds.h"
#include "athanor/feature/numeric/columns.h"
#include "athanor/metric/bootstrap.h"

namespace athanor {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kMaxChannels = 4096;

using Values = std::vector<double>;

// What a window holds: the values that are there, and the step of each. A gap has no value, and keeps its step.
struct Window {
  Values values;
  Values steps;  // ascending
};

// The line of least squares through (step, value): its slope.
double slope_of(const Window& w) {
  const double middle = mean_of(w.steps), mean = mean_of(w.values);
  double both = 0, squares = 0;
  for (size_t i = 0; i < w.values.size(); ++i) {
    const double d = w.steps[i] - middle;
    both += d * (w.values[i] - mean);
    squares += d * d;
  }
  return squares > 0 ? both / squares : 0;
}

// Correlation of each value with the one a step before, where both are there.
double echo_of(const Window& w) {
  const Values& v = w.values;
  const double mean = mean_of(v);
  double both = 0, squares = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    squares += (v[i] - mean) * (v[i] - mean);
    both += i > 0 && w.steps[i] - w.steps[i - 1] == 1 ? (v[i] - mean) * (v[i - 1] - mean) : 0;
  }
  return squares > 0 ? both / squares : 0;
}

double crossings_of(const Window& w) {
  const Values& v = w.values;
  const double mean = mean_of(v);
  double count = 0;
  for (size_t i = 1; i < v.size(); ++i) {
    count += (v[i] > mean) != (v[i - 1] > mean) ? 1 : 0;
  }
  return v.size() > 1 ? count / (w.steps.back() - w.steps.front()) : 0;
}

double median_of(Values v) {
  std::sort(v.begin(), v.end());
  return quantile_of_sorted(v, 0.5);
}

struct Statistic {
  const char* name;
  double (*of)(const Window& window);
};
constexpr Statistic kStatistics[] = {
    {"mean", [](const Window& w) { return mean_of(w.values); }},
    {"deviation", [](const Window& w) { return std::sqrt(variance_of(w.values, mean_of(w.values))); }},
    {"min", [](const Window& w) { return *std::min_element(w.values.begin(), w.values.end()); }},
    {"max", [](const Window& w) { return *std::max_element(w.values.begin(), w.values.end()); }},
    {"median", [](const Window& w) { return median_of(w.values); }},
    {"slope", &slope_of},
    {"last", [](const Window& w) { return w.values.back(); }},
    {"echo", &echo_of},
    {"crossings", &crossings_of}};

struct WindowsOptions {
  int64_t windows = 1;
  std::vector<std::string> statistics = {"mean",  "deviation", "min",  "max",      "median",
                                         "slope", "last",      "echo", "crossings"};
  static void fields(Fields<WindowsOptions>& f) {
    f.add("windows", &WindowsOptions::windows, "parts that each series is cut into").range(1, 1000);
    f.add("statistics", &WindowsOptions::statistics,
          "of mean, deviation, min, max, median, slope (a step), last, echo (correlation with the "
          "step before), crossings (of the mean, a step); a gap keeps its step");
  }
};

class Windows : public Encoder {
 public:
  explicit Windows(WindowsOptions options) : options_(std::move(options)) {
    std::vector<std::string> names;
    for (const Statistic& one : kStatistics) {
      names.emplace_back(one.name);
    }
    for (const std::string& wanted : options_.statistics) {
      const auto found = std::find_if(std::begin(kStatistics), std::end(kStatistics),
                                      [&](const Statistic& one) { return wanted == one.name; });
      if (found == std::end(kStatistics)) {
        throw Error(ErrorKind::kUsage, "there is no statistic '" + wanted + "'",
                    "windows.statistics", did_you_mean(wanted, names));
      }
      statistics_.push_back(found);
    }
  }

  Matrix fit(std::span<const TableColumn* const> columns, const Target*,
             FitContext& context) override {
    channels_.clear();
    column_ = columns[0]->name;
    for (const std::string& text : columns[0]->texts) {
      std::vector<std::string> names;
      const auto series = read(text, names);
      for (size_t i = channels_.size(); i < series.size(); ++i) {
        channels_.push_back(i < names.size() ? names[i] : std::to_string(i));
      }
    }
    if (channels_.empty()) {
      throw Error(ErrorKind::kInput,
                  "the texts of column '" + column_ + "' hold no series of numbers", "",
                  "a line a step, commas between numbers");
    }
    return apply(columns, context.pool);
  }

  // What a series lacks (a channel, steps for all windows) is missing.
  Matrix apply(std::span<const TableColumn* const> columns, ThreadPool& pool) const override {
    const auto& texts = columns[0]->texts;
    const auto windows = static_cast<size_t>(options_.windows);
    Matrix out = Matrix::dense(texts.size(), channels_.size() * windows * statistics_.size());
    pool.parallel_for(texts.size(), [&](size_t row) {
      std::vector<std::string> names;
      const auto series = read(texts[row], names);
      double* to = out.row(row);
      for (size_t channel = 0; channel < channels_.size(); ++channel) {
        for (size_t window = 0; window < windows; ++window) {
          const size_t steps = channel < series.size() ? series[channel].size() : 0;
          Window in_it;
          for (size_t i = steps * window / windows; i < steps * (window + 1) / windows; ++i) {
            if (!std::isnan(series[channel][i])) {
              in_it.values.push_back(series[channel][i]);
              in_it.steps.push_back(static_cast<double>(i));
            }
          }
          for (const Statistic* statistic : statistics_) {
            *to++ = in_it.values.empty() ? kNaN : statistic->of(in_it);
          }
        }
      }
    });
    for (const std::string& channel : channels_) {
      for (size_t window = 0; window < windows; ++window) {
        for (const Statistic* statistic : statistics_) {
          out.names.push_back(column_ + "." + channel + "." + statistic->name +
                              (windows > 1 ? " " + std::to_string(window + 1) : ""));
        }
      }
    }
    return out;
  }

  void save(SavedWriter& out) const override {
    out.json()["column"] = column_;
    out.json()["channels"] = channels_;
  }
  void load(const SavedReader& in) override {
    column_ = in.get<std::string>("column");
    channels_ = in.get<std::vector<std::string>>("channels");
    if (channels_.size() > kMaxChannels) {
      in.fail("too many channels");
    }
  }

 private:
  // Channels x steps. A first line that is no numbers names the channels; a cell that is no number
  // is missing; in a series of one channel an empty line is a step without a number.
  static std::vector<Values> read(std::string_view text, std::vector<std::string>& names) {
    std::vector<Values> series;
    bool first = true;
    size_t step = 0, empty_lines = 0;
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (trimmed_cell(line).empty()) {
        ++empty_lines;
        continue;
      }
      std::vector<std::string> cells;
      Values values;
      size_t numbers = 0;
      while (true) {
        const size_t comma = std::min(line.find_first_of(",;\t"), line.size());
        double value = kNaN;
        const std::string_view cell = trimmed_cell(line.substr(0, comma));
        const bool is_number = parse_number(cell, value) == NumberCell::kNumber;
        numbers += is_number ? 1 : 0;
        cells.emplace_back(cell);
        values.push_back(is_number ? value : kNaN);
        if (comma == line.size() || values.size() == kMaxChannels) {
          break;
        }
        line.remove_prefix(comma + 1);
      }
      if (first && numbers == 0) {
        names = std::move(cells);
      } else {
        series.resize(std::max(series.size(), values.size()), Values(step, kNaN));
        if (series.size() == 1) {
          series[0].resize(step += empty_lines, kNaN);
        }
        for (size_t i = 0; i < series.size(); ++i) {
          series[i].push_back(i < values.size() ? values[i] : kNaN);
        }
        ++step;
      }
      empty_lines = 0;
      first = false;
    }
    return series;
  }

  WindowsOptions options_;
  std::vector<const Statistic*> statistics_;
  std::string column_;
  std::vector<std::string> channels_;
};

}  // namespace

EncoderKind windows_kind() {
  return make_encoder_kind<Windows, WindowsOptions>(
      "windows", "series (a text of numbers, a line a step) as statistics over windows",
      {ColumnKind::kText});
}

}  // namespace athanor
