#include "athanor/token/split/grapheme.h"

#include <algorithm>

#include "athanor/base/unicode.h"

namespace athanor::token {

namespace {

// In the order of scripts/make_grapheme_table.py, then the two kinds of Hangul syllables.
enum Kind : uint8_t {
  kOther, kCr, kLf, kControl, kExtend, kZwj, kRegional, kPrepend, kSpacing, kL, kV, kT, kPictograph, kLv, kLvt
};

Kind kind_of(char32_t code) {
  if (code < 0x7F && code >= 0x20) {
    return kOther;
  }
  if (code >= 0xAC00 && code < 0xD7A4) {
    return (code - 0xAC00) % 28 == 0 ? kLv : kLvt;
  }
  const grapheme_table::Range* const first = grapheme_table::kRanges;
  const grapheme_table::Range* const after =
      std::upper_bound(first, first + grapheme_table::kNumRanges, code,
                       [](char32_t wanted, const grapheme_table::Range& range) { return wanted < range.first; });
  return after != first && code <= after[-1].last ? static_cast<Kind>(after[-1].kind) : kOther;
}

bool stay_together(Kind a, Kind b) {
  if (a == kCr || a == kLf || a == kControl || b == kCr || b == kLf || b == kControl) {
    return a == kCr && b == kLf;
  }
  const bool hangul = (a == kL && (b == kL || b == kV || b == kLv || b == kLvt)) ||
                      ((a == kLv || a == kV) && (b == kV || b == kT)) || ((a == kLvt || a == kT) && b == kT);
  return hangul || b == kExtend || b == kZwj || b == kSpacing || a == kPrepend;
}

}  // namespace

size_t grapheme_end(std::string_view text, size_t begin) {
  const char* p = text.data() + begin;
  const char* const end = text.data() + text.size();
  Kind kind = kind_of(decode_utf8(p, end));
  bool pictograph = kind == kPictograph;  // what is before is a pictograph and its extensions
  bool odd_regional = kind == kRegional;
  while (p != end) {
    const char* next = p;
    const Kind follows = kind_of(decode_utf8(next, end));
    const bool emoji = kind == kZwj && pictograph && follows == kPictograph;
    const bool flag = odd_regional && follows == kRegional;
    if (!emoji && !flag && !stay_together(kind, follows)) {
      break;
    }
    pictograph = follows == kPictograph || (pictograph && (follows == kExtend || follows == kZwj));
    odd_regional = follows == kRegional && !odd_regional;
    kind = follows;
    p = next;
  }
  return static_cast<size_t>(p - text.data());
}

}  // namespace athanor::token
