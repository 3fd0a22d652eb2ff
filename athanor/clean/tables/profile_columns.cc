// One column at a time: its distribution.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "athanor/base/unicode.h"
#include "athanor/clean/tables/number_facts.h"
#include "athanor/clean/tables/profile.h"
#include "athanor/clean/tables/row_table.h"
#include "athanor/metric/number_sketch.h"

namespace athanor {

namespace {

constexpr int kBins = 24;
constexpr size_t kValueBytes = 80;

DistinctColumn distinct_numbers(const std::vector<double>& values) {
  DistinctColumn out;
  out.codes.assign(values.size(), -1);
  std::vector<uint32_t> order;
  for (size_t row = 0; row < values.size(); ++row) {
    if (!std::isnan(values[row])) {
      order.push_back(static_cast<uint32_t>(row));
    }
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return values[a] < values[b]; });
  for (size_t i = 0; i < order.size(); ++i) {
    out.distinct += i == 0 || values[order[i]] != values[order[i - 1]] ? 1 : 0;
    out.codes[order[i]] = out.distinct - 1;
  }
  return out;
}

DistinctColumn distinct_texts(const std::vector<std::string>& texts) {
  DistinctColumn out;
  std::unordered_map<std::string_view, int32_t> seen;
  for (const std::string& text : texts) {
    out.codes.push_back(text.empty() ? -1 : seen.emplace(text, static_cast<int32_t>(seen.size())).first->second);
  }
  out.distinct = static_cast<int32_t>(seen.size());
  return out;
}

DistinctColumn distinct_levels(const TableColumn& column) {
  DistinctColumn out{column.codes, 0};
  std::vector<uint8_t> seen(column.levels.size(), 0);
  for (const int32_t code : column.codes) {
    if (code >= 0 && seen[static_cast<size_t>(code)] == 0) {
      seen[static_cast<size_t>(code)] = 1;
      ++out.distinct;
    }
  }
  return out;
}

nlohmann::json histogram(const std::vector<double>& sorted) {
  const std::vector<double> edges = round_edges(sorted.front(), sorted.back(), kBins);
  std::vector<uint64_t> counts(edges.size() - 1, 0);
  for (const double value : sorted) {
    const auto above = std::upper_bound(edges.begin(), edges.end(), value) - edges.begin();
    const auto bin = std::clamp<int64_t>(above - 1, 0, static_cast<int64_t>(counts.size()) - 1);
    ++counts[static_cast<size_t>(bin)];
  }
  return {{"edges", edges}, {"counts", counts}};
}

void add_numbers(const std::vector<double>& sorted, nlohmann::json& out) {
  const double low = sorted.front(), high = sorted.back();
  out["min"] = low;
  out["max"] = high;
  out["quartiles"] = {quantile_of(sorted, 0.25), quantile_of(sorted, 0.5), quantile_of(sorted, 0.75)};
  out["mean"] = mean_of_numbers(sorted);
  out["deviation"] = deviation_of_numbers(sorted);
  out["zeros"] = std::upper_bound(sorted.begin(), sorted.end(), 0.0) - std::lower_bound(sorted.begin(), sorted.end(), 0.0);
  const auto bounds = outlier_bounds(sorted, "iqr", 1.5);
  if (bounds) {
    out["outside_fences"] = (std::lower_bound(sorted.begin(), sorted.end(), bounds->low) - sorted.begin()) +
                            (sorted.end() - std::upper_bound(sorted.begin(), sorted.end(), bounds->high));
  }
  if (low < high && std::isfinite(high - low)) {
    out["histogram"] = histogram(sorted);
  }
}

nlohmann::json frequent(const TableColumn& column, size_t top) {
  std::vector<uint64_t> counts(column.levels.size(), 0);
  for (const int32_t code : column.codes) {
    if (code >= 0) {
      ++counts[static_cast<size_t>(code)];
    }
  }
  std::vector<uint32_t> order(counts.size());
  std::iota(order.begin(), order.end(), 0);
  const size_t listed = std::min(top, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<int64_t>(listed), order.end(),
                    [&](uint32_t a, uint32_t b) { return counts[a] != counts[b] ? counts[a] > counts[b] : a < b; });
  auto values = nlohmann::json::array();
  for (size_t i = 0; i < listed && counts[order[i]] > 0; ++i) {
    values.push_back({{"value", std::string(utf8_prefix(column.levels[order[i]], kValueBytes))}, {"rows", counts[order[i]]}});
  }
  return values;
}

}  // namespace

std::vector<DistinctColumn> distinct_columns(const Table& table, ThreadPool& pool) {
  std::vector<DistinctColumn> all(table.columns.size());
  pool.parallel_for(all.size(), [&](size_t i) {
    const TableColumn& column = table.columns[i];
    switch (column.kind) {
      case ColumnKind::kNumber:
      case ColumnKind::kDate:
        all[i] = distinct_numbers(column.numbers);
        break;
      case ColumnKind::kCategory:
        all[i] = distinct_levels(column);
        break;
      case ColumnKind::kText:
      case ColumnKind::kImage:
        all[i] = distinct_texts(column.texts);
        break;
      case ColumnKind::kSparse:
        break;
    }
  });
  return all;
}

nlohmann::json profile_column(const TableColumn& column, const DistinctColumn& distinct, const ColumnNote* note, size_t top) {
  nlohmann::json out{{"name", column.name}, {"kind", name_of(column.kind)}};
  if (column.kind == ColumnKind::kSparse) {
    out["features"] = column.width;
    out["values"] = column.sparse.values.size();
    return out;
  }
  out["missing"] = std::count(distinct.codes.begin(), distinct.codes.end(), -1);
  out["distinct"] = distinct.distinct;
  if (note != nullptr && note->infinite + note->unreadable > 0) {
    out["infinite"] = note->infinite;
    out["unreadable"] = note->unreadable;
    out["example"] = note->example;
  }
  out["mixed"] = note != nullptr && note->mixed;
  if (distinct.distinct == 0) {
    return out;
  }
  if (column.kind == ColumnKind::kNumber) {
    add_numbers(sorted_numbers(column.numbers), out);
  } else if (column.kind == ColumnKind::kDate) {
    const std::vector<double> sorted = sorted_numbers(column.numbers);
    out["from"] = date_text(sorted.front());
    out["to"] = date_text(sorted.back());
    out["middle"] = date_text(std::round(quantile_of(sorted, 0.5)));
  } else if (column.kind == ColumnKind::kCategory) {
    out["values"] = frequent(column, top);
  } else if (column.kind == ColumnKind::kText) {
    std::vector<double> lengths;
    for (const std::string& text : column.texts) {
      if (!text.empty()) {
        lengths.push_back(static_cast<double>(count_code_points(text)));
      }
    }
    std::sort(lengths.begin(), lengths.end());
    out["characters"] = {lengths.front(), quantile_of(lengths, 0.5), lengths.back()};
  }
  return out;
}

}  // namespace athanor
