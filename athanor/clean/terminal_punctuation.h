// The 159 characters that end a sentence in some script, as FineWeb publishes them. Quotation marks and closing
// brackets are not among them.
#pragma once

#include <cstddef>
#include <string_view>

namespace athanor {

inline constexpr size_t kNumTerminalPunctuation = 159;

bool is_terminal_punctuation(char32_t code);
// True when the last code point of the line is one; an empty line has none.
bool ends_in_terminal_punctuation(std::string_view line);

}  // namespace athanor
