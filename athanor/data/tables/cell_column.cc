#include "athanor/data/tables/cell_column.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
// A few cells that are no numbers do not make categories of a column of numbers.
constexpr double kShareOfKind = 0.95;
// Texts: long, and most of them different.
constexpr double kTextBytes = 20;
constexpr double kTextDistinct = 0.3;
constexpr uint64_t kTextMinDistinct = 20;
// Where so many of a column's different numbers run together as doubles they are names, not sizes.
constexpr double kShareLost = 0.25;

// "-1,234,567.5" without its commas; false where they do not stand before groups of three digits.
bool without_thousands(std::string_view text, std::string& out) {
  const size_t sign = text.starts_with('-') || text.starts_with('+') ? 1 : 0;
  const size_t first = text.find(','), last = text.rfind(',');
  const size_t end = std::min(text.find_first_not_of("0123456789", last + 1), text.size());
  for (size_t at = first; at < last; at += 4) {
    if (text.find(',', at + 1) != at + 4) {
      return false;
    }
  }
  out = text;
  std::erase(out, ',');
  return end == last + 4 && first > sign && first <= sign + 3 && text[sign] != '0';
}

}  // namespace

void CellColumn::add(uint64_t row, std::string_view text, Type type) {
  if (codes_.size() > row) {  // a key twice in one object: the last counts
    codes_.resize(row);
  }
  codes_.resize(row, -1);
  const auto found = index_.find(Key{text, type});
  if (found != index_.end()) {
    ++values_[static_cast<size_t>(found->second)].count;
    codes_.push_back(found->second);
    return;
  }
  const auto code = static_cast<int32_t>(values_.size());
  values_.push_back({std::string(text), type, 1});
  index_.emplace(Key{values_.back().text, type}, code);
  codes_.push_back(code);
}

bool CellColumn::missing_value(const Value& value, const std::vector<std::string>& missing) const {
  return is_missing_mark(value.text, missing);
}

ColumnKind CellColumn::guess(const std::vector<std::string>& missing, bool& mixed) const {
  uint64_t numbers = 0, dates = 0, others = 0, lists = 0, infinite = 0, bytes = 0, distinct = 0;
  for (const Value& value : values_) {
    if (missing_value(value, missing) || value.type == Type::kObject) {
      continue;
    }
    double number = 0;
    const NumberCell read = value.type == Type::kBool || value.type == Type::kList
                                ? NumberCell::kOther
                                : parse_number(value.text, number);
    ++distinct;
    bytes += value.text.size() * value.count;
    numbers += read == NumberCell::kNumber ? value.count : 0;
    infinite += read == NumberCell::kInfinite ? value.count : 0;
    if (read == NumberCell::kOther) {
      others += value.count;
      lists += value.type == Type::kList ? value.count : 0;
      dates += value.type == Type::kString && parse_date(value.text, "", number) ? value.count : 0;
    }
  }
  const auto all = static_cast<double>(numbers + others);
  mixed = numbers > 0 && others > 0;
  if (numbers + infinite > 0 && static_cast<double>(numbers) >= kShareOfKind * all) {
    const Lost lost = lost_by_doubles(missing);
    const bool names = static_cast<double>(lost.values) > kShareLost * static_cast<double>(lost.of);
    return names ? ColumnKind::kCategory : ColumnKind::kNumber;
  }
  if (dates > 0 && static_cast<double>(dates) >= kShareOfKind * all) {
    mixed = false;  // what is no date is counted
    return ColumnKind::kDate;
  }
  const bool text = static_cast<double>(bytes) > kTextBytes * all && distinct >= kTextMinDistinct &&
                    lists == 0 && static_cast<double>(distinct) > kTextDistinct * all;
  return text ? ColumnKind::kText : ColumnKind::kCategory;
}

CellColumn::Lost CellColumn::lost_by_doubles(const std::vector<std::string>& missing) const {
  std::set<std::string> exact;
  std::set<double> rounded;
  for (const Value& value : values_) {
    double number = 0;
    if ((value.type == Type::kString || value.type == Type::kNumber) && !missing_value(value, missing) &&
        parse_number(value.text, number) == NumberCell::kNumber) {
      if (std::abs(number) >= kExactWholeNumbers) {
        exact.insert(exact_number(value.text));
        rounded.insert(number);
      }
    }
  }
  return {exact.size() - rounded.size(), exact.size()};
}

void CellColumn::note_commas(const std::vector<std::string>& missing, ColumnNote& note) const {
  uint64_t commas = 0;
  bool as_decimal = true, as_thousands = true, is_decimal = false;
  for (const Value& value : values_) {
    if (value.type != Type::kString || missing_value(value, missing)) {
      continue;
    }
    const std::string_view text = trimmed_cell(value.text);
    const size_t comma = text.find(',');
    double number = 0;
    if (comma == std::string::npos) {
      if (parse_number(text, number) != NumberCell::kNumber) {
        return;
      }
      continue;
    }
    commas += value.count;
    std::string decimal(text), joined;
    decimal[comma] = '.';
    as_decimal = as_decimal && text.find('.') == std::string::npos && parse_number(decimal, number) == NumberCell::kNumber;
    const bool alone = text.find(',', comma + 1) == std::string::npos && text.find('.') == std::string::npos;
    is_decimal = is_decimal || (alone && comma_is_decimal(text, comma));
    as_thousands = as_thousands && without_thousands(text, joined) && parse_number(joined, number) == NumberCell::kNumber;
  }
  note.decimal_commas = commas > 0 && as_decimal && is_decimal;
  note.thousands_commas = commas > 0 && as_thousands && !is_decimal;
}

TableColumn CellColumn::build(uint64_t rows, const ColumnPlan& plan,
                              const std::vector<std::string>& missing, ColumnNote& note) const {
  TableColumn out;
  out.name = plan.name;
  out.kind = plan.kind;
  switch (plan.kind) {
    case ColumnKind::kNumber:
    case ColumnKind::kDate:
      build_numbers(rows, plan, missing, out, note);
      break;
    case ColumnKind::kCategory:
      build_categories(rows, missing, out, note);
      break;
    default:
      build_texts(rows, missing, out, note);
  }
  return out;
}

void CellColumn::build_numbers(uint64_t rows, const ColumnPlan& plan,
                               const std::vector<std::string>& missing, TableColumn& out,
                               ColumnNote& note) const {
  std::vector<double> of_value(values_.size(), kNaN);
  for (size_t i = 0; i < values_.size(); ++i) {
    const Value& value = values_[i];
    if (missing_value(value, missing)) {
      continue;
    }
    NumberCell read = NumberCell::kOther;
    double number = 0;
    if (value.type == Type::kBool && plan.kind == ColumnKind::kNumber) {
      number = value.text == "true" ? 1 : 0;
      read = NumberCell::kNumber;
    } else if (value.type == Type::kString || value.type == Type::kNumber) {
      read = plan.kind == ColumnKind::kNumber                   ? parse_number(value.text, number)
             : parse_date(value.text, plan.date_format, number) ? NumberCell::kNumber
                                                                : NumberCell::kOther;
    }
    if (read == NumberCell::kNumber) {
      of_value[i] = number;
    } else if (read == NumberCell::kInfinite) {
      note.infinite += value.count;
    } else {
      note.example = note.unreadable == 0 ? value.text : note.example;
      note.unreadable += value.count;
    }
  }
  out.numbers.assign(rows, kNaN);
  for (size_t row = 0; row < std::min<size_t>(codes_.size(), rows); ++row) {
    out.numbers[row] = codes_[row] < 0 ? kNaN : of_value[static_cast<size_t>(codes_[row])];
  }
  note.run_together = plan.kind == ColumnKind::kNumber ? lost_by_doubles(missing).values : 0;
  note.missing = static_cast<uint64_t>(std::count_if(
      out.numbers.begin(), out.numbers.end(), [](double value) { return std::isnan(value); }));
}

void CellColumn::build_categories(uint64_t rows, const std::vector<std::string>& missing,
                                  TableColumn& out, ColumnNote& note) const {
  note_commas(missing, note);
  for (const Value& value : values_) {
    if (value.type == Type::kObject) {
      note.left_out += value.count;
    } else if (!missing_value(value, missing)) {
      out.levels.push_back(value.text);
    }
  }
  std::sort(out.levels.begin(), out.levels.end());
  out.levels.erase(std::unique(out.levels.begin(), out.levels.end()), out.levels.end());
  std::vector<int32_t> of_value(values_.size(), -1);
  for (size_t i = 0; i < values_.size(); ++i) {
    if (values_[i].type != Type::kObject && !missing_value(values_[i], missing)) {
      of_value[i] = static_cast<int32_t>(
          std::lower_bound(out.levels.begin(), out.levels.end(), values_[i].text) -
          out.levels.begin());
    }
  }
  out.codes.assign(rows, -1);
  for (size_t row = 0; row < std::min<size_t>(codes_.size(), rows); ++row) {
    out.codes[row] = codes_[row] < 0 ? -1 : of_value[static_cast<size_t>(codes_[row])];
  }
  note.missing = static_cast<uint64_t>(std::count(out.codes.begin(), out.codes.end(), -1));
}

void CellColumn::build_texts(uint64_t rows, const std::vector<std::string>& missing,
                             TableColumn& out, ColumnNote& note) const {
  const bool images = out.kind == ColumnKind::kImage;
  std::vector<bool> good(values_.size());
  for (size_t i = 0; i < values_.size(); ++i) {
    const bool is_object = values_[i].type == Type::kObject;
    good[i] = is_object == images && !missing_value(values_[i], missing);
    if (is_object && !images) {
      note.left_out += values_[i].count;
    } else if (images && !is_object && !missing_value(values_[i], missing)) {
      note.example = note.unreadable == 0 ? values_[i].text : note.example;
      note.unreadable += values_[i].count;
    }
  }
  out.texts.resize(rows);
  for (size_t row = 0; row < std::min<size_t>(codes_.size(), rows); ++row) {
    if (codes_[row] >= 0 && good[static_cast<size_t>(codes_[row])]) {
      out.texts[row] = values_[static_cast<size_t>(codes_[row])].text;
    }
  }
  note.missing = static_cast<uint64_t>(std::count_if(
      out.texts.begin(), out.texts.end(), [](const std::string& text) { return text.empty(); }));
}

}  // namespace athanor
