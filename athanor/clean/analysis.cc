#include "athanor/clean/analysis.h"

#include "athanor/base/unicode.h"
#include "athanor/clean/word_hash.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace athanor {

namespace {

// Counts ASCII from p on; returns where it ends.
const char* count_ascii(const char* p, const char* end, CharCounts& counts) {
#if defined(__x86_64__)
  const __m128i bit = _mm_set1_epi8(0x20);
  while (end - p >= 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    if (_mm_movemask_epi8(bytes) != 0) {
      break;
    }
    const __m128i folded = _mm_or_si128(bytes, bit);
    const __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(folded, _mm_set1_epi8('a' - 1)),
                                          _mm_cmplt_epi8(folded, _mm_set1_epi8('z' + 1)));
    const __m128i visible = _mm_and_si128(_mm_cmpgt_epi8(bytes, bit), _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x7F)));
    counts.letters += static_cast<size_t>(__builtin_popcount(static_cast<unsigned>(_mm_movemask_epi8(letters))));
    counts.visible += static_cast<size_t>(__builtin_popcount(static_cast<unsigned>(_mm_movemask_epi8(visible))));
    counts.all += 16;
    p += 16;
  }
#endif
  for (; p != end && static_cast<uint8_t>(*p) < 0x80; ++p) {
    const uint8_t folded = static_cast<uint8_t>(*p) | 0x20;
    ++counts.all;
    counts.letters += folded >= 'a' && folded <= 'z';
    counts.visible += *p > ' ' && *p != 0x7F;
  }
  return p;
}

}  // namespace

void TextAnalysis::reset(std::string_view text) {
  text_ = text;
  has_chars_ = has_lines_ = has_any_lines_ = has_words_ = has_hashes_ = false;
}

const CharCounts& TextAnalysis::chars() {
  if (has_chars_) {
    return chars_;
  }
  CharCounts counts;
  const char* p = text_.data();
  const char* const end = p + text_.size();
  while (p != end) {
    p = count_ascii(p, end, counts);
    while (p != end && static_cast<uint8_t>(*p) >= 0x80) {
      const char32_t code = decode_utf8(p, end);
      ++counts.all;
      const bool letter = is_letter(code) || is_mark(code);
      counts.letters += letter;
      counts.visible += letter || !is_space(code);
      counts.cjk += code >= 0x2E80 && (is_han(code) || is_kana(code));
    }
  }
  chars_ = counts;
  has_chars_ = true;
  return chars_;
}

double TextAnalysis::cjk_share() {
  const CharCounts& counts = chars();
  return counts.visible == 0 ? 0 : static_cast<double>(counts.cjk) / static_cast<double>(counts.visible);
}

const std::vector<TextLine>& TextAnalysis::lines() {
  if (has_lines_) {
    return lines_;
  }
  lines_.clear();
  for (const std::string_view line : split_lines(text_)) {
    lines_.push_back({line, static_cast<uint32_t>(count_code_points(line)), trim_left(line).empty()});
  }
  has_lines_ = true;
  return lines_;
}

const std::vector<Word>& TextAnalysis::words() {
  if (!has_words_) {
    words_ = split_words(text_);
    has_words_ = true;
  }
  return words_;
}

const std::vector<std::string_view>& TextAnalysis::any_lines() {
  if (!has_any_lines_) {
    any_lines_ = split_any_lines(text_);
    has_any_lines_ = true;
  }
  return any_lines_;
}

const std::vector<uint64_t>& TextAnalysis::word_hashes() {
  if (!has_hashes_) {
    hashes_.clear();
    hashes_.reserve(words().size());
    for (const Word& word : words_) {
      hashes_.push_back(hash_word(word.text));
    }
    has_hashes_ = true;
  }
  return hashes_;
}

}  // namespace athanor
