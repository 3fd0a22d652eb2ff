// Is it UTF-8, and where not (Unicode 15, section 3.9, table 3-7: no surrogates, no overlong forms).
#pragma once

#include <string>
#include <string_view>

namespace athanor {

// Offset of the first byte of the first ill-formed sequence; npos when all is valid.
size_t first_invalid_utf8(std::string_view text);

// Every ill-formed sequence becomes U+FFFD, one for each maximal subpart (the W3C's and Python's way).
std::string replace_invalid_utf8(std::string_view text);

// The longest prefix of at most max_bytes bytes that does not cut a character.
std::string_view utf8_prefix(std::string_view text, size_t max_bytes);

}  // namespace athanor
