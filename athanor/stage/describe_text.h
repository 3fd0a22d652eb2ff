// What `describe` sees in the texts themselves: words, scripts, n-grams.
//
// Words are those of clean/words.h that hold a letter or a number. N-grams are of lower-cased words with nothing but
// white space between them; a character of a script without spaces (Chinese, Japanese, Thai, ...) is a word of its own
// there, and its n-grams are counted apart, as n-grams of characters.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/metric/frequent_items.h"

namespace athanor {

// "Latin", "Han", ... of a letter, by blocks of Unicode; "other" for what is not in the list.
const char* script_of(char32_t code);

struct TextFacts {
  uint64_t characters = 0;
  uint64_t words = 0;
  uint64_t lines = 0;       // at least 1
  const char* script = "";  // that most letters are of; "Kana" where a tenth of Han and kana are kana; "none"
};

inline constexpr size_t kMaxNgram = 3;
enum NgramKind : size_t { kWordNgrams, kCharacterNgrams, kNumNgramKinds };
using NgramCounters = std::array<std::array<FrequentTexts, kMaxNgram>, kNumNgramKinds>;
NgramCounters make_ngram_counters();

// Counts n-grams of a block of texts with one small table a length, and hands what is frequent in the block on. One a
// thread; blocks are cut by bytes, so the result does not depend on threads.
class TextDescriber {
 public:
  TextDescriber();

  TextFacts add(std::string_view text);
  // To be called at the end of a stretch of documents (a shard), and by itself whenever 32 MB are full.
  void flush(NgramCounters& into);
  bool full() const;

 private:
  void count_words(size_t begin, TextFacts& facts);
  std::string ngram_at(size_t kind, size_t length, size_t place) const;

  std::string block_;  // the texts, so that an n-gram can be read where it was first seen
  std::array<std::array<FrequentItems, kMaxNgram>, kNumNgramKinds> items_;
};

}  // namespace athanor
