// The two sets of characters that datatrove's filters are published with.
#pragma once

#include <cstddef>
#include <string_view>

namespace athanor {

// The 159 characters that end a sentence in some script. Quotation marks and closing brackets are not among them.
inline constexpr size_t kNumTerminalPunctuation = 159;
bool is_terminal_punctuation(char32_t code);
// True when the last code point of the line is one; an empty line has none.
bool ends_in_terminal_punctuation(std::string_view line);

// ASCII punctuation, control characters, some thirty other marks (quotation marks, dashes, full-width forms) and the
// terminal punctuation. A bullet, an emoji or a currency sign other than $ is none.
bool is_symbol_character(char32_t code);

}  // namespace athanor
