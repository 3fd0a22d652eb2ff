// Python's view of text: white space, cases, number and string representations. Cases and classes are those of
// Python 3.11 (Unicode 14), in case_tables.cc; categories are of base/unicode.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace athanor::chat {

bool py_space(char32_t code);                    // str.isspace of one character
size_t py_rstrip_size(std::string_view text);    // bytes left by str.rstrip()
size_t py_lstrip_size(std::string_view text);    // bytes taken by str.lstrip()
bool py_line_break(char32_t code);               // what splitlines() cuts at (\r\n is one)
bool py_printable(char32_t code);

bool py_alpha(char32_t code);
bool py_digit(char32_t code);    // str.isdigit
bool py_decimal(char32_t code);  // str.isdecimal
bool py_numeric(char32_t code);
bool py_lower_case(char32_t code);
bool py_upper_case(char32_t code);
bool py_title_case(char32_t code);
bool py_cased(char32_t code);
bool py_case_ignorable(char32_t code);

// Up to three code points; returns how many.
int py_to_upper(char32_t code, char32_t* out);
int py_to_lower(char32_t code, char32_t* out);  // without the rule for a final sigma
int py_to_title(char32_t code, char32_t* out);
int py_fold(char32_t code, char32_t* out);  // str.casefold

// repr(float): the shortest text that reads back, 1.0, 1e+16, inf, nan.
std::string float_repr(double value);
// "\x41", "A", "\U0001f600" without quotes: how repr and unicode_escape write a character.
std::string hex_digits(char32_t code);

// float() and int() of a text: spaces around, underscores between digits. None: Python's ValueError.
// parse_int: a Fail when it is a number beyond 64 bits.
std::optional<double> parse_float(std::string_view text);
std::optional<int64_t> parse_int(std::string_view text, int base);

}  // namespace athanor::chat
