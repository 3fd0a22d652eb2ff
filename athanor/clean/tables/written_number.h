// Numbers as people write them: "1,234.5", "1.234,5", "１２", "-3,5", "(120)", "1.2万". Private to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "athanor/clean/tables/row_table.h"

namespace athanor {

struct NumberMarks {
  char decimal = '.';    // '.' or ','
  char thousands = ',';  // ',', '.', ' ', '\'' or 0: none. A blank and ' always pass between groups of three
};

// What a column's values say: decimal and thousands as given ("." or ","; "auto"), else from the values: the last of two
// different marks is the decimal one; a single comma is, where comma_is_decimal() of one value says so; else the point is.
NumberMarks find_marks(const std::string& decimal, const std::vector<std::string>& values);

// Reads a number at the beginning of `text` (ASCII after NFKC; a sign, digits in groups, a fraction, an exponent, 万 or 亿)
// and moves text behind it. False when there is none.
bool take_number(std::string_view& text, const NumberMarks& marks, double& value);

// Digits, marks and signs of other widths made plain (NFKC), the minus sign U+2212 a hyphen, blanks around it gone.
std::string plain_form(std::string_view text);

// A column whose texts became JSON's own numbers or truth values: its gaps become null and the texts that no live row holds
// any more are forgotten, so that later steps write JSON's own values there, too. With texts left it stays as it is.
void make_typed(const RowTable& table, RowColumn& column);

}  // namespace athanor
