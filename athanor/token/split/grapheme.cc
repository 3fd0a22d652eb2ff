#include "athanor/token/split/grapheme.h"

#include <algorithm>

#include "athanor/base/unicode.h"

namespace athanor::token {

namespace {

// In the order of scripts/make_grapheme_table.py, then the two kinds of Hangul syllables.
enum Kind : uint8_t {
  kOther, kCr, kLf, kControl, kExtend, kZwj, kRegional, kPrepend, kSpacing, kL, kV, kT, kPictograph,
  kLinker,      // extends, and joins consonants to a conjunct (GB9c)
  kConsonant,
  kExtendOnly,  // extends, but breaks a conjunct
  kLv, kLvt
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
  return hangul || b == kExtend || b == kLinker || b == kExtendOnly || b == kZwj || b == kSpacing || a == kPrepend;
}

bool extends(Kind kind) { return kind == kExtend || kind == kLinker || kind == kExtendOnly; }

// What of the rules GB9c, GB11, GB12 the characters so far have met.
struct Sequence {
  explicit Sequence(Kind first)
      : pictograph(first == kPictograph), regional(first == kRegional), consonant(first == kConsonant) {}

  // Whether `follows` stays with what is before it, by one of those rules.
  bool joins(Kind follows) const {
    return (joined_pictograph && follows == kPictograph) || (regional && follows == kRegional) ||
           (linked && follows == kConsonant);
  }
  void add(Kind kind) {
    joined_pictograph = pictograph && kind == kZwj;
    pictograph = kind == kPictograph || (pictograph && extends(kind));
    regional = kind == kRegional && !regional;
    linked = consonant && (kind == kLinker || (linked && (kind == kExtend || kind == kZwj)));
    consonant = kind == kConsonant || (consonant && (kind == kLinker || kind == kExtend || kind == kZwj));
  }

  bool pictograph, joined_pictograph = false;  // a pictograph and its extensions; and then a joiner
  bool regional;                               // an odd number of regional indicators
  bool consonant, linked = false;              // a consonant and its extensions, a linker among them
};

}  // namespace

size_t grapheme_end(std::string_view text, size_t begin) {
  const char* p = text.data() + begin;
  const char* const end = text.data() + text.size();
  Kind kind = kind_of(decode_utf8(p, end));
  Sequence sequence(kind);
  while (p != end) {
    const char* next = p;
    const Kind follows = kind_of(decode_utf8(next, end));
    if (!sequence.joins(follows) && !stay_together(kind, follows)) {
      break;
    }
    sequence.add(follows);
    kind = follows;
    p = next;
  }
  return static_cast<size_t>(p - text.data());
}

}  // namespace athanor::token
