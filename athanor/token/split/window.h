// Cuts found 64 bytes at a time, as bits. A window begins where a piece begins; bit i of a mask speaks of its byte i,
// and every byte of a character has the character's class. A family (Gpt2Cuts, ...) turns the masks into the bits where
// pieces begin, by the rules of its scanner in scan.h, and says up to which bit that is certain: what follows the
// window may still change the rest, which the next window, or the scanner, decides.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>

#include "athanor/token/split/deepseek.h"
#include "athanor/token/split/scan.h"

namespace athanor::token {

// What a window's bytes are. Bytes of 0x80 and up begin as `high` and are put right by add_high().
struct Window {
  uint64_t letter, number, white, space, newline, quote, control, high;
  uint64_t continuation;  // bytes of a character but its first
  uint64_t far_letter;    // letters beyond ASCII
  uint64_t ideograph;     // characters that are pieces with their like (DeepSeek V3)
  int limit;              // bytes that are known: 64, or where a character stands that a family leaves to its scanner
};

struct Cuts {
  uint64_t begins;  // where pieces begin, bit 0 aside
  int certain;      // bits above this one are not certain
};

// How a family takes a character beyond ASCII: a bit to set, or kStop to end the window there.
enum class High : uint8_t { kOther, kLetter, kNumber, kIdeograph, kStop };

inline constexpr uint64_t bits_below(int n) { return n >= 64 ? ~uint64_t{0} : (uint64_t{1} << n) - 1; }

// The bits of the first character's end, for characters that begin at the bits `begin`.
inline constexpr uint64_t after_first(uint64_t begin, uint64_t continuation) {
  const uint64_t next = begin << 1;
  return (next & ~continuation) | (((next & continuation) + continuation) & ~continuation);
}

// Where the white space that the window's known part ends with begins; limit when it does not end with any.
inline int trailing_run(uint64_t white, int limit) {
  const uint64_t solid = ~white & bits_below(limit);
  return solid == 0 ? 0 : 64 - std::countl_zero(solid);
}

// Puts the contractions at the quotes right, and gives the bit up to which begins is then certain.
inline int cut_contractions(const char* p, uint64_t quotes, int limit, bool any_case, uint64_t& begins) {
  for (; quotes != 0; quotes &= quotes - 1) {
    const int at = std::countr_zero(quotes);
    if (at + 3 >= limit) {
      return at;
    }
    const size_t length = contraction(p + at, p + limit, any_case);
    if (length != 0) {
      begins = (begins & ~(uint64_t{1} << (at + 1))) | uint64_t{1} << (at + length);
    }
  }
  return limit;
}

struct Gpt2Cuts {
  using Scanner = Gpt2Scanner;
  static High high(char32_t code) {
    const Class kind = class_of(code);
    return kind == Class::kSpace ? High::kStop : static_cast<High>(kind);
  }

  static Cuts cut(const char* p, const Window& w) {
    const uint64_t other = ~(w.letter | w.number | w.white);
    const uint64_t first_other = other & ~(other << 1) & ~(w.space << 1);
    const uint64_t words = (w.letter & ~(w.letter << 1)) | (w.number & ~(w.number << 1));
    Cuts cuts;
    cuts.begins = (words & ~(w.space << 1)) | first_other | (w.white & ~(w.white << 1)) | (w.white & ~(w.white >> 1));
    cuts.certain = cut_contractions(p, w.quote & first_other, w.limit, false, cuts.begins);
    cuts.certain = std::min(cuts.certain, trailing_run(w.white, w.limit));
    return cuts;
  }
};

// White space of all families but GPT-2's, whose patterns hold `\s*[\r\n]+` and let line ends follow punctuation.
struct WhiteCuts {
  uint64_t begins;
  uint64_t tail;  // white space after the last line end of its run: its last character may join what follows
  int certain;
};
inline WhiteCuts cut_white(const Window& w, uint64_t other, uint64_t no_join) {
  const uint64_t after_other = (other << 1) & w.newline;
  const uint64_t attached = w.newline & ~(w.newline + after_other);
  const uint64_t white = w.white & ~attached;
  const uint64_t newline = w.newline & ~attached;
  WhiteCuts cuts;
  cuts.tail = white & ~newline;
  uint64_t after_newline = (newline << 1) & cuts.tail;
  for (uint64_t inner = cuts.tail & (newline >> 1); inner != 0; inner &= inner - 1) {  // another line end follows
    const int at = std::countr_zero(inner);
    const uint64_t before = ~cuts.tail & bits_below(at);
    const int begin = before == 0 ? 0 : 64 - std::countl_zero(before);
    after_newline &= ~(uint64_t{1} << begin);
  }
  const uint64_t last = cuts.tail & ~(w.white >> 1) & ~(no_join >> 1);
  cuts.begins = (white & ~(white << 1)) | after_newline | last;
  cuts.certain = trailing_run(white, w.limit);
  return cuts;
}

inline uint64_t cut_threes(uint64_t number) {
  uint64_t begins = number & ~(number << 1);
  const uint64_t inside = number & number << 1 & number << 2 & number << 3;
  for (uint64_t next = begins; next != 0;) {
    next = next << 3 & inside;
    begins |= next;
  }
  return begins;
}

template <int kDigits>
struct Llama3Cuts {
  using Scanner = Llama3Scanner<kDigits>;
  static High high(char32_t code) {
    const Class kind = class_of(code);
    return kind == Class::kSpace || (kDigits > 1 && kind == Class::kNumber) ? High::kStop : static_cast<High>(kind);
  }

  static Cuts cut(const char* p, const Window& w) {
    const uint64_t other = ~(w.letter | w.number | w.white);
    const uint64_t first_other = other & ~(other << 1) & ~(w.space << 1);
    const WhiteCuts white = cut_white(w, other, 0);
    const uint64_t joined = white.tail << 1 | after_first(first_other, w.continuation);
    const uint64_t numbers = kDigits == 1 ? w.number & ~w.continuation : cut_threes(w.number);
    Cuts cuts;
    cuts.begins = (w.letter & ~(w.letter << 1) & ~joined) | first_other | numbers | white.begins;
    cuts.certain = cut_contractions(p, w.quote & first_other, w.limit, true, cuts.begins);
    cuts.certain = std::min(cuts.certain, white.certain);
    return cuts;
  }
};

struct DeepSeekCuts {
  using Scanner = DeepSeekScanner;
  static High high(char32_t code) {
    switch (DeepSeekScanner::class_of(code)) {
      case DeepSeekClass::kLetter:
      case DeepSeekClass::kMark: return High::kLetter;  // [\p{L}\p{M}]+, and both may begin it
      case DeepSeekClass::kIdeograph: return High::kIdeograph;
      case DeepSeekClass::kSign: return High::kOther;
      default: return High::kStop;
    }
  }

  static Cuts cut(const char*, const Window& w) {
    const uint64_t sign = ~(w.letter | w.number | w.white | w.ideograph | w.control);
    const uint64_t first_sign = sign & ~(sign << 1) & ~(w.space << 1);
    const WhiteCuts white = cut_white(w, sign, w.number | w.ideograph);
    const uint64_t near_letter = w.letter & ~w.far_letter;
    const uint64_t after_sign = (first_sign & ~w.high) << 1 & near_letter;  // [ASCII sign][A-Za-z]+
    const uint64_t run_ends = (near_letter + after_sign) & ~near_letter;
    const uint64_t joined = white.tail << 1 | after_sign | w.control << 1;
    const uint64_t letters = (w.letter & ~(w.letter << 1) & ~joined) | (run_ends & w.far_letter);
    // Control characters match nothing: a gap, but for the last one before letters, which they take.
    const uint64_t controls = w.control & (~(w.control << 1) | w.letter >> 1);
    Cuts cuts;
    cuts.begins = letters | first_sign | controls | cut_threes(w.number) | (w.ideograph & ~(w.ideograph << 1)) |
                  white.begins;
    cuts.certain = std::min(white.certain, trailing_run(w.control, w.limit));
    return cuts;
  }
};

}  // namespace athanor::token
