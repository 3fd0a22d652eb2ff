// The four normal forms with HF's alignment, by Unicode 9: a character whose decomposition or combining class came
// later (kLateBit) is left where it stands. Algorithm: UAX #15.
#include <algorithm>

#include "athanor/base/unicode_tables.h"
#include "athanor/token/pipeline/normalizer.h"
#include "athanor/token/split/class_table.h"

namespace athanor::token {

namespace {

using unicode_tables::Composition;
using unicode_tables::Decomposition;

// Hangul syllables by arithmetic (Unicode 3.12).
constexpr char32_t kSBase = 0xAC00, kLBase = 0x1100, kVBase = 0x1161, kTBase = 0x11A7;
constexpr char32_t kLCount = 19, kVCount = 21, kTCount = 28, kSCount = kLCount * kVCount * kTCount;

struct Mark {
  char32_t code;
  int change;
  uint8_t ccc;
};

uint8_t combining_class(char32_t code) {
  return code < 0x300 || code >= kRawByte || has_class(code, kLateBit) ? 0 : unicode_tables::record_of(code).ccc;
}

// Puts all marks since the last starter in order, which is when nothing can come between them any more.
void sort_marks(std::vector<Mark>& marks, size_t from) {
  std::stable_sort(marks.begin() + static_cast<std::ptrdiff_t>(from), marks.end(),
                   [](const Mark& a, const Mark& b) { return a.ccc < b.ccc; });
}

void decompose(char32_t code, bool compatible, std::vector<Mark>& out) {
  int change = 0;
  const auto push = [&](char32_t part) {
    out.push_back({part, change, combining_class(part)});
    change = 1;
  };
  if (code >= kSBase && code < kSBase + kSCount) {
    const char32_t index = code - kSBase;
    push(kLBase + index / (kVCount * kTCount));
    push(kVBase + index % (kVCount * kTCount) / kTCount);
    if (index % kTCount != 0) {
      push(kTBase + index % kTCount);
    }
    return;
  }
  if (code >= 0x80 && !has_class(code, kLateBit)) {
    const Decomposition* const last = unicode_tables::kDecompositions + unicode_tables::kNumDecompositions;
    const Decomposition* const found =
        std::lower_bound(unicode_tables::kDecompositions, last, code,
                         [](const Decomposition& entry, char32_t c) { return entry.code < c; });
    if (found != last && found->code == code) {
      const int length = compatible ? found->compatible_length : found->canonical_length;
      const uint32_t* const codes = unicode_tables::kPool + (compatible ? found->compatible : found->canonical);
      std::for_each(codes, codes + length, push);
    }
  }
  if (change == 0) {
    push(code);
  }
}

char32_t compose(char32_t a, char32_t b) {
  if (a >= kLBase && a < kLBase + kLCount && b >= kVBase && b < kVBase + kVCount) {
    return kSBase + ((a - kLBase) * kVCount + (b - kVBase)) * kTCount;
  }
  if (a >= kSBase && a < kSBase + kSCount && (a - kSBase) % kTCount == 0 && b > kTBase && b < kTBase + kTCount) {
    return a + (b - kTBase);
  }
  const Composition* const last = unicode_tables::kCompositions + unicode_tables::kNumCompositions;
  const Composition* const found =
      std::lower_bound(unicode_tables::kCompositions, last, std::pair<char32_t, char32_t>(a, b),
                       [](const Composition& entry, const std::pair<char32_t, char32_t>& wanted) {
                         return std::pair<char32_t, char32_t>(entry.first, entry.second) < wanted;
                       });
  const bool known = found != last && found->first == a && found->second == b;
  return known && !has_class(found->composite, kLateBit) ? static_cast<char32_t>(found->composite) : 0;
}

// Each run is a starter and its marks. A mark joins the starter when no mark of its class or a higher one that
// stayed lies between; what joined counts as one change, as HF counts.
void compose_into(const std::vector<Mark>& marks, std::vector<Change>& out) {
  size_t starter = marks.size();  // where in `out` the composee stands
  int last_class = -1;
  starter = out.size();
  bool has_starter = false;
  for (const Mark& mark : marks) {
    if (has_starter && last_class < static_cast<int>(mark.ccc)) {
      const char32_t joined = compose(out[starter].code, mark.code);
      if (joined != 0) {
        out[starter].code = joined;
        out[starter].change += mark.change - 1;
        continue;
      }
    }
    if (mark.ccc == 0) {
      starter = out.size();
      has_starter = true;
      last_class = -1;
    } else if (has_starter) {
      last_class = mark.ccc;
    }
    out.push_back({mark.code, mark.change});
  }
}

}  // namespace

void apply_normal_form(Aligned& text, bool composed, bool compatible) {
  std::vector<Mark> marks;
  marks.reserve(text.text.size());
  size_t unsorted = 0;  // where the marks since the last starter begin
  const char* const end = text.text.data() + text.text.size();
  for (const char* p = text.text.data(); p != end;) {
    const size_t before = marks.size();
    const char* const from = p;
    bool valid;
    const char32_t code = decode_utf8(p, end, valid);
    if (valid) {
      decompose(code, compatible, marks);
    } else {
      for (const char* byte = from; byte != p; ++byte) {
        marks.push_back({kRawByte + static_cast<uint8_t>(*byte), byte == from ? 0 : 1, 0});
      }
    }
    for (size_t i = before; i < marks.size(); ++i) {
      if (marks[i].ccc == 0) {
        std::stable_sort(marks.begin() + static_cast<std::ptrdiff_t>(unsorted),
                         marks.begin() + static_cast<std::ptrdiff_t>(i),
                         [](const Mark& a, const Mark& b) { return a.ccc < b.ccc; });
        unsorted = i + 1;
      }
    }
  }
  sort_marks(marks, unsorted);
  std::vector<Change> changes;
  changes.reserve(marks.size());
  if (composed) {
    compose_into(marks, changes);
  } else {
    for (const Mark& mark : marks) {
      changes.push_back({mark.code, mark.change});
    }
  }
  rewrite(text, changes);
}

std::string hf_nfc(std::string_view text) {
  std::string normal = to_nfc(text);
  if (normal == text) {
    return normal;  // then it is so by Unicode 9, too
  }
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    if (static_cast<uint8_t>(*p) < 0xCC) {
      ++p;  // nothing below U+0300 is late
      continue;
    }
    if (has_class(decode_utf8(p, end), kLateBit)) {
      Aligned aligned = Aligned::of(text, 0, false, false);
      apply_normal_form(aligned, true, false);
      return aligned.text;
    }
  }
  return normal;
}

}  // namespace athanor::token
