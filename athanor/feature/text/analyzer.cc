#include "athanor/feature/text/analyzer.h"

#include <array>

#include "athanor/base/error.h"
#include "athanor/base/lower.h"

namespace athanor {

namespace {

constexpr size_t kLooked = 200;        // texts that chinese: auto looks at
constexpr size_t kLookedBytes = 2000;  // and how far into each
constexpr double kChineseShare = 0.2;

struct AsciiTable {
  std::array<uint8_t, 256> word{};  // a letter, a digit or _
  std::array<char, 256> lower{};
};
constexpr AsciiTable make_table() {
  AsciiTable table;
  for (int c = 0; c < 256; ++c) {
    const bool upper = c >= 'A' && c <= 'Z';
    table.word[static_cast<size_t>(c)] =
        upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    table.lower[static_cast<size_t>(c)] = static_cast<char>(upper ? c + 32 : c);
  }
  return table;
}
constexpr AsciiTable kAscii = make_table();

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

// A capital sigma at the end of a word becomes the final one, as str.lower() has it (Unicode 3.13,
// Final_Sigma).
char32_t lower_sigma(const std::string& before, const char* p, const char* end) {
  bool letter_before = false;
  for (const char *q = before.data(), *stop = q + before.size(); q < stop;) {
    letter_before = is_letter(decode_utf8(q, stop));
  }
  const bool letter_after = p < end && is_letter(decode_utf8(p, end));
  return letter_before && !letter_after ? U'\u03c2' : U'\u03c3';
}

void append_lower(std::string& out, char32_t code, const char* p, const char* end) {
  if (code == U'\u0130') {
    out += "i\u0307";
  } else if (code == U'\u03a3') {
    const size_t tail = out.size() > 64 ? out.size() - 64 : 0;
    append_utf8(out, lower_sigma(out.substr(tail), p, end));
  } else {
    append_utf8(out, to_lower(code));
  }
}

}  // namespace

bool is_word_character(char32_t code) {
  return code < 0x80 ? kAscii.word[static_cast<size_t>(code)] != 0
                     : is_letter(code) || is_number(code);
}

bool is_python_space(char32_t code) {
  return code < 0x80 ? (code >= 9 && code <= 13) || (code >= 0x1c && code <= 0x20) : is_space(code);
}

Analyzer::Analyzer(TextOptions options) : options_(std::move(options)) {
  if (options_.ngrams_from > options_.ngrams) {
    throw Error(ErrorKind::kUsage, "ngrams_from must not be above ngrams", "ngrams_from");
  }
  for (const std::string& word : options_.stop_words) {
    stop_words_.add(word);
  }
  set_chinese(options_.chinese == "yes");
}

void Analyzer::set_chinese(bool cut) {
  segmenter_ =
      cut && options_.analyzer == "words" ? std::make_shared<const LazySegmenter>() : nullptr;
}

void Analyzer::decide_chinese(const std::vector<std::string>& texts) {
  if (options_.chinese != "auto") {
    return;
  }
  uint64_t letters = 0, chinese = 0;
  const size_t step = std::max<size_t>(1, texts.size() / kLooked);
  for (size_t i = 0; i < texts.size(); i += step) {
    const std::string_view text = utf8_prefix(texts[i], kLookedBytes);
    for (const char *p = text.data(), *end = p + text.size(); p < end;) {
      const char32_t code = decode_utf8(p, end);
      letters += is_letter(code) ? 1 : 0;
      chinese += is_han(code) ? 1 : 0;
    }
  }
  set_chinese(letters > 0 &&
              static_cast<double>(chinese) >= kChineseShare * static_cast<double>(letters));
}

void Analyzer::prepare(std::string_view text, std::string& out) const {
  out.clear();
  if (!options_.lowercase) {
    out.assign(text);
  } else {
    out.reserve(text.size());
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p < end) {
      const char* const begin = p;
      while (p < end && is_ascii(*p)) {
        ++p;
      }
      const size_t at = out.size();
      out.append(begin, p);
      for (size_t i = at; i < out.size(); ++i) {
        out[i] = kAscii.lower[static_cast<unsigned char>(out[i])];
      }
      if (p < end) {
        const char32_t code = decode_utf8(p, end);
        append_lower(out, code, p, end);
      }
    }
  }
  if (options_.strip_accents) {
    const std::string whole = to_nfkd(out);
    out.clear();
    for (const char *p = whole.data(), *end = p + whole.size(); p < end;) {
      const char32_t code = decode_utf8(p, end);
      if (category_of(code) != Category::kMn) {
        append_utf8(out, code);
      }
    }
  }
}

void Analyzer::add_word(Scratch& scratch, size_t begin, size_t end, size_t characters) const {
  const std::string_view word = std::string_view(scratch.text).substr(begin, end - begin);
  if (characters >= 2 && (stop_words_.size() == 0 || stop_words_.find(word) < 0)) {
    scratch.spans.emplace_back(static_cast<uint32_t>(begin), static_cast<uint32_t>(end));
  }
}

void Analyzer::find_words(Scratch& scratch) const {
  scratch.spans.clear();
  const char* const base = scratch.text.data();
  const char* const end = base + scratch.text.size();
  const char* p = base;
  while (p < end) {
    const char* const begin = p;
    while (p < end && kAscii.word[static_cast<unsigned char>(*p)] != 0) {
      ++p;
    }
    if (p < end && !is_ascii(*p)) {
      p = find_mixed_word(scratch, begin, p, end);
      continue;
    }
    if (p - begin >= 2) {
      add_word(scratch, static_cast<size_t>(begin - base), static_cast<size_t>(p - base), 2);
    }
    ++p;  // what ended it, or the end
  }
}

// A word with characters beyond ASCII: `begin` is where it begins, `p` the first of them. Returns
// where to go on.
const char* Analyzer::find_mixed_word(Scratch& scratch, const char* begin, const char* p,
                                      const char* end) const {
  const char* const base = scratch.text.data();
  auto characters = static_cast<size_t>(p - begin);
  bool ascii_only = true;
  const char* next = p;
  while (next < end && is_word_character(decode_utf8(next, end))) {
    ascii_only = ascii_only && is_ascii(*p);
    p = next;
    ++characters;
  }
  const auto from = static_cast<size_t>(begin - base), to = static_cast<size_t>(p - base);
  if (characters > 0 && !ascii_only && segmenter_ != nullptr) {
    split_chinese(scratch, from, to);
  } else if (characters > 0) {
    add_word(scratch, from, to, characters);
  }
  return next;  // behind the character that ended it
}

// A run of word characters that may hold Chinese: its Chinese parts word by word, of one character
// too, the rest as words.
void Analyzer::split_chinese(Scratch& scratch, size_t begin, size_t end) const {
  const char* const base = scratch.text.data();
  const char* const stop = base + end;
  const char* p = base + begin;
  while (p < stop) {
    const char* const from = p;
    size_t characters = 0;
    bool chinese = false;
    while (p < stop) {
      const char* q = p;
      const bool han = is_han(decode_utf8(q, stop));
      if (characters > 0 && han != chinese) {
        break;
      }
      chinese = han;
      p = q;
      ++characters;
    }
    const auto at = static_cast<size_t>(from - base);
    if (!chinese) {
      add_word(scratch, at, static_cast<size_t>(p - base), characters);
      continue;
    }
    segmenter_->get().cut({from, static_cast<size_t>(p - from)}, scratch.ends);
    size_t last = 0;
    for (const size_t word_end : scratch.ends) {
      add_word(scratch, at + last, at + word_end, 2);
      last = word_end;
    }
  }
}

// Two or more white characters become one blank; one stays what it is.
void Analyzer::squeeze_spaces(std::string& text) {
  std::string out;
  out.reserve(text.size());
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const char* const begin = p;
    if (!is_python_space(decode_utf8(p, end))) {
      out.append(begin, p);
      continue;
    }
    const char* const first_end = p;
    for (const char* q = p; q < end && is_python_space(decode_utf8(q, end));) {
      p = q;
    }
    if (p == first_end) {
      out.append(begin, p);
    } else {
      out.push_back(' ');
    }
  }
  text = std::move(out);
}

void Analyzer::find_characters(std::string_view text,
                               std::vector<std::pair<uint32_t, uint32_t>>& spans) {
  spans.clear();
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const char* const begin = p;
    decode_utf8(p, end);
    spans.emplace_back(static_cast<uint32_t>(begin - text.data()),
                       static_cast<uint32_t>(p - text.data()));
  }
}

}  // namespace athanor
