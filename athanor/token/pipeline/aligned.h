// A text on its way through normalizers and pre-tokenizers, which knows for each byte where it came from.
//
//   Aligned text = Aligned::of("Élan", 0, true, true);
//   map_characters(text, [](char32_t code, std::string& out) { append_utf8(out, to_lower(code)); });
//   text.spans[0] == Span{0, 2}
//
// The rules for spans are those of HF tokenizers' NormalizedString. Text is well-formed UTF-8 unless byte-level
// models shall see ill-formed bytes as they are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/unicode.h"
#include "athanor/token/model/model.h"

namespace athanor::token {

struct Aligned {
  std::string text;
  std::vector<Span> spans;  // one a byte of text, in bytes of the original; empty when not tracked
  bool tracked = false;
  uint32_t origin = 0;      // where the text begins in the original
  size_t begun_with = 0;    // bytes of the original, for check_growth; 0: not known

  // Ill-formed parts become U+FFFD when repair is set; they are one character for spans either way.
  static Aligned of(std::string_view text, uint32_t origin, bool tracked, bool repair);

  // Of the bytes [begin, end), as HF has it: from the first byte's begin to the last one's end.
  Span original(size_t begin, size_t end) const { return {spans[begin].begin, spans[end - 1].end}; }
  void append(const Aligned& other);
};

// Calls map(code, out) for each character: what it appends takes the character's place and span.
template <typename Map>
void map_characters(Aligned& aligned, const Map& map) {
  std::string out;
  out.reserve(aligned.text.size());
  std::vector<Span> spans;
  const char* const begin = aligned.text.data();
  const char* const end = begin + aligned.text.size();
  for (const char* p = begin; p != end;) {
    const size_t at = static_cast<size_t>(p - begin);
    map(decode_utf8(p, end), out);
    if (aligned.tracked) {
      spans.resize(out.size(), aligned.spans[at]);
    }
  }
  aligned.text = std::move(out);
  aligned.spans = std::move(spans);
}

// One character of a new text and what it does to the old: 0 takes the place of a character, -n also drops n more,
// 1 is inserted and shares the span of what is before it.
struct Change {
  char32_t code;  // kRawByte + n: the byte n of an ill-formed part
  int change;
};
inline constexpr char32_t kRawByte = 0x110000;
void rewrite(Aligned& aligned, const std::vector<Change>& changes);

// Puts prefix in front; it shares the span of the first character. The text is not empty.
void prepend(Aligned& aligned, std::string_view prefix);

// Error(kInput) when normalizers make a text longer than any sane file asks for: from is what they began with.
void check_growth(size_t from, size_t now);

// Keeps the bytes [begin, end).
void keep(Aligned& aligned, size_t begin, size_t end);

}  // namespace athanor::token
