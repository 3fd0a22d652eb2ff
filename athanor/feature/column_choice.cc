#include "athanor/feature/column_choice.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"

namespace athanor {

namespace {

constexpr std::pair<const char*, ColumnKind> kWords[] = {
    {"numbers", ColumnKind::kNumber}, {"categories", ColumnKind::kCategory},
    {"texts", ColumnKind::kText},     {"dates", ColumnKind::kDate},
    {"images", ColumnKind::kImage},   {"sparse", ColumnKind::kSparse}};
constexpr uint64_t kRowsForId = 20;  // fewer rows may well have all different categories
constexpr char kRest[] = "rest";

std::vector<std::string> as_list(const nlohmann::json& columns, const std::string& where) {
  std::vector<std::string> list;
  for (const auto& one : columns.is_array() ? columns : nlohmann::json::array({columns})) {
    if (!one.is_string()) {
      throw Error(ErrorKind::kUsage,
                  "columns are names, or numbers, categories, texts, dates, images, sparse, rest",
                  where);
    }
    list.push_back(one.get<std::string>());
  }
  return list;
}

std::string why_useless_numbers(const TableColumn& column, bool for_trees) {
  uint64_t present = 0;
  double first = 0, last = 0;
  bool one_value = true, counts_up = column.kind == ColumnKind::kNumber;
  for (const double value : column.numbers) {
    if (std::isnan(value)) {
      continue;
    }
    one_value = one_value && (present == 0 || value == first);
    counts_up = counts_up && (present == 0 || value == last + 1);
    first = present == 0 ? value : first;
    last = value;
    ++present;
  }
  const bool gaps = present < column.numbers.size();
  if (one_value && !(gaps && for_trees)) {
    return std::abs(first) < 0x1p53 ? "has one value" : "has one value to the 16 digits of a number";
  }
  return counts_up && !gaps && present >= kRowsForId ? "is an id: it counts the rows" : "";
}

std::string why_useless_categories(const TableColumn& column) {
  std::vector<bool> seen(column.levels.size(), false);
  uint64_t different = 0, missing = 0;
  for (const int32_t code : column.codes) {
    if (code < 0) {
      ++missing;
    } else if (!seen[static_cast<size_t>(code)]) {
      seen[static_cast<size_t>(code)] = true;
      ++different;
    }
  }
  if (different == 1 && missing == 0) {
    return "has one value";
  }
  return different == column.codes.size() && different >= kRowsForId
             ? "is an id: every row has another value"
             : "";
}

bool is_empty(const TableColumn& column) {
  switch (column.kind) {
    case ColumnKind::kNumber:
    case ColumnKind::kDate:
      return std::all_of(column.numbers.begin(), column.numbers.end(),
                         [](double value) { return std::isnan(value); });
    case ColumnKind::kCategory:
      return std::all_of(column.codes.begin(), column.codes.end(),
                         [](int32_t code) { return code < 0; });
    case ColumnKind::kSparse:
      return column.sparse.indices.empty();
    default:
      return std::all_of(column.texts.begin(), column.texts.end(),
                         [](const std::string& text) { return text.empty(); });
  }
}

}  // namespace

bool kind_of_word(const std::string& word, ColumnKind& kind) {
  for (const auto& [name, known] : kWords) {
    if (word == name) {
      kind = known;
      return true;
    }
  }
  return false;
}

const char* word_of_kind(ColumnKind kind) {
  for (const auto& [name, known] : kWords) {
    if (kind == known) {
      return name;
    }
  }
  return "";
}

std::string why_useless(const TableColumn& column, bool for_trees) {
  if (is_empty(column)) {
    return "has no values";
  }
  switch (column.kind) {
    case ColumnKind::kNumber:
    case ColumnKind::kDate:
      return why_useless_numbers(column, for_trees);
    case ColumnKind::kCategory:
      return why_useless_categories(column);
    default:
      return "";
  }
}

std::vector<const TableColumn*> choose_columns(const Table& table, const nlohmann::json& columns,
                                               const std::set<std::string>& taken, bool for_trees,
                                               const std::string& where,
                                               std::set<std::string>& left_out,
                                               FitContext& context) {
  std::set<std::string> chosen, named;
  for (const std::string& word : as_list(columns, where)) {
    ColumnKind kind = ColumnKind::kNumber;
    if (table.find(word) != nullptr) {
      chosen.insert(word);
      named.insert(word);
    } else if (word == kRest || kind_of_word(word, kind)) {
      for (const TableColumn& column : table.columns) {
        if (word == kRest ? taken.count(column.name) == 0 : column.kind == kind) {
          chosen.insert(column.name);
        }
      }
    } else {
      std::vector<std::string> known;
      for (const TableColumn& column : table.columns) {
        known.push_back(column.name);
      }
      throw Error(ErrorKind::kUsage, "the table has no column '" + word + "'", where,
                  did_you_mean(word, known));
    }
  }
  std::vector<const TableColumn*> out;
  for (const TableColumn& column : table.columns) {
    if (chosen.count(column.name) == 0) {
      continue;
    }
    const std::string why = why_useless(column, for_trees);
    if (why.empty() || (named.count(column.name) > 0 && why.starts_with("is an id"))) {
      out.push_back(&column);
    } else if (left_out.insert(column.name).second) {
      context.warn("column '" + column.name + "' " + why + ", and was left out");
    }
  }
  return out;
}

std::set<std::string> named_columns(const Table& table, const nlohmann::json& features) {
  std::set<std::string> names;
  for (const auto& group : features) {
    for (const std::string& word :
         as_list(group.value("columns", nlohmann::json(kRest)), "features.columns")) {
      ColumnKind kind = ColumnKind::kNumber;
      if (table.find(word) != nullptr) {
        names.insert(word);
      } else if (kind_of_word(word, kind)) {
        for (const TableColumn& column : table.columns) {
          if (column.kind == kind) {
            names.insert(column.name);
          }
        }
      }
    }
  }
  return names;
}

}  // namespace athanor
