// A text as terms: words and runs of words, or runs of characters, as scikit-learn's
// CountVectorizer cuts them (words: two or more letters, digits or _; chars: runs over the whole
// text; chars_wb: within words, a blank at their ends). Private to this room.
#pragma once

#include <functional>
#include <memory>

#include "athanor/base/unicode.h"
#include "athanor/feature/text/segment.h"
#include "athanor/feature/text/word_scan.h"
#include "athanor/feature/transform.h"

namespace athanor {

struct TextOptions {
  std::string analyzer = "words";
  int64_t ngrams_from = 1;
  int64_t ngrams = 1;
  bool lowercase = true;
  bool strip_accents = false;
  std::vector<std::string> stop_words;
  std::string chinese = "auto";

  template <class T>
  static void add_fields(Fields<T>& f) {
    f.add("analyzer", &T::analyzer,
          "words; chars: runs of characters; chars_wb: runs of characters within words")
        .choices({"words", "chars", "chars_wb"});
    f.add("ngrams_from", &T::ngrams_from, "terms of so many words or characters at least")
        .range(1, 20);
    f.add("ngrams", &T::ngrams, "and so many at most").range(1, 20);
    f.add("lowercase", &T::lowercase, "lower-case the text first");
    f.add("strip_accents", &T::strip_accents, "cut accents off (NFKD without its marks)");
    f.add("stop_words", &T::stop_words, "words that are no terms");
    f.add("chinese", &T::chinese,
          "words: cut Chinese into its words by a dictionary; auto: when a fifth of the letters of "
          "the training texts are Chinese")
        .choices({"auto", "yes", "no"});
  }
};

class Analyzer {
 public:
  Analyzer() = default;
  // Error(kUsage) when ngrams_from is above ngrams.
  explicit Analyzer(TextOptions options);

  // For chinese: auto. Looks at the beginnings of some texts.
  void decide_chinese(const std::vector<std::string>& texts);
  bool makes_words() const { return options_.analyzer == "words"; }
  bool makes_runs() const { return makes_words() && options_.ngrams > 1; }  // of words
  size_t ngrams_from() const { return static_cast<size_t>(options_.ngrams_from); }
  size_t ngrams() const { return static_cast<size_t>(options_.ngrams); }
  bool cuts_chinese() const { return segmenter_ != nullptr; }
  void set_chinese(bool cut);

  // What one thread keeps between texts.
  struct Scratch {
    WordScan scan;
    std::string text, term;
    std::vector<std::pair<uint32_t, uint32_t>> spans;  // [begin, end) of words, or of characters
    std::vector<size_t> ends;
    std::string padded;
  };
  // Calls fn(std::string_view term) for every term; the view is valid during the call.
  template <class Fn>
  void for_each_term(std::string_view text, Scratch& scratch, const Fn& fn) const;
  // The words that the analyzer `words` makes terms of. 8 bytes of each may be read.
  template <class Fn>
  void for_each_word(std::string_view text, Scratch& scratch, const Fn& fn) const;

 private:
  void prepare(std::string_view text, std::string& out) const;  // lower case, accents
  void find_words(std::string_view text, Scratch& scratch) const;
  void add_run(Scratch& scratch, size_t begin, size_t end) const;
  void add_word(Scratch& scratch, size_t begin, size_t end, size_t characters) const;
  void split_chinese(Scratch& scratch, size_t begin, size_t end) const;
  static void squeeze_spaces(std::string& text);
  static void find_characters(std::string_view text,
                              std::vector<std::pair<uint32_t, uint32_t>>& spans);
  template <class Fn>
  void runs_of_words(Scratch& scratch, const Fn& fn) const;
  template <class Fn>
  void runs_of_characters(std::string_view text, Scratch& scratch, bool once_when_short,
                          const Fn& fn) const;

  TextOptions options_;
  TermTable stop_words_;
  std::shared_ptr<const LazySegmenter> segmenter_;
};

template <class Fn>
void Analyzer::for_each_word(std::string_view text, Scratch& scratch, const Fn& fn) const {
  find_words(text, scratch);
  const char* const base = scratch.scan.text().data();
  for (const auto& [begin, end] : scratch.spans) {
    fn(std::string_view(base + begin, end - begin));
  }
}

template <class Fn>
void Analyzer::runs_of_words(Scratch& scratch, const Fn& fn) const {
  const std::string_view text = scratch.scan.text();
  const auto& words = scratch.spans;
  const auto from = static_cast<size_t>(options_.ngrams_from),
             to = static_cast<size_t>(options_.ngrams);
  for (size_t i = 0; i < words.size(); ++i) {
    if (from == 1) {
      fn(text.substr(words[i].first, words[i].second - words[i].first));
    }
    if (to == 1) {
      continue;
    }
    scratch.term.assign(text, words[i].first, words[i].second - words[i].first);
    for (size_t n = 2; n <= to && i + n <= words.size(); ++n) {
      const auto& word = words[i + n - 1];
      scratch.term.push_back(' ');
      scratch.term.append(text, word.first, word.second - word.first);
      if (n >= from) {
        fn(std::string_view(scratch.term));
      }
    }
  }
}

template <class Fn>
void Analyzer::runs_of_characters(std::string_view text, Scratch& scratch, bool once_when_short,
                                  const Fn& fn) const {
  find_characters(text, scratch.spans);
  const auto& characters = scratch.spans;
  const size_t count = characters.size();
  for (auto n = static_cast<size_t>(options_.ngrams_from);
       n <= static_cast<size_t>(options_.ngrams); ++n) {
    if (n > count && !(once_when_short && count > 0)) {
      return;
    }
    for (size_t i = 0; i + std::min(n, count) <= count; ++i) {
      fn(text.substr(characters[i].first,
                     characters[i + std::min(n, count) - 1].second - characters[i].first));
    }
    if (n >= count) {  // a short word counts once
      return;
    }
  }
}

template <class Fn>
void Analyzer::for_each_term(std::string_view text, Scratch& scratch, const Fn& fn) const {
  if (makes_words()) {
    find_words(text, scratch);
    runs_of_words(scratch, fn);
    return;
  }
  prepare(text, scratch.text);
  if (options_.analyzer == "chars") {
    squeeze_spaces(scratch.text);
    runs_of_characters(scratch.text, scratch, false, fn);
    return;
  }
  const std::string& all = scratch.text;
  scratch.padded = " ";
  for (const char *p = all.data(), *end = p + all.size(); p <= end;) {
    const char* const begin = p;
    const char32_t code = p < end ? decode_utf8(p, end) : U' ';
    if (!is_python_space(code)) {
      scratch.padded.append(begin, p);
      continue;
    }
    if (scratch.padded.size() > 1) {
      scratch.padded.push_back(' ');
      runs_of_characters(scratch.padded, scratch, true, fn);
      scratch.padded = " ";
    }
    if (begin == end) {
      return;
    }
  }
}

}  // namespace athanor
