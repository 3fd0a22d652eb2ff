// One record of a separated table, and which character separates its fields.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace athanor {

// Fields without their quotes. False when something stands between a closing quote and the separator.
bool split_record(std::string_view record, char separator, std::vector<std::string>& fields);

// Of a .csv whose separator nobody told: ',' unless that gives one column. Then the one of ; tab | that parts the header
// into most columns, all rows that were looked at having as many. columns: how many there must be (no header row: header is
// the first row); 0: as many as the header has. Nothing fits: ','.
//
//   detect_separator("a;b", {"1,5;2"}, 0) == ';'
char detect_separator(std::string_view header, const std::vector<std::string>& rows, size_t columns);

// 1,5 in a table that commas separate is two columns: more fields than columns, all of digits.
bool may_be_decimal_commas(const std::vector<std::string>& fields, size_t columns);

// ";", "tab", "|", ...: as a recipe writes it, and back.
char separator_of(std::string_view name);
std::string separator_name(char separator);

}  // namespace athanor
