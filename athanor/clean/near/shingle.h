// From a text to the set of hashed 5-grams that near-duplicate search compares.
//
// Normalised as published by datatrove: lower case, a number (with one decimal part) becomes 0, punctuation becomes a
// space, white space collapses, accents go (canonical decomposition without \p{Mn}). Here everything that is not a
// letter, a mark or a number counts as punctuation (a superset of the published list), and decomposition is looked up
// character by character, so that Hangul syllables stay whole (as "normalize" leaves them).
//
// Tokens: words between spaces; a character of a script without spaces (Han, kana, Thai, ...) is a token of its own.
// So Chinese is compared by 5-grams of characters and English by 5-grams of words, in one document too.
// A text of 1..n-1 tokens has one shingle, of all of them; a text without tokens has none.
//
// "plain" compares what stands there instead: words are runs of \w (letters, marks, numbers, _) in lower case; in a text
// that is Chinese or Japanese (cjk_share above kCjkShare) every visible character is a token, punctuation too.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

// Lower case (to_lower), white space collapsed to single spaces and cut at both ends: two texts that are equal after
// this are exact duplicates. Ill-formed bytes become U+FFFD.
void lower_and_collapse(std::string_view text, std::string& out);

// How each code point below 0x10000 counts, built once (256 KiB). Const afterwards: shared by threads.
class FoldTable {
 public:
  enum class Rule {
    kPublished,  // as above
    kWords,      // plain: runs of \w; characters of scripts without spaces alone
    kCharacters  // plain, for Chinese: every visible character alone
  };
  explicit FoldTable(Rule rule = Rule::kPublished);

  enum Kind : uint32_t { kSeparator, kWord, kDigit, kSingle, kIgnored };
  struct Folded {
    Kind kind;
    char32_t code;  // without its accents
  };
  // code is in lower case already.
  Folded fold(char32_t code) const;

 private:
  Rule rule_;
  std::vector<uint32_t> table_;
};

// Scratch memory for one thread, reused from text to text.
struct ShingleScratch {
  std::string word;
  std::vector<uint64_t> tokens;
};

// The distinct shingles of a text from lower_and_collapse, sorted. A shingle is the 64-bit XXH3 of its n token hashes,
// each the 64-bit XXH3 of the token's UTF-8. 1 <= n <= 64.
void make_shingles(std::string_view lowered, size_t n, const FoldTable& table, ShingleScratch& scratch,
                   std::vector<uint64_t>& shingles);

// One way of comparing texts: "published" or "plain". Const after construction: shared by threads.
class Shingler {
 public:
  // Throws Error(kUsage) for another name of a way.
  Shingler(const std::string& compare, size_t n);
  void shingles(std::string_view lowered, ShingleScratch& scratch, std::vector<uint64_t>& out) const;

 private:
  size_t n_;
  bool plain_;
  FoldTable words_;
  FoldTable characters_;  // used for plain only
};

// |A and B| / |A or B| of two sorted sets; 1 for two empty ones. Of 64-bit shingles, or of their upper halves: those
// are what a run keeps (4 bytes a shingle; two shingles fall together by chance once in 4e9 comparisons).
double jaccard(const uint64_t* a, size_t num_a, const uint64_t* b, size_t num_b);
double jaccard(const uint32_t* a, size_t num_a, const uint32_t* b, size_t num_b);

}  // namespace athanor
