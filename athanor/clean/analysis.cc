#include "athanor/clean/analysis.h"

#include "athanor/base/unicode.h"

namespace athanor {

void TextAnalysis::reset(std::string_view text) {
  text_ = text;
  has_chars_ = has_lines_ = has_words_ = false;
}

const CharCounts& TextAnalysis::chars() {
  if (has_chars_) {
    return chars_;
  }
  CharCounts counts;
  const char* p = text_.data();
  const char* const end = p + text_.size();
  while (p != end) {
    const uint8_t byte = static_cast<uint8_t>(*p);
    ++counts.all;
    if (byte < 0x80) {
      ++p;
      const uint8_t folded = byte | 0x20;
      counts.letters += folded >= 'a' && folded <= 'z';
      counts.visible += byte > ' ' && byte != 0x7F;
      continue;
    }
    const char32_t code = decode_utf8(p, end);
    counts.letters += is_letter(code) || is_mark(code);
    counts.visible += !is_space(code);
    counts.cjk += is_han(code) || is_kana(code);
  }
  chars_ = counts;
  has_chars_ = true;
  return chars_;
}

double TextAnalysis::cjk_share() {
  const CharCounts& counts = chars();
  return counts.visible == 0 ? 0 : static_cast<double>(counts.cjk) / static_cast<double>(counts.visible);
}

const std::vector<Line>& TextAnalysis::lines() {
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

}  // namespace athanor
