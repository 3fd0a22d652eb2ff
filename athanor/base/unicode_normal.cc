// Unicode normalisation (UAX #15): decompose, order by combining class, compose; only where the quick check
// says that it might change something.
#include <algorithm>
#include <vector>

#include "athanor/base/unicode.h"
#include "athanor/base/unicode_tables.h"

namespace athanor {

namespace {

using namespace unicode_tables;

// Hangul syllables are composed by arithmetic (Unicode 3.12).
constexpr char32_t kSBase = 0xAC00, kLBase = 0x1100, kVBase = 0x1161, kTBase = 0x11A7;
constexpr char32_t kLCount = 19, kVCount = 21, kTCount = 28, kSCount = kLCount * kVCount * kTCount;

struct Form {
  int quick_shift;
  bool compose, compatible;
};
constexpr Form kNfc{0, true, false};
constexpr Form kNfkc{2, true, true};
constexpr Form kNfd{4, false, false};
constexpr Form kNfkd{6, false, true};

struct Mark {
  char32_t code;
  uint8_t ccc;
};

void decompose(char32_t code, bool compatible, std::vector<Mark>& out) {
  if (code < 0x80) {
    out.push_back({code, 0});
    return;
  }
  if (code >= kSBase && code < kSBase + kSCount) {
    const char32_t index = code - kSBase;
    out.push_back({kLBase + index / (kVCount * kTCount), 0});
    out.push_back({kVBase + index % (kVCount * kTCount) / kTCount, 0});
    if (index % kTCount != 0) {
      out.push_back({kTBase + index % kTCount, 0});
    }
    return;
  }
  const Decomposition* const last = kDecompositions + kNumDecompositions;
  const Decomposition* const found = std::lower_bound(
      kDecompositions, last, code, [](const Decomposition& entry, char32_t c) { return entry.code < c; });
  const bool known = found != last && found->code == code;
  const int length = !known ? 0 : compatible ? found->compatible_length : found->canonical_length;
  if (length == 0) {
    out.push_back({code, record_of(code).ccc});
    return;
  }
  const uint32_t* const codes = kPool + (compatible ? found->compatible : found->canonical);
  for (int i = 0; i < length; ++i) {
    out.push_back({codes[i], record_of(codes[i]).ccc});
  }
}

// The primary composite of two code points, 0 when there is none.
char32_t compose_pair(char32_t first, char32_t second) {
  if (first >= kLBase && first < kLBase + kLCount && second >= kVBase && second < kVBase + kVCount) {
    return kSBase + ((first - kLBase) * kVCount + (second - kVBase)) * kTCount;
  }
  if (first >= kSBase && first < kSBase + kSCount && (first - kSBase) % kTCount == 0 && second > kTBase &&
      second < kTBase + kTCount) {
    return first + (second - kTBase);
  }
  const Composition* const last = kCompositions + kNumCompositions;
  const Composition* const found =
      std::lower_bound(kCompositions, last, second, [first](const Composition& entry, char32_t code) {
        return entry.first != first ? entry.first < first : entry.second < code;
      });
  return found != last && found->first == first && found->second == second ? found->composite : 0;
}

void order_marks(std::vector<Mark>& marks) {
  for (size_t i = 0; i < marks.size();) {
    if (marks[i].ccc == 0) {
      ++i;
      continue;
    }
    size_t j = i + 1;
    while (j < marks.size() && marks[j].ccc != 0) {
      ++j;
    }
    std::stable_sort(marks.begin() + i, marks.begin() + j,
                     [](const Mark& a, const Mark& b) { return a.ccc < b.ccc; });
    i = j;
  }
}

void compose(std::vector<Mark>& marks) {
  size_t kept = 0;
  size_t starter = marks.size();  // index of the last starter among those kept
  for (size_t i = 0; i < marks.size(); ++i) {
    const Mark mark = marks[i];
    if (starter < kept) {
      // Blocked when something between has the same or a higher class, or is itself a starter.
      const uint8_t last = marks[kept - 1].ccc;
      const bool adjacent = kept - 1 == starter;
      if (adjacent || (last != 0 && last < mark.ccc)) {
        const char32_t composite = compose_pair(marks[starter].code, mark.code);
        if (composite != 0) {
          marks[starter].code = composite;
          continue;
        }
      }
    }
    if (mark.ccc == 0) {
      starter = kept;
    }
    marks[kept++] = mark;
  }
  marks.resize(kept);
}

void append_normal(std::string_view piece, const Form& form, std::vector<Mark>& marks, std::string& out) {
  marks.clear();
  for (const char *p = piece.data(), *end = p + piece.size(); p != end;) {
    decompose(decode_utf8(p, end), form.compatible, marks);
  }
  order_marks(marks);
  if (form.compose) {
    compose(marks);
  }
  for (const Mark& mark : marks) {
    append_utf8(out, mark.code);
  }
}

// Where a piece that needs work begins and ends: from the last character before it that nothing can combine
// across, to the next one. begin == text.size() when the rest is normal already.
struct Span {
  size_t begin, end;
};

Span next_piece(std::string_view text, size_t from, const Form& form) {
  const char* const data = text.data();
  const char* const end = data + text.size();
  const char* p = data + from;
  const char* boundary = p;
  uint8_t last_ccc = 0;
  bool changes = false;
  while (p != end) {
    const char* const start = p;
    if (static_cast<uint8_t>(*p) < 0x80) {  // ASCII is stable in every form
      if (changes) {
        return {static_cast<size_t>(boundary - data), static_cast<size_t>(start - data)};
      }
      boundary = p++;
      last_ccc = 0;
      continue;
    }
    bool valid;
    const char32_t code = decode_utf8(p, end, valid);
    const Record& record = record_of(valid ? code : U'a');  // bad bytes stand alone, like a letter
    const int quick = (record.quick >> form.quick_shift) & 3;
    const bool stable = record.ccc == 0 && quick == 0;
    if (stable && changes) {
      return {static_cast<size_t>(boundary - data), static_cast<size_t>(start - data)};
    }
    if (stable) {
      boundary = valid ? start : p;
    } else if (quick != 0 || record.ccc < last_ccc) {
      changes = true;
    }
    last_ccc = record.ccc;
  }
  return {changes ? static_cast<size_t>(boundary - data) : text.size(), text.size()};
}

std::string normalise(std::string_view text, const Form& form) {
  std::string out;
  std::vector<Mark> marks;
  size_t done = 0;
  while (done < text.size()) {
    const Span span = next_piece(text, done, form);
    out.append(text.substr(done, span.begin - done));
    if (span.begin < span.end) {
      append_normal(text.substr(span.begin, span.end - span.begin), form, marks, out);
    }
    done = span.end;
  }
  return out;
}

}  // namespace

std::string to_nfc(std::string_view text) { return normalise(text, kNfc); }
std::string to_nfd(std::string_view text) { return normalise(text, kNfd); }
std::string to_nfkc(std::string_view text) { return normalise(text, kNfkc); }
std::string to_nfkd(std::string_view text) { return normalise(text, kNfkd); }

bool is_nfc(std::string_view text) {
  if (next_piece(text, 0, kNfc).begin == text.size()) {
    return true;
  }
  return to_nfc(text) == text;
}

}  // namespace athanor
