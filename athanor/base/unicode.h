// UTF-8, the character classes of \p{L} \p{N} \s and their like, and the four normalisation forms (UAX #15),
// from own tables of one pinned version of the Unicode Character Database (scripts/make_unicode_tables.py):
// the bytes of clean and token depend on it, so it must not change with the machine's libraries.
//
//   if (!is_valid_utf8(text)) { text = repair_utf8(text); }
//   for (const char* p = text.data(); p != end;) { char32_t code = decode_utf8(p, end); ... }
//
// None of these throws; all accept ill-formed text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace athanor {

inline constexpr char kUnicodeVersion[] = "15.0.0";
inline constexpr char32_t kReplacement = 0xFFFD;

// Well-formed as in Unicode table 3-7: no surrogates, no overlong forms, nothing above U+10FFFF. At memory speed (utf8_valid.cc).
bool is_valid_utf8(std::string_view text);
// Offset of the first byte that is not part of a well-formed sequence; npos when there is none.
size_t find_invalid_utf8(std::string_view text);
// Reads one code point and advances p. p < end. Ill-formed: returns U+FFFD and skips the maximal bad subpart
// (Unicode 3.9, the practice of the WHATWG decoder), so at least one byte.
char32_t decode_utf8(const char*& p, const char* end);
// The same, with a way to tell a real U+FFFD from a bad sequence.
char32_t decode_utf8(const char*& p, const char* end, bool& valid);
void append_utf8(std::string& out, char32_t code);
// Each maximal bad subpart becomes U+FFFD (EF BF BD); well-formed text comes back unchanged.
std::string repair_utf8(std::string_view text);

// The longest beginning of valid UTF-8 text that has at most max_bytes bytes and does not cut a character.
std::string_view utf8_prefix(std::string_view text, size_t max_bytes);
// Code points of text; each maximal bad subpart counts as one.
size_t count_code_points(std::string_view text);

// General categories in the order of the tables; kCn is "unassigned".
enum class Category : uint8_t {
  kCn, kCc, kCf, kCo, kCs, kLl, kLm, kLo, kLt, kLu, kMc, kMe, kMn, kNd, kNl, kNo,
  kPc, kPd, kPe, kPf, kPi, kPo, kPs, kSc, kSk, kSm, kSo, kZl, kZp, kZs
};
Category category_of(char32_t code);
bool is_letter(char32_t code);       // \p{L}
bool is_number(char32_t code);       // \p{N}
bool is_mark(char32_t code);         // \p{M}
bool is_punctuation(char32_t code);  // \p{P}
bool is_symbol(char32_t code);       // \p{S}
bool is_space(char32_t code);        // White_Space, what \s means in the regexes of tokenizers
bool is_han(char32_t code);          // Script=Han

// Normalisation forms. Ill-formed bytes are kept as they stand and end a combining sequence.
std::string to_nfc(std::string_view text);
std::string to_nfd(std::string_view text);
std::string to_nfkc(std::string_view text);
std::string to_nfkd(std::string_view text);
// True when to_nfc(text) == text.
bool is_nfc(std::string_view text);

}  // namespace athanor
