// The units that `units` knows: length, mass, time, temperature, with their Chinese names; symbols and codes of
// currencies, whose rates it does not know. Factors: SI and the international yard and pound (1959); the market units
// (市制: 斤, 尺, 里) as fixed in 1959.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace athanor {

// x of the unit is x * factor + shift of the family's own.
struct UnitScale {
  double factor = 1;
  double shift = 0;
};
struct UnitName {
  const char* name;
  UnitScale scale;
};
struct UnitFamily {
  const char* name;
  std::vector<UnitName> units;
  const UnitScale* find(std::string_view unit) const;  // as written, then with small letters
};

const UnitFamily* unit_family(std::string_view unit);  // null: not known
std::vector<std::string> known_units();
std::string lower_unit(std::string_view unit);  // ASCII letters small, a dot at the end gone

bool is_currency(std::string_view name);
// All that name the same currency: "USD" -> USD, US$, $, dollar, 美元; empty for what is none.
std::vector<std::string> currency_names(std::string_view name);
// A currency's symbol or code at the beginning; moves text behind it.
std::string_view take_symbol(std::string_view& text);

}  // namespace athanor
