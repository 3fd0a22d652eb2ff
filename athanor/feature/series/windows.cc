// Series as statistics over windows: the text of a document is a table of numbers, a line a step,
// as SeriesInputs reads it; each channel is cut into windows of equal length, each window gives a
// few numbers.
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

// The line of least squares through (0, v0), (1, v1) ...: its slope.
double slope_of(const Values& v) {
  const double middle = (static_cast<double>(v.size()) - 1) / 2, mean = mean_of(v);
  double both = 0, squares = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    const double d = static_cast<double>(i) - middle;
    both += d * (v[i] - mean);
    squares += d * d;
  }
  return squares > 0 ? both / squares : 0;
}

// Correlation of each value with the one before.
double echo_of(const Values& v) {
  const double mean = mean_of(v);
  double both = 0, squares = 0;
  for (size_t i = 0; i < v.size(); ++i) {
    squares += (v[i] - mean) * (v[i] - mean);
    both += i > 0 ? (v[i] - mean) * (v[i - 1] - mean) : 0;
  }
  return squares > 0 ? both / squares : 0;
}

double crossings_of(const Values& v) {
  const double mean = mean_of(v);
  double count = 0;
  for (size_t i = 1; i < v.size(); ++i) {
    count += (v[i] > mean) != (v[i - 1] > mean) ? 1 : 0;
  }
  return v.size() > 1 ? count / static_cast<double>(v.size() - 1) : 0;
}

double median_of(Values v) {
  std::sort(v.begin(), v.end());
  return quantile_of_sorted(v, 0.5);
}

struct Statistic {
  const char* name;
  double (*of)(const Values& values);
};
constexpr Statistic kStatistics[] = {
    {"mean", [](const Values& v) { return mean_of(v); }},
    {"deviation", [](const Values& v) { return std::sqrt(variance_of(v, mean_of(v))); }},
    {"min", [](const Values& v) { return *std::min_element(v.begin(), v.end()); }},
    {"max", [](const Values& v) { return *std::max_element(v.begin(), v.end()); }},
    {"median", [](const Values& v) { return median_of(v); }},
    {"slope", &slope_of},
    {"last", [](const Values& v) { return v.back(); }},
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
          "step before), crossings (of the mean, a step)");
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
          Values values;
          for (size_t i = steps * window / windows; i < steps * (window + 1) / windows; ++i) {
            if (!std::isnan(series[channel][i])) {
              values.push_back(series[channel][i]);
            }
          }
          for (const Statistic* statistic : statistics_) {
            *to++ = values.empty() ? kNaN : statistic->of(values);
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
  // is missing.
  static std::vector<Values> read(std::string_view text, std::vector<std::string>& names) {
    std::vector<Values> series;
    bool first = true;
    size_t step = 0;
    while (!text.empty()) {
      const size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (trimmed_cell(line).empty()) {
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
        for (size_t i = 0; i < series.size(); ++i) {
          series[i].push_back(i < values.size() ? values[i] : kNaN);
        }
        ++step;
      }
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
