// formats: one way of writing numbers, dates, letters, truth values.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/lower.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/tables/step_makers.h"
#include "athanor/clean/tables/unit_tables.h"
#include "athanor/clean/tables/written_number.h"
#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

struct FormatOptions {
  std::vector<std::string> columns;
  std::string as;
  std::string decimal = "auto";
  std::vector<std::string> dates;
  std::vector<std::string> yes;
  std::vector<std::string> no;
  std::string unreadable = "missing";
  static void fields(Fields<FormatOptions>& f) {
    f.add("columns", &FormatOptions::columns, "names, or categories, texts, ...; empty (for trim, lower, upper): categories and texts");
    f.add("as", &FormatOptions::as,
          "number: 1,234.5 and 1.234,5, １２, (120), 12 %, 1.2万, a currency's sign before or behind; date: ISO 8601, from the "
          "formats in `dates`; lower, upper; trim: blanks around and repeated ones within; boolean")
        .choices({"number", "date", "lower", "upper", "trim", "boolean"})
        .required();
    f.add("decimal", &FormatOptions::decimal, "number: the decimal mark; auto: as the column's values show").choices({"auto", ".", ","});
    f.add("dates", &FormatOptions::dates,
          "date: formats as in types ('%d/%m/%Y'), tried in order; empty: ISO 8601, 2024年3月5日, 20240305, 5 Mar 2024, Mar 5, 2024");
    f.add("yes", &FormatOptions::yes, "boolean: further words that mean true");
    f.add("no", &FormatOptions::no, "boolean: further words that mean false");
    f.add("unreadable", &FormatOptions::unreadable, "what becomes of a value that cannot be read so")
        .choices({"missing", "keep", "drop"});
  }
};

const std::vector<std::string> kUsualDates{"", "%Y年%m月%d日", "%Y.%m.%d", "%Y%m%d", "%d %b %Y", "%d-%b-%Y", "%b %d, %Y"};
const std::vector<std::string> kYes{"true", "yes", "y", "t", "on", "1", "1.0", "是", "有", "真", "对", "√", "✓"};
const std::vector<std::string> kNo{"false", "no", "n", "f", "off", "0", "0.0", "否", "无", "假", "错", "×", "✗"};

std::string lowered(std::string_view text) {
  std::string out;
  for (const char* p = text.data(); p != text.data() + text.size();) {
    append_utf8(out, to_lower(decode_utf8(p, text.data() + text.size())));
  }
  return out;
}

// The first code point whose small letter this is.
char32_t to_upper(char32_t code) {
  static const std::unordered_map<char32_t, char32_t> table = [] {
    std::unordered_map<char32_t, char32_t> all{{U'ς', U'Σ'}};
    for (char32_t upper = 0; upper < 0x1F000; ++upper) {
      if (const char32_t lower = to_lower(upper); lower != upper) {
        all.emplace(lower, upper);
      }
    }
    return all;
  }();
  const auto found = table.find(code);
  return found == table.end() ? code : found->second;
}

std::string raised(std::string_view text) {
  std::string out;
  for (const char* p = text.data(); p != text.data() + text.size();) {
    append_utf8(out, to_upper(decode_utf8(p, text.data() + text.size())));
  }
  return out;
}

std::string collapsed(std::string_view text) {
  std::string out;
  bool blank = false;
  for (const char* p = text.data(); p != text.data() + text.size();) {
    const char32_t code = decode_utf8(p, text.data() + text.size());
    if (is_space(code)) {
      blank = !out.empty();
      continue;
    }
    out += blank ? " " : "";
    blank = false;
    append_utf8(out, code);
  }
  return out;
}

class Formats : public TableStep {
 public:
  Formats(FormatOptions options, std::string where) : options_(std::move(options)), where_(std::move(where)) {
    for (const std::string& format : options_.dates) {
      if (std::string problem; !check_date_format(format, problem)) {
        throw Error(ErrorKind::kUsage, "the date format '" + format + "': " + problem, where_, "such as '%d/%m/%Y' or '%Y年%m月%d日'");
      }
    }
    if (options_.columns.empty() && !rewrites_letters()) {
      throw Error(ErrorKind::kUsage, "as: " + options_.as + " needs the columns by name", where_,
                  "formats: {columns: [price], as: " + options_.as + "}");
    }
    for (const auto& [words, more, value] : {std::tuple(&kYes, &options_.yes, true), std::tuple(&kNo, &options_.no, false)}) {
      for (const std::string& word : *words) {
        truths_[word] = value;
      }
      for (const std::string& word : *more) {
        truths_[lowered(plain_form(word))] = value;
      }
    }
  }

  void learn(const RowTable& table, TableStepContext&) override {
    for (const std::string& name :
         chosen_columns(table, options_.columns, {ColumnKind::kCategory, ColumnKind::kText}, where_)) {
      const RowColumn& column = column_at(table, name, where_);
      std::vector<std::string> values;
      for (size_t i = 0; options_.as == "number" && i < column.num_values(); ++i) {
        values.push_back(plain_form(column.value(static_cast<int32_t>(i)).text));
      }
      marks_[name] = find_marks(options_.decimal, values);
    }
  }

  void apply(RowTable& table, TableStepContext& context) const override {
    for (const auto& [name, marks] : marks_) {
      RowColumn& column = column_at(table, name, where_);
      const bool date = column.kind == ColumnKind::kDate;
      map_values(table, column, context.report, [&, &marks = marks](const Cell& cell, int32_t) {
        return is_missing(table, cell) ? NewValue{} : rewrite(cell, marks, date ? column.date_format : "");
      });
      if (options_.as == "number") {
        column.kind = ColumnKind::kNumber;
      } else if (options_.as == "date") {
        column.kind = ColumnKind::kDate;
        column.date_format.clear();
      } else if (options_.as == "boolean") {
        column.kind = ColumnKind::kCategory;
      }
    }
  }

  nlohmann::json learnt(const fs::path&) const override {
    auto json = nlohmann::json::object();
    for (const auto& [name, marks] : marks_) {
      json[name] = {{"decimal", std::string(1, marks.decimal)}};
    }
    return {{"columns", json}};
  }
  void load(const nlohmann::json& learnt, const fs::path&) override {
    for (const auto& [name, json] : learnt.at("columns").items()) {
      marks_[name] = find_marks(json.at("decimal").get<std::string>(), {});
    }
  }

 private:
  bool rewrites_letters() const { return options_.as == "lower" || options_.as == "upper" || options_.as == "trim"; }

  NewValue rewrite(const Cell& cell, const NumberMarks& marks, const std::string& own_format) const {
    if (rewrites_letters()) {
      return cell.type == CellType::kString ? rewrite_letters(cell) : NewValue{};
    }
    NewValue to;
    to.action = NewValue::Do::kReplace;
    if (options_.as == "number") {
      double value = 0;
      if (cell.type == CellType::kNumber) {
        return NewValue{};
      }
      if (cell.type == CellType::kString && read_number(plain_form(cell.text), marks, value)) {
        to.cell = {number_text(value), CellType::kNumber};
        double plain = 0;
        to.what = parse_number(cell.text, plain) == NumberCell::kNumber && plain == value ? "" : "written as a plain number";
        return to;
      }
      return unreadable("no number");
    }
    if (options_.as == "date") {
      double seconds = 0;
      if (cell.type != CellType::kOther && read_date(cell.text, own_format, seconds)) {
        to.cell = {date_text(seconds), CellType::kString};
        to.what = to.cell.text == cell.text ? "" : "written as an ISO date";
        return to;
      }
      return unreadable("no date in any of the formats");
    }
    if (cell.type == CellType::kBool) {
      return NewValue{};
    }
    const auto truth = truths_.find(lowered(plain_form(cell.text)));
    if (truth == truths_.end()) {
      return unreadable("neither true nor false");
    }
    to.cell = {truth->second ? "true" : "false", CellType::kBool};
    to.what = std::string("written as ") + to.cell.text;
    return to;
  }

  NewValue rewrite_letters(const Cell& cell) const {
    NewValue to;
    to.cell = {options_.as == "lower" ? lowered(cell.text) : options_.as == "upper" ? raised(cell.text) : collapsed(cell.text),
               CellType::kString};
    if (to.cell.text != cell.text) {
      to.action = NewValue::Do::kReplace;
      to.what = options_.as == "trim" ? "blanks" : "letters made " + std::string(options_.as == "lower" ? "small" : "capital");
    }
    return to;
  }

  NewValue unreadable(const std::string& what) const {
    NewValue to;
    if (options_.unreadable == "keep") {
      return to;
    }
    to.action = options_.unreadable == "drop" ? NewValue::Do::kDrop : NewValue::Do::kMissing;
    to.what = what + (options_.unreadable == "drop" ? "" : ", made missing");
    return to;
  }

  static bool read_number(const std::string& plain, const NumberMarks& marks, double& value) {
    std::string_view rest = plain;
    const bool negative = rest.size() > 2 && rest.front() == '(' && rest.back() == ')';
    if (negative) {
      rest = trimmed_cell(rest.substr(1, rest.size() - 2));
    }
    std::string_view inner = rest.starts_with('-') ? rest.substr(1) : std::string_view();
    const bool minus = !take_symbol(inner).empty();  // -$5
    if (minus) {
      rest = inner;
    } else {
      take_symbol(rest);
    }
    if (!take_number(rest, marks, value)) {
      return false;
    }
    rest = trimmed_cell(rest);
    if (rest == "%") {
      value /= 100;
      rest = {};
    } else if (!rest.empty()) {
      take_symbol(rest);
    }
    value = negative != minus ? -value : value;
    return rest.empty();
  }

  bool read_date(const std::string& text, const std::string& own_format, double& seconds) const {
    const std::string plain = plain_form(text);
    if (!own_format.empty() && parse_date(plain, own_format, seconds)) {
      return true;
    }
    for (const std::string& format : options_.dates.empty() ? kUsualDates : options_.dates) {
      if (parse_date(plain, format, seconds)) {
        return true;
      }
    }
    return !options_.dates.empty() && parse_date(plain, "", seconds);  // written in ISO form already
  }

  FormatOptions options_;
  std::string where_;
  std::map<std::string, NumberMarks> marks_;  // of the columns that it rewrites
  std::map<std::string, bool> truths_;
};

}  // namespace

std::unique_ptr<TableStep> make_formats_step(const nlohmann::json& options, const std::string& where) {
  return std::make_unique<Formats>(load_options<FormatOptions>(options), where);
}
OptionSchema formats_step_options() { return schema_of<FormatOptions>(); }

}  // namespace athanor
