// Series: a text of numbers in CSV form, a line a step.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/base/text.h"
#include "athanor/feature/inputs.h"
#include "athanor/feature/running_statistics.h"

namespace athanor {

namespace {

constexpr float kMaxDeviations = 20;

std::vector<std::string> cells_of(std::string_view line) {
  for (const char separator : {',', '\t', ';'}) {
    if (line.find(separator) != std::string_view::npos) {
      return split_text(line, separator);
    }
  }
  return {std::string(line)};
}

std::string clean_name(const std::string& cell) {
  const size_t begin = cell.find_first_not_of(" #\"\r");
  return begin == std::string::npos ? "" : cell.substr(begin, cell.find_last_not_of(" \"\r") - begin + 1);
}

// Steps x columns; a missing value is NaN.
struct SeriesTable {
  std::vector<std::string> names;  // empty: no line of names
  std::vector<double> values;
  size_t columns = 0;
};

bool parse_series(std::string_view text, SeriesTable& table, std::string& reason) {
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) {
      continue;
    }
    const std::vector<std::string> cells = cells_of(line);
    double value = 0;
    const bool first = table.columns == 0;
    const bool has_number = std::any_of(cells.begin(), cells.end(), [&](const auto& cell) { return parse_cell(cell, value); });
    if (first) {
      table.columns = cells.size();
      if (!has_number) {
        for (const auto& cell : cells) {
          table.names.push_back(clean_name(cell));
        }
        continue;
      }
    }
    if (cells.size() != table.columns) {
      reason = "wrong number of columns";
      return false;
    }
    for (const auto& cell : cells) {
      table.values.push_back(parse_cell(cell, value) ? value : std::nan(""));
    }
  }
  if (table.values.empty()) {
    reason = "no numbers";
    return false;
  }
  return true;
}

struct SeriesColumn {
  std::string name;  // empty where series have no line of names
  double mean = 0;
  double deviation = 1;
};

class SeriesInputs : public Inputs {
 public:
  SeriesInputs(const InputOptions& options, const nlohmann::json* learnt) : options_(options) {
    if (learnt == nullptr) {
      return;
    }
    for (const auto& column : learnt->at("columns")) {
      columns_.push_back({column.at("name").get<std::string>(), column.at("mean").get<double>(),
                          column.at("deviation").get<double>()});
    }
  }

  InputShape shape() const override {
    InputShape shape;
    shape.kind = InputKind::kSeries;
    shape.num_values = static_cast<int64_t>(columns_.size());
    return shape;
  }

  void see(const Document& document) override {
    SeriesTable table;
    std::string reason;
    if (!parse_series(document.text, table, reason)) {
      return;
    }
    if (columns_.empty()) {
      choose_columns(table);
    }
    const std::vector<size_t> places = places_of(table);
    for (size_t c = 0; c < places.size(); ++c) {
      for (size_t at = places[c]; at < table.values.size(); at += table.columns) {
        if (!std::isnan(table.values[at])) {
          statistics_[c].add(table.values[at]);
        }
      }
    }
  }

  void finish() override {
    if (columns_.empty()) {
      throw Error(ErrorKind::kInput, "no training document's text is a table of numbers", "",
                  "a line a step, numbers between commas; collect with series: {rows: N} cuts tables into such texts");
    }
    for (size_t c = 0; c < columns_.size(); ++c) {
      columns_[c].mean = statistics_[c].mean;
      columns_[c].deviation = statistics_[c].deviation();
    }
  }

  bool add(const Document& document, Examples& out, std::string& reason) const override {
    SeriesTable table;
    if (!parse_series(document.text, table, reason)) {
      return false;
    }
    const std::vector<size_t> places = places_of(table);
    if (places.empty()) {
      reason = "wrong number of columns";
      return false;
    }
    const size_t steps = table.values.size() / table.columns;
    const size_t kept = std::min(steps, static_cast<size_t>(options_.max_length));
    out.cut += kept < steps ? 1 : 0;
    for (size_t step = steps - kept; step < steps; ++step) {
      for (size_t c = 0; c < places.size(); ++c) {
        const double value = table.values[step * table.columns + places[c]];
        const auto scaled = static_cast<float>((value - columns_[c].mean) / columns_[c].deviation);
        out.values.push_back(std::isnan(value) ? 0.0F : std::clamp(scaled, -kMaxDeviations, kMaxDeviations));
      }
    }
    out.offsets.push_back(out.offsets.back() + kept);
    ++out.count;
    return true;
  }

  nlohmann::json to_json() const override {
    nlohmann::json json{{"kind", "series"}, {"options", dump_options(options_, true)}, {"columns", nlohmann::json::array()}};
    for (const auto& column : columns_) {
      json["columns"].push_back({{"name", column.name}, {"mean", column.mean}, {"deviation", column.deviation}});
    }
    return json;
  }

 private:
  // By the first series: its names say which columns there are.
  void choose_columns(const SeriesTable& table) {
    const auto in = [](const std::vector<std::string>& list, const std::string& name) {
      return std::count(list.begin(), list.end(), name) > 0;
    };
    for (const auto& wanted : options_.columns) {
      if (!in(table.names, wanted)) {
        throw Error(ErrorKind::kUsage, "the series have no column '" + wanted + "'", "inputs.columns",
                    did_you_mean(wanted, table.names));
      }
    }
    for (size_t c = 0; c < table.columns; ++c) {
      const std::string name = table.names.empty() ? "" : table.names[c];
      if ((options_.columns.empty() || in(options_.columns, name)) && !in(options_.exclude, name)) {
        columns_.push_back({name});
      }
    }
    statistics_.resize(columns_.size());
  }

  // Where the columns stand in a table; empty when it does not have them.
  std::vector<size_t> places_of(const SeriesTable& table) const {
    std::vector<size_t> places;
    const bool by_name = !columns_.empty() && !columns_[0].name.empty();
    for (size_t c = 0; c < columns_.size(); ++c) {
      size_t place = c;
      if (by_name) {
        const auto found = std::find(table.names.begin(), table.names.end(), columns_[c].name);
        place = static_cast<size_t>(found - table.names.begin());
      }
      if (place >= table.columns || (by_name && table.names.empty())) {
        return {};
      }
      places.push_back(place);
    }
    return by_name || table.columns == columns_.size() ? places : std::vector<size_t>{};
  }

  InputOptions options_;
  std::vector<SeriesColumn> columns_;
  std::vector<RunningStatistics> statistics_;
};

}  // namespace

std::unique_ptr<Inputs> make_series_inputs(const InputOptions& options, const nlohmann::json* learnt) {
  return std::make_unique<SeriesInputs>(options, learnt);
}

}  // namespace athanor
