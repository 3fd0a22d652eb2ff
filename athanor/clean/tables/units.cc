// units: quantities become numbers of one unit.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/clean/tables/step_makers.h"
#include "athanor/clean/tables/unit_tables.h"
#include "athanor/clean/tables/written_number.h"
#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

struct UnitOptions {
  std::vector<std::string> column;
  std::string to;
  std::string bare;
  nlohmann::json factors = nlohmann::json::object();
  std::string decimal = "auto";
  std::string unreadable = "missing";
  static void fields(Fields<UnitOptions>& f) {
    f.add("column", &UnitOptions::column, "the column, or a list of them").required();
    f.add("to", &UnitOptions::to, "the unit: of length, mass, time, temperature (cm, kg, 斤, h, °C), or a currency (USD, €, 元)")
        .required();
    f.add("bare", &UnitOptions::bare, "the unit of a number without one; empty: that of `to`");
    f.add("factors", &UnitOptions::factors, "further units, and currencies: {box: 12.5, EUR: 1.08} says how many of `to` one is");
    f.add("decimal", &UnitOptions::decimal, "the decimal mark; auto: as the column's values show").choices({"auto", ".", ","});
    f.add("unreadable", &UnitOptions::unreadable, "what becomes of a value that is no quantity, or of a unit that is not known")
        .choices({"missing", "keep", "drop"});
  }
};

class Units : public TableStep {
 public:
  Units(UnitOptions options, std::string where) : options_(std::move(options)), where_(std::move(where)) {
    units_[options_.to] = {1, 0};
    const UnitFamily* family = unit_family(options_.to);
    if (family != nullptr) {
      const UnitScale to = *family->find(options_.to);
      for (const UnitName& unit : family->units) {  // x of the unit is (x * factor + shift) of the family's own
        units_[unit.name] = {unit.scale.factor / to.factor, (unit.scale.shift - to.shift) / to.factor};
      }
    } else if (!is_currency(options_.to) && options_.factors.empty()) {
      throw Error(ErrorKind::kUsage, "the unit '" + options_.to + "' is not known", where_,
                  did_you_mean(options_.to, known_units()) + "; or give factors");
    }
    for (const std::string& name : currency_names(options_.to)) {
      units_[name] = {1, 0};
    }
    if (!options_.factors.is_object()) {
      throw Error(ErrorKind::kUsage, "'factors' must be a map of numbers", where_, "factors: {lb: 0.45359237}");
    }
    for (const auto& [name, factor] : options_.factors.items()) {
      if (!factor.is_number() || !(std::abs(factor.get<double>()) > 0)) {
        throw Error(ErrorKind::kUsage, "the factor of '" + name + "' must be a number other than 0", where_);
      }
      for (const std::string& alias : currency_names(name)) {
        units_[alias] = {factor.get<double>(), 0};
      }
      units_[plain_form(name)] = {factor.get<double>(), 0};
    }
    if (!options_.bare.empty() && find(options_.bare) == nullptr) {
      throw Error(ErrorKind::kUsage, "the unit '" + options_.bare + "' of bare numbers cannot become " + options_.to, where_,
                  "give factors: {" + options_.bare + ": ...}");
    }
  }

  // The marks are learnt with the training rows: "1,234" alone does not show what its comma is.
  void learn(const RowTable& table, TableStepContext&) override {
    for (const std::string& name : chosen_columns(table, options_.column, {}, where_)) {
      const RowColumn& column = column_at(table, name, where_);
      std::vector<std::string> values;
      for (size_t i = 0; i < column.num_values(); ++i) {
        const Cell& cell = column.value(static_cast<int32_t>(i));
        if (cell.type == CellType::kString) {
          values.push_back(plain_form(cell.text));
        }
      }
      marks_[name] = find_marks(options_.decimal, values);
    }
  }

  void apply(RowTable& table, TableStepContext& context) const override {
    for (const auto& [name, marks] : marks_) {
      RowColumn& column = column_at(table, name, where_);
      map_values(table, column, context.report, [&, &marks = marks](const Cell& cell, int32_t) { return read(table, cell, marks); });
      column.kind = options_.unreadable == "keep" ? column.kind : ColumnKind::kNumber;
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
  const UnitScale* find(const std::string& name) const {
    if (const auto found = units_.find(name); found != units_.end()) {
      return &found->second;
    }
    const auto lower = units_.find(lower_unit(name));
    return lower == units_.end() ? nullptr : &lower->second;
  }

  NewValue read(const RowTable& table, const Cell& cell, const NumberMarks& marks) const {
    NewValue to;
    if (is_missing(table, cell)) {
      return to;
    }
    double value = 0;
    std::string unit;
    std::string problem;
    if (cell.type == CellType::kNumber) {
      if (options_.bare.empty()) {
        return to;
      }
      unit = options_.bare;
      problem = parse_number(cell.text, value) == NumberCell::kNumber ? "" : "infinite";
      value = convert(value, unit);
    } else if (cell.type != CellType::kString) {
      problem = "no quantity";
    } else {
      problem = read_quantity(plain_form(cell.text), marks, value, unit);
    }
    if (problem.empty()) {
      to.action = NewValue::Do::kReplace;
      to.cell = {number_text(value), CellType::kNumber};
      to.what = unit.empty() ? "" : "from " + unit + " to " + options_.to;
      return to;
    }
    to.action = options_.unreadable == "drop" ? NewValue::Do::kDrop : NewValue::Do::kMissing;
    to.what = problem + (options_.unreadable == "missing" ? ", made missing" : "");
    if (options_.unreadable == "keep") {
      return {};
    }
    return to;
  }

  double convert(double value, const std::string& unit) const {
    const UnitScale* scale = find(unit);
    return scale == nullptr ? value : value * scale->factor + scale->shift;
  }

  // "12 lb", "$1,200", "5 ft 11 in", "1.2万元", "约 3 kg" is none. Empty: read; else what is wrong.
  std::string read_quantity(const std::string& plain, const NumberMarks& marks, double& sum, std::string& told) const {
    std::string_view rest = plain;
    std::string before(take_symbol(rest));
    if (before.empty() && !rest.empty() && rest[0] == '-' && rest.size() > 1) {  // -$5
      std::string_view inner = rest.substr(1);
      if (const std::string symbol(take_symbol(inner)); !symbol.empty()) {
        double value = 0;
        const std::string problem = read_quantity(symbol + std::string(inner), marks, value, told);
        sum = -value;
        return problem;
      }
    }
    sum = 0;
    for (int parts = 0; parts == 0 || !rest.empty(); ++parts) {
      double value = 0;
      if (!take_number(rest, marks, value)) {
        return "no quantity";
      }
      rest = trimmed_cell(rest);
      size_t end = 0;
      while (end < rest.size() && !(rest[end] >= '0' && rest[end] <= '9')) {
        ++end;
      }
      std::string unit(trimmed_cell(rest.substr(0, end)));
      rest.remove_prefix(end);
      if (unit.empty() && parts > 0) {
        return "a number without a unit behind another";
      }
      unit = unit.empty() ? before : unit;
      const std::string asked = unit.empty() ? options_.bare : unit;
      const UnitScale* scale = asked.empty() ? nullptr : find(asked);
      if (!asked.empty() && scale == nullptr) {
        return "the unit '" + asked + "' cannot become " + options_.to;
      }
      if (parts > 0 && scale->shift != 0) {
        return "no quantity";
      }
      sum += scale == nullptr ? value : std::copysign(value, sum < 0 ? -1 : value) * scale->factor + scale->shift;
      told = scale == nullptr || (scale->factor == 1 && scale->shift == 0) ? told : asked;
    }
    return std::isfinite(sum) ? "" : "infinite";
  }

  UnitOptions options_;
  std::string where_;
  std::map<std::string, UnitScale> units_;  // how many of `to` one is
  std::map<std::string, NumberMarks> marks_;
};

}  // namespace

std::unique_ptr<TableStep> make_units_step(const nlohmann::json& options, const std::string& where) {
  return std::make_unique<Units>(load_options<UnitOptions>(options), where);
}
OptionSchema units_step_options() { return schema_of<UnitOptions>(); }

}  // namespace athanor
