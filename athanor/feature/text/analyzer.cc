#include "athanor/feature/text/analyzer.h"

#include <algorithm>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr size_t kLooked = 200;        // texts that chinese: auto looks at
constexpr size_t kLookedBytes = 2000;  // and how far into each
constexpr double kChineseShare = 0.2;

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

}  // namespace

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
        out[i] = static_cast<char>(out[i] >= 'A' && out[i] <= 'Z' ? out[i] + 32 : out[i]);
      }
      if (p < end) {
        const char32_t code = decode_utf8(p, end);
        append_lower(out, code, out, p, end);
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
  const std::string_view word = scratch.scan.text().substr(begin, end - begin);
  if (characters >= 2 && (stop_words_.size() == 0 || stop_words_.find(word) < 0)) {
    scratch.spans.emplace_back(static_cast<uint32_t>(begin), static_cast<uint32_t>(end));
  }
}

void Analyzer::find_words(std::string_view text, Scratch& scratch) const {
  if (options_.strip_accents) {
    prepare(text, scratch.text);
    scratch.scan.read(scratch.text, false);
  } else {
    scratch.scan.read(text, options_.lowercase);
  }
  const auto edges = scratch.scan.edges();
  scratch.spans.clear();
  if (!scratch.scan.beyond_ascii() && stop_words_.size() == 0) {
    scratch.spans.resize(edges.size() / 2);
    for (size_t i = 0; i < scratch.spans.size(); ++i) {
      scratch.spans[i] = {edges[2 * i], edges[2 * i + 1]};
    }
    return;
  }
  for (size_t i = 0; i + 1 < edges.size(); i += 2) {
    add_run(scratch, edges[i], edges[i + 1]);
  }
}

// A run of word characters: a word, unless it is one character only, or holds Chinese.
void Analyzer::add_run(Scratch& scratch, size_t begin, size_t end) const {
  const std::string_view run = scratch.scan.text().substr(begin, end - begin);
  if (std::all_of(run.begin(), run.end(), is_ascii)) {
    add_word(scratch, begin, end, 2);
  } else if (segmenter_ != nullptr) {
    split_chinese(scratch, begin, end);
  } else {
    const char* p = run.data();
    decode_utf8(p, run.data() + run.size());
    add_word(scratch, begin, end, p == run.data() + run.size() ? 1 : 2);
  }
}

// A run of word characters that may hold Chinese: its Chinese parts word by word, of one character
// too, the rest as words.
void Analyzer::split_chinese(Scratch& scratch, size_t begin, size_t end) const {
  const char* const base = scratch.scan.text().data();
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
