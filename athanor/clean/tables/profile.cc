#include "athanor/clean/tables/profile.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "athanor/base/hash.h"
#include "athanor/clean/tables/association.h"
#include "athanor/clean/tables/number_facts.h"
#include "athanor/clean/tables/row_table.h"

namespace athanor {

namespace {

constexpr int32_t kMostLevels = 60;      // of a category that is compared with others
constexpr int32_t kMostClasses = 100;    // of a target
constexpr double kRareClass = 0.05;

nlohmann::json duplicate_rows(const Table& table, const std::vector<DistinctColumn>& distinct) {
  std::vector<const DistinctColumn*> columns;
  for (const DistinctColumn& one : distinct) {
    if (!one.codes.empty()) {
      columns.push_back(&one);
    }
  }
  std::unordered_map<std::string, uint64_t> seen;
  std::string key(columns.size() * sizeof(int32_t), '\0');
  uint64_t largest = 0;
  for (uint64_t row = 0; row < table.rows && !columns.empty(); ++row) {
    for (size_t i = 0; i < columns.size(); ++i) {
      const int32_t code = columns[i]->codes[row];
      std::copy_n(reinterpret_cast<const char*>(&code), sizeof code, key.data() + i * sizeof code);
    }
    largest = std::max(largest, ++seen[key]);
  }
  uint64_t groups = 0, rows = 0;
  for (const auto& [one, count] : seen) {
    groups += count > 1 ? 1 : 0;
    rows += count - 1;
  }
  return {{"rows", rows}, {"groups", groups}, {"largest", largest}};
}

// The rows that associations are read from, in their order.
std::vector<uint64_t> drawn_rows(const Table& table, size_t most) {
  std::vector<uint64_t> rows(table.rows);
  for (uint64_t row = 0; row < table.rows; ++row) {
    rows[row] = row;
  }
  if (table.rows <= most) {
    return rows;
  }
  std::vector<uint64_t> hashes(table.rows);
  for (uint64_t row = 0; row < table.rows; ++row) {
    hashes[row] = xxh3_64(table.ids.size() == table.rows ? table.ids[row] : std::to_string(row));
  }
  std::nth_element(rows.begin(), rows.begin() + static_cast<int64_t>(most), rows.end(),
                   [&](uint64_t a, uint64_t b) { return std::pair(hashes[a], a) < std::pair(hashes[b], b); });
  rows.resize(most);
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<AssociationColumn> association_columns(const Table& table, const std::vector<DistinctColumn>& distinct,
                                                   const ProfileOptions& options, const std::vector<uint64_t>& rows) {
  std::vector<AssociationColumn> all;
  const auto add = [&](size_t i) {
    const TableColumn& column = table.columns[i];
    AssociationColumn one;
    one.name = column.name;
    if (column.kind == ColumnKind::kCategory) {
      one.levels = static_cast<int32_t>(column.levels.size());
      for (const uint64_t row : rows) {
        one.codes.push_back(column.codes[row]);
      }
    } else {
      for (const uint64_t row : rows) {
        one.numbers.push_back(column.numbers[row]);
      }
    }
    all.push_back(std::move(one));
  };
  const auto usable = [&](size_t i) {
    const TableColumn& column = table.columns[i];
    const bool number = column.kind == ColumnKind::kNumber || column.kind == ColumnKind::kDate;
    const bool few = column.kind == ColumnKind::kCategory && distinct[i].distinct <= kMostLevels &&
                     static_cast<uint64_t>(distinct[i].distinct) * 2 <= table.rows;
    return distinct[i].distinct > 1 && (number || few);
  };
  for (size_t i = 0; i < table.columns.size(); ++i) {  // the target first, so that it is always among them
    if (table.columns[i].name == options.target && usable(i)) {
      add(i);
    }
  }
  for (size_t i = 0; i < table.columns.size() && all.size() < options.most_columns; ++i) {
    if (table.columns[i].name != options.target && usable(i)) {
      add(i);
    }
  }
  return all;
}

nlohmann::json heat(const std::vector<AssociationColumn>& columns, const std::vector<Association>& pairs, size_t top) {
  std::vector<size_t> chosen;  // columns of the strongest pairs
  for (const Association& pair : pairs) {
    for (const size_t column : {pair.a, pair.b}) {
      if (chosen.size() < top && std::find(chosen.begin(), chosen.end(), column) == chosen.end()) {
        chosen.push_back(column);
      }
    }
  }
  std::sort(chosen.begin(), chosen.end());
  std::vector<std::string> names;
  auto values = nlohmann::json::array();
  for (const size_t a : chosen) {
    names.push_back(columns[a].name);
    for (const size_t b : chosen) {
      const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const Association& pair) {
        return pair.a == std::min(a, b) && pair.b == std::max(a, b);
      });
      values.push_back(a == b ? nlohmann::json(1) : found == pairs.end() ? nlohmann::json() : nlohmann::json(found->value));
    }
  }
  return {{"names", names}, {"values", values}};
}

nlohmann::json associations(const Table& table, const std::vector<DistinctColumn>& distinct, const ProfileOptions& options,
                            ThreadPool& pool) {
  const std::vector<uint64_t> rows = drawn_rows(table, options.most_rows);
  const std::vector<AssociationColumn> columns = association_columns(table, distinct, options, rows);
  const std::vector<Association> all = all_associations(columns, pool);
  nlohmann::json out{{"columns", columns.size()}, {"rows", rows.size()}, {"pairs", nlohmann::json::array()},
                     {"with_target", nlohmann::json::array()}};
  for (const Association& one : all) {
    const bool of_target = columns[one.a].name == options.target || columns[one.b].name == options.target;
    for (const char* list : {"pairs", "with_target"}) {
      const bool wanted = std::string(list) == "pairs" || of_target;
      if (wanted && out[list].size() < 2 * options.top) {
        out[list].push_back({{"a", columns[one.a].name}, {"b", columns[one.b].name}, {"measure", one.measure}, {"value", one.value}});
        if (one.rank) {
          out[list].back()["rank"] = *one.rank;
        }
      }
    }
  }
  out["heat"] = heat(columns, all, options.top);
  return out;
}

nlohmann::json target_json(const TableColumn& column, const DistinctColumn& distinct) {
  nlohmann::json out{{"name", column.name}, {"kind", name_of(column.kind)},
                     {"missing", std::count(distinct.codes.begin(), distinct.codes.end(), -1)}};
  const bool numeric = column.kind == ColumnKind::kNumber;
  if ((column.kind != ColumnKind::kCategory && !numeric) || distinct.distinct > (numeric ? 20 : kMostClasses)) {
    return out;
  }
  std::vector<uint64_t> counts(static_cast<size_t>(std::max(distinct.distinct, numeric ? 0 : static_cast<int32_t>(column.levels.size()))), 0);
  std::vector<std::string> names(counts.size());
  uint64_t present = 0;
  for (size_t row = 0; row < distinct.codes.size(); ++row) {
    const int32_t code = distinct.codes[row];
    if (code >= 0) {
      ++present;
      ++counts[static_cast<size_t>(code)];
      names[static_cast<size_t>(code)] = numeric ? number_text(column.numbers[row]) : column.levels[static_cast<size_t>(code)];
    }
  }
  out["classes"] = nlohmann::json::array();
  uint64_t most = 0, least = present;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0) {
      const double share = static_cast<double>(counts[i]) / static_cast<double>(present);
      out["classes"].push_back({{"value", names[i]}, {"rows", counts[i]}, {"share", share}, {"rare", share < kRareClass}});
      most = std::max(most, counts[i]);
      least = std::min(least, counts[i]);
    }
  }
  out["most_to_least"] = least == 0 ? 0 : static_cast<double>(most) / static_cast<double>(least);
  return out;
}

}  // namespace

nlohmann::json profile_table(const Table& table, const TableNotes& notes, const ProfileOptions& options, ThreadPool& pool) {
  if (!options.target.empty()) {
    table.at(options.target);
  }
  const std::vector<DistinctColumn> distinct = distinct_columns(table, pool);
  std::vector<nlohmann::json> columns(table.columns.size());
  pool.parallel_for(columns.size(), [&](size_t i) {
    const auto note = std::find_if(notes.columns.begin(), notes.columns.end(),
                                   [&](const ColumnNote& one) { return one.name == table.columns[i].name; });
    columns[i] = profile_column(table.columns[i], distinct[i], note == notes.columns.end() ? nullptr : &*note, options.top);
  });
  nlohmann::json out{{"rows", table.rows}, {"columns", columns}};
  out["duplicate_rows"] = duplicate_rows(table, distinct);
  out["associations"] = associations(table, distinct, options, pool);
  out["leaks"] = profile_leaks(table, distinct, out["columns"], options.target);
  for (size_t i = 0; i < table.columns.size(); ++i) {
    if (table.columns[i].name == options.target && table.columns[i].kind != ColumnKind::kSparse) {
      out["target"] = target_json(table.columns[i], distinct[i]);
    }
  }
  return out;
}

}  // namespace athanor
