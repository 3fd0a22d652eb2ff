#include "athanor/clean/near/shingle.h"

#define XXH_INLINE_ALL  // tokens are a few bytes long: a call would cost as much as the hash
#include <xxhash.h>

#include <algorithm>
#include <array>

#include "athanor/base/error.h"
#include "athanor/base/lower.h"
#include "athanor/base/nearest.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/words.h"

namespace athanor {

namespace {

constexpr int kKindShift = 24;

FoldTable::Folded compute_fold(char32_t code) {
  if (is_unspaced_script(code) && (is_letter(code) || is_number(code))) {
    return {FoldTable::kSingle, code};
  }
  const Category category = category_of(code);
  if (category == Category::kMn) {
    return {FoldTable::kIgnored, code};
  }
  if (category == Category::kNd) {
    return {FoldTable::kDigit, '0'};
  }
  if (!is_letter(code) && !is_number(code) && !is_mark(code)) {
    return {FoldTable::kSeparator, ' '};
  }
  std::string one;
  append_utf8(one, code);
  const std::string parts = to_nfd(one);
  const char* p = parts.data();
  const char* const end = p + parts.size();
  const char32_t base = decode_utf8(p, end);
  while (p != end) {
    if (category_of(decode_utf8(p, end)) != Category::kMn) {
      return {FoldTable::kWord, code};  // more than accents: Hangul, a two-part vowel sign
    }
  }
  return {FoldTable::kWord, base};
}

FoldTable::Folded compute_plain(char32_t code, bool characters) {
  if (is_space(code)) {
    return {FoldTable::kSeparator, ' '};
  }
  if (characters) {
    return {FoldTable::kSingle, code};
  }
  if (!is_letter(code) && !is_number(code) && !is_mark(code) && code != '_') {
    return {FoldTable::kSeparator, ' '};
  }
  return {is_unspaced_script(code) ? FoldTable::kSingle : FoldTable::kWord, code};
}

FoldTable::Folded compute(char32_t code, FoldTable::Rule rule) {
  return rule == FoldTable::Rule::kPublished ? compute_fold(code)
                                             : compute_plain(code, rule == FoldTable::Rule::kCharacters);
}

constexpr std::array<char, 128> make_lower_ascii() {  // white space becomes ' '
  std::array<char, 128> table{};
  for (int c = 0; c < 128; ++c) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool space = (c >= 9 && c <= 13) || c == ' ';
    table[static_cast<size_t>(c)] = static_cast<char>(upper ? c + 32 : space ? ' ' : c);
  }
  return table;
}
constexpr std::array<char, 128> kLowerAscii = make_lower_ascii();

bool is_decimal_mark(char32_t code) { return code == '.' || code == ',' || code == 0x060C || code == 0x066B; }

}  // namespace

void lower_and_collapse(std::string_view text, std::string& out) {
  out.clear();
  out.reserve(text.size() + 1);
  bool pending = false;  // a space to write before the next visible character
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const uint8_t byte = static_cast<uint8_t>(*p);
    if (byte < 0x80) {
      ++p;
      const char c = kLowerAscii[byte];
      if (c == ' ') {
        pending = !out.empty();
        continue;
      }
      if (pending) {
        out += ' ';
        pending = false;
      }
      out += c;
      continue;
    }
    const char32_t code = decode_utf8(p, end);
    if (is_space(code)) {
      pending = !out.empty();
      continue;
    }
    if (pending) {
      out += ' ';
      pending = false;
    }
    append_utf8(out, to_lower(code));
  }
}

FoldTable::FoldTable(Rule rule) : rule_(rule), table_(0x10000) {
  for (char32_t code = 0; code < 0x10000; ++code) {
    const Folded folded = compute(code, rule);
    table_[code] = static_cast<uint32_t>(folded.kind) << kKindShift | static_cast<uint32_t>(folded.code);
  }
}

FoldTable::Folded FoldTable::fold(char32_t code) const {
  if (code >= 0x10000) {
    return compute(code, rule_);
  }
  const uint32_t entry = table_[code];
  return {static_cast<Kind>(entry >> kKindShift), entry & 0xFFFFFF};
}

namespace {

// Reads tokens and keeps their hashes.
class Tokens {
 public:
  Tokens(const FoldTable& table, ShingleScratch& scratch) : table_(table), scratch_(scratch) {
    scratch_.word.clear();
    scratch_.tokens.clear();
  }

  void read(std::string_view text) {
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p != end) {
      const FoldTable::Folded folded = table_.fold(decode_utf8(p, end));
      switch (folded.kind) {
        case FoldTable::kWord:
          append_utf8(scratch_.word, folded.code);
          break;
        case FoldTable::kSeparator:
          end_word();
          break;
        case FoldTable::kDigit:
          p = skip_number(p, end);
          scratch_.word += '0';
          break;
        case FoldTable::kSingle:
          end_word();
          append_utf8(scratch_.word, folded.code);
          end_word();
          break;
        case FoldTable::kIgnored:
          break;
      }
    }
    end_word();
  }

 private:
  void end_word() {
    std::string& word = scratch_.word;
    if (!word.empty()) {
      scratch_.tokens.push_back(XXH3_64bits(word.data(), word.size()));
      word.clear();
    }
  }

  const char* skip_digits(const char* p, const char* end) const {
    while (p != end) {
      const char* look = p;
      if (table_.fold(decode_utf8(look, end)).kind != FoldTable::kDigit) {
        break;
      }
      p = look;
    }
    return p;
  }

  // The rest of digits(mark digits)?, whose first digit is read.
  const char* skip_number(const char* p, const char* end) const {
    p = skip_digits(p, end);
    if (p == end) {
      return p;
    }
    const char* look = p;
    if (!is_decimal_mark(decode_utf8(look, end))) {
      return p;
    }
    const char* const after = skip_digits(look, end);
    return after == look ? p : after;
  }

  const FoldTable& table_;
  ShingleScratch& scratch_;
};

}  // namespace

void make_shingles(std::string_view lowered, size_t n, const FoldTable& table, ShingleScratch& scratch,
                   std::vector<uint64_t>& shingles) {
  Tokens(table, scratch).read(lowered);
  const std::vector<uint64_t>& tokens = scratch.tokens;
  shingles.clear();
  if (tokens.empty()) {
    return;
  }
  const size_t width = std::min(n, tokens.size());
  shingles.reserve(tokens.size() + 1 - width);
  for (size_t i = 0; i + width <= tokens.size(); ++i) {
    shingles.push_back(XXH3_64bits(&tokens[i], width * sizeof(uint64_t)));
  }
  std::sort(shingles.begin(), shingles.end());
  shingles.erase(std::unique(shingles.begin(), shingles.end()), shingles.end());
}

Shingler::Shingler(const std::string& compare, size_t n)
    : n_(n),
      plain_(compare == "plain"),
      words_(plain_ ? FoldTable::Rule::kWords : FoldTable::Rule::kPublished),
      characters_(FoldTable::Rule::kCharacters) {
  if (compare != "plain" && compare != "published") {
    throw Error(ErrorKind::kUsage, "compare is '" + compare + "'", "dedup",
                did_you_mean(compare, {"published", "plain"}));
  }
}

void Shingler::shingles(std::string_view lowered, ShingleScratch& scratch, std::vector<uint64_t>& out) const {
  const bool characters = plain_ && cjk_share(lowered) > kCjkShare;
  make_shingles(lowered, n_, characters ? characters_ : words_, scratch, out);
}

namespace {

template <class T>
double jaccard_of(const T* a, size_t num_a, const T* b, size_t num_b) {
  if (num_a + num_b == 0) {
    return 1;
  }
  size_t i = 0;
  size_t j = 0;
  size_t both = 0;
  while (i < num_a && j < num_b) {
    const T x = a[i];
    const T y = b[j];
    both += x == y;
    i += x <= y;
    j += y <= x;
  }
  return static_cast<double>(both) / static_cast<double>(num_a + num_b - both);
}

}  // namespace

double jaccard(const uint64_t* a, size_t num_a, const uint64_t* b, size_t num_b) {
  return jaccard_of(a, num_a, b, num_b);
}

double jaccard(const uint32_t* a, size_t num_a, const uint32_t* b, size_t num_b) {
  return jaccard_of(a, num_a, b, num_b);
}

}  // namespace athanor
