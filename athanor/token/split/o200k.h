// The cuts of GPT-4o and gpt-oss (o200k), of Mistral's tekken and Nemotron (the same without contractions, digits one by
// one), of Qwen 3.5 and of GPT-4 (cl100k as tiktoken has it). The patterns stand in split.cc.
#pragma once

#include "athanor/token/split/scan.h"

namespace athanor::token {

// Which of [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}] (upper) and [\p{Ll}\p{Lm}\p{Lo}\p{M}] (lower) a character is in.
struct WordChar {
  bool upper, lower, mark;
  Class kind;  // a mark is kOther
};

inline WordChar read_word(const char* p, const char* end, const char*& next) {
  const uint8_t byte = static_cast<uint8_t>(*p);
  if (byte < 0x80) {
    next = p + 1;
    const bool letter = kAscii.of[byte] == Class::kLetter;
    return {letter && byte < 'a', letter && byte >= 'a', false, kAscii.of[byte]};
  }
  next = p;
  const char32_t code = decode_utf8(next, end);
  const Category category = regex_category(code);
  const bool mark = category >= Category::kMc && category <= Category::kMn;
  const bool both = mark || category == Category::kLm || category == Category::kLo;
  return {both || category == Category::kLu || category == Category::kLt, both || category == Category::kLl, mark,
          class_of(code)};
}

// `\s*[\r\n]+|\s+(?!\S)|\s+` at the white space that begins at p; next: after its first character.
inline const char* cut_white_space(const char* p, const char* next, const char* end) {
  const char* const stop = skip(next, end, Class::kSpace);
  for (const char* last = stop; last != p; --last) {
    if (is_newline(last[-1])) {
      return last;
    }
  }
  return leave_last_space(p, stop, end);
}

template <bool kContractions, int kDigits>
struct O200kScanner {
  static const char* piece(const char* p, const char* end) {
    const char* next;
    const WordChar first = read_word(p, end, next);
    const bool may_lead = first.kind != Class::kLetter && first.kind != Class::kNumber && !is_newline(*p);
    const char* stop = may_lead && next != end ? lower_word(next, end) : nullptr;
    stop = stop == nullptr ? lower_word(p, end) : stop;
    stop = stop == nullptr && may_lead ? upper_word(next, end) : stop;
    stop = stop == nullptr ? upper_word(p, end) : stop;
    if (stop != nullptr) {
      return kContractions && stop != end && *stop == '\'' ? stop + contraction(stop, end, true) : stop;
    }
    if (first.kind == Class::kNumber) {
      const char* after;
      for (int digits = 1; digits < kDigits && next != end && read(next, end, after) == Class::kNumber; ++digits) {
        next = after;
      }
      return next;
    }
    const char* second;
    if (first.kind == Class::kOther || (*p == ' ' && next != end && read(next, end, second) == Class::kOther)) {
      stop = skip(next, end, Class::kOther);
      while (stop != end && (is_newline(*stop) || *stop == '/')) {
        ++stop;
      }
      return stop;
    }
    return cut_white_space(p, next, end);
  }

 private:
  // upper* lower+ at p; nullptr without a match. The upper ones give back until a lower one can follow: when none
  // stands behind them, up to the last that is both.
  static const char* lower_word(const char* p, const char* end) {
    const char* after_both = nullptr;
    const char* next;
    for (; p != end; p = next) {
      const WordChar c = read_word(p, end, next);
      if (!c.upper) {
        break;
      }
      after_both = c.lower ? next : after_both;
    }
    const char* lower = p;
    for (; lower != end && read_word(lower, end, next).lower; lower = next) {
    }
    return lower != p ? lower : after_both;
  }

  // upper+ lower* at p, where lower_word has no match: nothing lower follows.
  static const char* upper_word(const char* p, const char* end) {
    const char* const begin = p;
    const char* next;
    for (; p != end && read_word(p, end, next).upper; p = next) {
    }
    return p == begin ? nullptr : p;
  }
};

// Llama 3's with [\p{L}\p{M}] for letters, which are no signs then; digits one by one.
struct Qwen35Scanner {
  static const char* piece(const char* p, const char* end) {
    if (*p == '\'') {
      const size_t length = contraction(p, end, true);
      if (length != 0) {
        return p + length;
      }
    }
    const char* next;
    const WordChar first = read_word(p, end, next);
    if (is_word(first)) {
      return skip_word(next, end);
    }
    if (first.kind == Class::kNumber) {
      return next;
    }
    const char* second = next;
    const WordChar follows = next != end ? read_word(next, end, second) : WordChar{false, false, false, Class::kSpace};
    if (is_word(follows) && !is_newline(*p)) {
      return skip_word(second, end);
    }
    if (is_sign(first) || (*p == ' ' && is_sign(follows))) {
      const char* stop = next;
      while (stop != end && is_sign(read_word(stop, end, second))) {
        stop = second;
      }
      while (stop != end && is_newline(*stop)) {
        ++stop;
      }
      return stop;
    }
    return cut_white_space(p, next, end);
  }

 private:
  static bool is_word(const WordChar& c) { return c.mark || c.kind == Class::kLetter; }
  static bool is_sign(const WordChar& c) { return c.kind == Class::kOther && !c.mark; }
  static const char* skip_word(const char* p, const char* end) {
    for (const char* next; p != end && is_word(read_word(p, end, next)); p = next) {
    }
    return p;
  }
};

// Llama 3's, but that white space at the end of the text is one piece, and a lone last one a piece.
struct Cl100kScanner {
  static const char* piece(const char* p, const char* end) {
    const char* next;
    if (read(p, end, next) == Class::kSpace && skip(next, end, Class::kSpace) == end) {
      return end;
    }
    return Llama3Scanner<3>::piece(p, end);
  }
};

}  // namespace athanor::token
