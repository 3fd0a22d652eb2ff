// The cuts of DeepSeek V3 (R1, V3.1): three patterns one after the other, each within the pieces of the one before.
//   \p{N}{1,3}
//   [一-龥぀-ゟ゠-ヿ]+
//   [ASCII sign][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
// What the last one leaves out (control characters, unassigned ones) is a piece as far as it goes. It cuts the runs of the
// second one, too: at signs among the kana ("・", "゛") and at what is not assigned there.
#pragma once

#include "athanor/token/split/scan.h"

namespace athanor::token {

// kSign is \p{P}\p{S}; the last three are what the second pattern takes: [\p{L}\p{M}], [\p{P}\p{S}], the rest.
enum class DeepSeekClass : uint8_t { kOther, kLetter, kNumber, kSpace, kMark, kSign, kIdeograph, kKanaSign, kKanaOther };

struct DeepSeekScanner {
  static DeepSeekClass class_of(char32_t code) {
    if (code >= 0x4E00 && code <= 0x9FA5) {
      return DeepSeekClass::kIdeograph;
    }
    const bool kana = code >= 0x3040 && code <= 0x30FF;
    const Category category = regex_category(code);
    if (category >= Category::kMc && category <= Category::kMn) {
      return kana ? DeepSeekClass::kIdeograph : DeepSeekClass::kMark;
    }
    if (category >= Category::kPc && category <= Category::kSo) {
      return kana ? DeepSeekClass::kKanaSign : DeepSeekClass::kSign;
    }
    const Class kind = token::class_of(code);
    if (kana) {
      return kind == Class::kLetter ? DeepSeekClass::kIdeograph : DeepSeekClass::kKanaOther;
    }
    return static_cast<DeepSeekClass>(kind);
  }

  static const char* piece(const char* p, const char* end) {
    const char* next;
    const DeepSeekClass kind = read(p, end, next);
    if (kind == DeepSeekClass::kNumber) {
      const char* after;
      for (int digits = 1; digits < 3 && next != end && read(next, end, after) == DeepSeekClass::kNumber; ++digits) {
        next = after;
      }
      return next;
    }
    if (kind == DeepSeekClass::kIdeograph || kind == DeepSeekClass::kKanaSign) {
      return skip(next, end, kind, kind);
    }
    if (kind == DeepSeekClass::kKanaOther) {
      return kana_gap(next, end);
    }
    const char* stop = match(p, end);
    while (stop == nullptr) {  // no alternative: the gap, up to where one matches
      p = next;
      if (p == end || apart(read(p, end, next)) || match(p, end) != nullptr) {
        return p;
      }
    }
    return stop;
  }

 private:
  static DeepSeekClass read(const char* p, const char* end, const char*& next) {
    next = p;
    return class_of(decode_utf8(next, end));
  }

  static bool apart(DeepSeekClass kind) {
    return kind == DeepSeekClass::kNumber || kind >= DeepSeekClass::kIdeograph;
  }

  // After one of them: it goes with the letters behind it, but those before it are a gap.
  static const char* kana_gap(const char* p, const char* end) {
    using enum DeepSeekClass;
    const char* next;
    if (p != end && read(p, end, next) == kIdeograph) {
      return skip(next, end, kIdeograph, kIdeograph);
    }
    while (p != end && read(p, end, next) == kKanaOther) {
      const char* after;
      if (next != end && read(next, end, after) == kIdeograph) {
        return p;
      }
      p = next;
    }
    return p;
  }

  static const char* skip(const char* p, const char* end, DeepSeekClass one, DeepSeekClass other) {
    for (const char* next; p != end; p = next) {
      const DeepSeekClass kind = read(p, end, next);
      if (kind != one && kind != other) {
        break;
      }
    }
    return p;
  }

  static bool is_ascii_letter(char c) { return (c | 0x20) >= 'a' && (c | 0x20) <= 'z'; }

  // Where the third pattern's match at p ends; nullptr when it has none. p is not apart.
  static const char* match(const char* p, const char* end) {
    using enum DeepSeekClass;
    const char* next;
    const DeepSeekClass kind = read(p, end, next);
    if (kind == kSign && static_cast<uint8_t>(*p) < 0x80 && next != end && is_ascii_letter(*next)) {
      while (next != end && is_ascii_letter(*next)) {
        ++next;
      }
      return next;
    }
    if (kind == kLetter || kind == kMark) {
      return skip(next, end, kLetter, kMark);
    }
    const char* after = next;
    const DeepSeekClass follows = next != end ? read(next, end, after) : kNumber;
    if ((follows == kLetter || follows == kMark) && kind != kSign && !is_newline(*p)) {
      return skip(after, end, kLetter, kMark);
    }
    if (kind == kSign || (*p == ' ' && follows == kSign)) {
      const char* stop = skip(next, end, kSign, kSign);
      while (stop != end && is_newline(*stop)) {
        ++stop;
      }
      return stop;
    }
    return kind == kSpace ? white_space(p, next, end) : nullptr;
  }

  static const char* white_space(const char* p, const char* next, const char* end) {
    using enum DeepSeekClass;
    const char* const stop = skip(next, end, kSpace, kSpace);
    for (const char* last = stop; last != p; --last) {
      if (is_newline(last[-1])) {
        return last;
      }
    }
    const char* after;
    return stop == end || apart(read(stop, end, after)) ? stop : leave_last_space(p, stop, end);
  }
};

}  // namespace athanor::token
