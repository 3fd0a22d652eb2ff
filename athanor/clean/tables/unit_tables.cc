#include "athanor/clean/tables/unit_tables.h"

#include <algorithm>

#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

const std::vector<UnitFamily>& families() {
  constexpr double kInch = 0.0254, kPound = 0.45359237;
  static const std::vector<UnitFamily> all{
      {"length",
       {{"nm", {1e-9, 0}},      {"um", {1e-6, 0}},       {"μm", {1e-6, 0}},      {"mm", {1e-3, 0}},      {"cm", {1e-2, 0}},
        {"dm", {0.1, 0}},       {"m", {1, 0}},           {"km", {1e3, 0}},       {"meter", {1, 0}},      {"meters", {1, 0}},
        {"metre", {1, 0}},      {"metres", {1, 0}},      {"in", {kInch, 0}},     {"inch", {kInch, 0}},   {"inches", {kInch, 0}},
        {"\"", {kInch, 0}},     {"′′", {kInch, 0}}, {"''", {kInch, 0}}, {"ft", {12 * kInch, 0}}, {"foot", {12 * kInch, 0}},
        {"feet", {12 * kInch, 0}}, {"'", {12 * kInch, 0}}, {"′", {12 * kInch, 0}}, {"yd", {36 * kInch, 0}},
        {"yard", {36 * kInch, 0}}, {"yards", {36 * kInch, 0}}, {"mi", {63360 * kInch, 0}}, {"mile", {63360 * kInch, 0}},
        {"miles", {63360 * kInch, 0}}, {"nmi", {1852, 0}}, {"毫米", {1e-3, 0}}, {"厘米", {1e-2, 0}}, {"公分", {1e-2, 0}},
        {"分米", {0.1, 0}},     {"米", {1, 0}},          {"公尺", {1, 0}},       {"千米", {1e3, 0}},     {"公里", {1e3, 0}},
        {"里", {500, 0}},       {"丈", {10.0 / 3, 0}},   {"尺", {1.0 / 3, 0}},   {"寸", {1.0 / 30, 0}},  {"英寸", {kInch, 0}},
        {"英尺", {12 * kInch, 0}}, {"英里", {63360 * kInch, 0}}}},
      {"mass",
       {{"ug", {1e-9, 0}},       {"μg", {1e-9, 0}},        {"mg", {1e-6, 0}},     {"g", {1e-3, 0}},      {"gram", {1e-3, 0}},
        {"grams", {1e-3, 0}},    {"kg", {1, 0}},           {"kgs", {1, 0}},       {"kilo", {1, 0}},      {"kilogram", {1, 0}},
        {"kilograms", {1, 0}},   {"t", {1e3, 0}},          {"ton", {1e3, 0}},     {"tonne", {1e3, 0}},   {"tonnes", {1e3, 0}},
        {"lb", {kPound, 0}},     {"lbs", {kPound, 0}},     {"pound", {kPound, 0}}, {"pounds", {kPound, 0}},
        {"oz", {kPound / 16, 0}}, {"ounce", {kPound / 16, 0}}, {"ounces", {kPound / 16, 0}}, {"st", {14 * kPound, 0}},
        {"stone", {14 * kPound, 0}}, {"毫克", {1e-6, 0}},  {"克", {1e-3, 0}},     {"千克", {1, 0}},      {"公斤", {1, 0}},
        {"斤", {0.5, 0}},        {"市斤", {0.5, 0}},       {"两", {0.05, 0}},     {"钱", {0.005, 0}},    {"吨", {1e3, 0}},
        {"磅", {kPound, 0}},     {"盎司", {kPound / 16, 0}}}},
      {"time",
       {{"ns", {1e-9, 0}},   {"us", {1e-6, 0}},   {"μs", {1e-6, 0}},     {"ms", {1e-3, 0}},      {"s", {1, 0}},
        {"sec", {1, 0}},     {"secs", {1, 0}},    {"second", {1, 0}},    {"seconds", {1, 0}},    {"min", {60, 0}},
        {"mins", {60, 0}},   {"minute", {60, 0}}, {"minutes", {60, 0}},  {"h", {3600, 0}},       {"hr", {3600, 0}},
        {"hrs", {3600, 0}},  {"hour", {3600, 0}}, {"hours", {3600, 0}},  {"d", {86400, 0}},      {"day", {86400, 0}},
        {"days", {86400, 0}}, {"week", {604800, 0}}, {"weeks", {604800, 0}}, {"wk", {604800, 0}}, {"毫秒", {1e-3, 0}},
        {"秒", {1, 0}},      {"秒钟", {1, 0}},    {"分", {60, 0}},       {"分钟", {60, 0}},      {"小时", {3600, 0}},
        {"时", {3600, 0}},   {"天", {86400, 0}},  {"日", {86400, 0}},    {"周", {604800, 0}},    {"星期", {604800, 0}}}},
      {"temperature",
       {{"K", {1, 0}}, {"k", {1, 0}}, {"°C", {1, 273.15}}, {"°c", {1, 273.15}}, {"C", {1, 273.15}}, {"c", {1, 273.15}},
        {"度", {1, 273.15}}, {"摄氏度", {1, 273.15}}, {"°F", {5.0 / 9, 459.67 * 5 / 9}}, {"°f", {5.0 / 9, 459.67 * 5 / 9}},
        {"F", {5.0 / 9, 459.67 * 5 / 9}}, {"f", {5.0 / 9, 459.67 * 5 / 9}}, {"华氏度", {5.0 / 9, 459.67 * 5 / 9}}}},
  };
  return all;
}

// Full-width signs are plain after NFKC (￥ is ¥).
const std::vector<std::vector<std::string>>& currencies() {
  static const std::vector<std::vector<std::string>> all{
      {"USD", "US$", "$", "dollar", "dollars", "美元", "美金"},
      {"EUR", "€", "euro", "euros", "欧元"},
      {"GBP", "£", "英镑"},
      {"CNY", "RMB", "¥", "元", "块", "人民币", "圆"},
      {"JPY", "円", "日元"},
      {"HKD", "HK$", "港元", "港币"},
      {"INR", "₹", "Rs", "Rs."},
      {"KRW", "₩", "韩元"},
      {"RUB", "₽"},
      {"CHF", "瑞士法郎"},
      {"AUD", "A$"},
      {"CAD", "C$"},
  };
  return all;
}

}  // namespace

std::string lower_unit(std::string_view unit) {
  std::string text(unit);
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (text.size() > 1 && text.ends_with('.')) {
    text.pop_back();
  }
  return text;
}

const UnitScale* UnitFamily::find(std::string_view unit) const {
  for (const std::string& form : {std::string(unit), lower_unit(unit)}) {
    for (const UnitName& one : units) {
      if (form == one.name) {
        return &one.scale;
      }
    }
  }
  return nullptr;
}

const UnitFamily* unit_family(std::string_view unit) {
  for (const UnitFamily& family : families()) {
    if (family.find(unit) != nullptr) {
      return &family;
    }
  }
  return nullptr;
}

std::vector<std::string> known_units() {
  std::vector<std::string> all;
  for (const UnitFamily& family : families()) {
    for (const UnitName& unit : family.units) {
      all.push_back(unit.name);
    }
  }
  for (const auto& names : currencies()) {
    all.push_back(names[0]);
  }
  return all;
}

bool is_currency(std::string_view name) { return !currency_names(name).empty(); }

std::vector<std::string> currency_names(std::string_view name) {
  for (const auto& names : currencies()) {
    if (std::find(names.begin(), names.end(), name) != names.end()) {
      return names;
    }
  }
  return {};
}

std::string_view take_symbol(std::string_view& text) {
  std::string_view best;
  for (const auto& names : currencies()) {
    for (const std::string& name : names) {
      if (name.size() > best.size() && text.starts_with(name)) {
        best = text.substr(0, name.size());
      }
    }
  }
  text.remove_prefix(best.size());
  text = trimmed_cell(text);
  return best;
}

}  // namespace athanor
