#include "athanor/clean/spaced_words.h"

#include "athanor/base/unicode.h"

namespace athanor {

std::vector<SpacedWord> split_spaced_words(std::string_view text) {
  std::vector<SpacedWord> words;
  words.reserve(text.size() / 6 + 1);
  SpacedWord word;
  const char* p = text.data();
  const char* const end = p + text.size();
  const char* start = p;
  const auto close = [&](const char* at) {
    if (word.num_chars > 0) {
      word.text = {start, static_cast<size_t>(at - start)};
      words.push_back(word);
      word = {};
    }
  };
  while (p != end) {
    const char* const at = p;
    const uint8_t byte = static_cast<uint8_t>(*p);
    bool space;
    bool letter = false;
    if (byte < 0x80) {
      ++p;
      space = byte == ' ' || (byte >= 9 && byte <= 13) || (byte >= 0x1C && byte <= 0x1F);
      const uint8_t folded = byte | 0x20;
      letter = folded >= 'a' && folded <= 'z';
    } else {
      const char32_t code = decode_utf8(p, end);
      space = is_space(code);
      letter = is_letter(code);
    }
    if (space) {
      close(at);
      continue;
    }
    if (word.num_chars == 0) {
      start = at;
    }
    ++word.num_chars;
    word.has_letter |= letter;
  }
  close(end);
  return words;
}

size_t count_hash_runs(std::string_view text) {
  size_t runs = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    runs += text[i] == '#' && (i == 0 || text[i - 1] != '#');
  }
  return runs;
}

}  // namespace athanor
