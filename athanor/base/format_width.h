// Text in a terminal's columns: Chinese, Japanese and Korean characters take two, combining marks none.
// Malformed UTF-8 never passes through: each maximal bad part (Unicode 15, 3.9 "substitution of maximal
// subparts") counts and prints as one U+FFFD.
#pragma once

#include <string>
#include <string_view>

namespace athanor {

// Takes the next code point off the front; U+FFFD for a malformed part. `text` must not be empty.
char32_t take_code_point(std::string_view& text);

// 0, 1 or 2. Characters of ambiguous width count 1; control characters 0.
int display_width(char32_t code_point);
int display_width(std::string_view text);

// The longest start that fits into `columns`, ended by "…" when something was cut.
std::string cut_to_width(std::string_view text, int columns);

// The same text as valid UTF-8.
std::string valid_utf8(std::string_view text);

// Valid UTF-8 whose control characters (escape sequences of a hostile sample among them) are spaces;
// newlines and tabs stay when keep_lines.
std::string printable(std::string_view text, bool keep_lines = false);

}  // namespace athanor
