// Columns that tell too much or nothing: ids, copies of the target or of one another, constants.
#include <algorithm>
#include <cmath>

#include "athanor/base/format.h"
#include "athanor/clean/tables/profile.h"

namespace athanor {

namespace {

constexpr size_t kLeastRows = 20;      // fewer prove nothing
constexpr size_t kMostPairs = 40;      // told

// Whether equal codes of a always go with equal codes of b, over the rows that have both. `gaps`: they are missing together.
struct Mapping {
  bool forward = true, backward = true, gaps_agree = true;
  uint64_t rows = 0;
};

size_t end_of_codes(const DistinctColumn& column) {
  return static_cast<size_t>(*std::max_element(column.codes.begin(), column.codes.end()) + 1);
}

Mapping mapping_of(const DistinctColumn& a, const DistinctColumn& b) {
  std::vector<int32_t> to(end_of_codes(a), -1), back(end_of_codes(b), -1);
  Mapping mapping;
  for (size_t row = 0; row < a.codes.size() && (mapping.forward || mapping.backward); ++row) {
    const int32_t x = a.codes[row], y = b.codes[row];
    if (x < 0 || y < 0) {
      mapping.gaps_agree = mapping.gaps_agree && (x < 0) == (y < 0);
      continue;
    }
    ++mapping.rows;
    int32_t& there = to[static_cast<size_t>(x)];
    int32_t& here = back[static_cast<size_t>(y)];
    mapping.forward = mapping.forward && (there < 0 || there == y);
    mapping.backward = mapping.backward && (here < 0 || here == x);
    there = y;
    here = x;
  }
  return mapping;
}

bool equal_values(const TableColumn& a, const TableColumn& b) {
  if (a.kind != b.kind) {
    return false;
  }
  const auto same = [](double x, double y) { return x == y || (std::isnan(x) && std::isnan(y)); };
  if (a.kind == ColumnKind::kNumber || a.kind == ColumnKind::kDate) {
    return std::equal(a.numbers.begin(), a.numbers.end(), b.numbers.begin(), b.numbers.end(), same);
  }
  return a.kind == ColumnKind::kCategory ? a.levels == b.levels && a.codes == b.codes : a.texts == b.texts;
}

// Whole numbers, all different: a counter (close together), or a code.
bool is_whole(const TableColumn& column) {
  return std::all_of(column.numbers.begin(), column.numbers.end(),
                     [](double v) { return std::isnan(v) || (v == std::floor(v) && std::abs(v) < 1e15); });
}

bool named_id(const std::string& name) {
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  for (const char* end : {"id", "编号", "序号", "学号", "工号", "uuid", "key"}) {
    if (lower == end || lower.ends_with(std::string("_") + end) || (name.ends_with("Id") || name.ends_with("ID")) ||
        (static_cast<unsigned char>(end[0]) >= 0x80 && lower.ends_with(end))) {
      return true;
    }
  }
  return false;
}

bool is_id(const TableColumn& column, const DistinctColumn& distinct, uint64_t missing) {
  const uint64_t present = distinct.codes.size() - missing;
  if (present < kLeastRows || static_cast<uint64_t>(distinct.distinct) != present || column.kind == ColumnKind::kDate) {
    return false;
  }
  if (column.kind == ColumnKind::kNumber) {
    if (!is_whole(column)) {
      return false;
    }
    double low = INFINITY, high = -INFINITY;
    for (const double value : column.numbers) {
      low = std::isnan(value) ? low : std::min(low, value);
      high = std::isnan(value) ? high : std::max(high, value);
    }
    return named_id(column.name) || high - low < 2 * static_cast<double>(present);
  }
  return column.kind == ColumnKind::kCategory || (column.kind == ColumnKind::kText && named_id(column.name));
}

nlohmann::json leak(const char* what, const std::string& column, const std::string& other, const std::string& text,
                    const std::string& advice) {
  return {{"what", what}, {"column", column}, {"other", other}, {"text", text}, {"advice", advice}};
}

std::string drop_advice(const std::string& column) { return "drop_columns: {columns: [" + column + "]}"; }

void single_leaks(const Table& table, const std::vector<DistinctColumn>& distinct, const nlohmann::json& columns,
                  const std::string& target, nlohmann::json& leaks) {
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const TableColumn& column = table.columns[i];
    const std::string& name = column.name;
    if (column.kind == ColumnKind::kSparse) {
      continue;
    }
    const auto missing = columns[i].value("missing", uint64_t{0});
    if (distinct[i].distinct == 0) {
      leaks.push_back(leak("all_missing", name, "", "'" + name + "' has no value at all", drop_advice(name)));
    } else if (distinct[i].distinct == 1 && table.rows > 1) {
      leaks.push_back(leak("constant", name, "", "'" + name + "' has one value" + (missing > 0 ? " (and gaps)" : ""), drop_advice(name)));
    } else if (name != target && is_id(column, distinct[i], missing)) {
      leaks.push_back(leak("id", name, "", "'" + name + "' is different in every row: a number of the row, which says nothing of other rows",
                           drop_advice(name)));
    }
    if (columns[i].value("mixed", false)) {
      leaks.push_back(leak("mixed", name, "", "'" + name + "' holds numbers and other texts", "formats: {columns: [" + name +
                           "], as: number}, units, or read: {types: {" + name + ": category}}"));
    }
  }
}

// Columns that tell the target: each of their values goes with one of its.
void target_leaks(const Table& table, const std::vector<DistinctColumn>& distinct, size_t target, nlohmann::json& leaks) {
  const DistinctColumn& of = distinct[target];
  if (of.distinct < 2) {
    return;
  }
  for (size_t i = 0; i < table.columns.size(); ++i) {
    const TableColumn& column = table.columns[i];
    if (i == target || distinct[i].distinct < 2) {
      continue;
    }
    const std::string pair = "'" + column.name + "' and the target '" + table.columns[target].name + "'";
    if (equal_values(column, table.columns[target])) {
      leaks.push_back(leak("equal_to_target", column.name, table.columns[target].name, pair + " are equal in every row", drop_advice(column.name)));
      continue;
    }
    const Mapping mapping = mapping_of(distinct[i], of);
    // Each value twice in the mean, so that it is no accident of values that stand once.
    const bool enough = mapping.rows >= kLeastRows && mapping.rows >= 2 * static_cast<uint64_t>(distinct[i].distinct);
    if (!enough || !mapping.forward) {
      continue;
    }
    if (mapping.backward) {
      leaks.push_back(leak("one_to_one_with_target", column.name, table.columns[target].name, pair + " are one-to-one: the same under other names",
                           drop_advice(column.name)));
    } else {
      leaks.push_back(leak("tells_target", column.name, table.columns[target].name,
                           "each of the " + grouped_integer(distinct[i].distinct) + " values of '" + column.name + "' goes with one value of the target '" +
                               table.columns[target].name + "'", drop_advice(column.name) + ", unless it is known before the target is"));
    }
  }
}

void pair_leaks(const Table& table, const std::vector<DistinctColumn>& distinct, const std::string& target, nlohmann::json& leaks) {
  size_t told = 0;
  for (size_t i = 0; i < table.columns.size() && told < kMostPairs; ++i) {
    for (size_t j = 0; j < i && told < kMostPairs; ++j) {
      const TableColumn &a = table.columns[j], &b = table.columns[i];
      if (a.name == target || b.name == target || distinct[i].distinct < 2 || distinct[i].distinct != distinct[j].distinct) {
        continue;
      }
      if (equal_values(a, b)) {
        leaks.push_back(leak("duplicate_column", b.name, a.name, "'" + b.name + "' is equal to '" + a.name + "'", drop_advice(b.name)));
        ++told;
        continue;
      }
      const Mapping mapping = mapping_of(distinct[i], distinct[j]);
      if (mapping.forward && mapping.backward && mapping.gaps_agree && mapping.rows >= kLeastRows &&
          mapping.rows >= 2 * static_cast<uint64_t>(distinct[i].distinct)) {
        leaks.push_back(leak("one_to_one", b.name, a.name, "'" + b.name + "' and '" + a.name + "' are one-to-one: one of them is enough",
                             drop_advice(b.name)));
        ++told;
      }
    }
  }
}

}  // namespace

nlohmann::json profile_leaks(const Table& table, const std::vector<DistinctColumn>& distinct, const nlohmann::json& columns,
                             const std::string& target) {
  auto leaks = nlohmann::json::array();
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].name == target && table.columns[i].kind != ColumnKind::kSparse) {
      target_leaks(table, distinct, i, leaks);
    }
  }
  single_leaks(table, distinct, columns, target, leaks);
  pair_leaks(table, distinct, target, leaks);
  return leaks;
}

}  // namespace athanor
