#include "athanor/clean/near/token_spans.h"

#include "athanor/base/lower.h"
#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/words.h"

namespace athanor {

namespace {

constexpr uint32_t kWord = 1u << 24;
constexpr uint32_t kSingle = 2u << 24;  // a token alone
constexpr uint32_t kCode = 0xFFFFFF;
constexpr uint64_t kStart = 0x51ed270b9f3c7a11ULL;
constexpr uint64_t kStep = 0x9e3779b97f4a7c15ULL;

uint32_t compute(char32_t code) {
  if (!is_letter(code) && !is_number(code) && !is_mark(code) && code != '_') {
    return 0;
  }
  const uint32_t lower = static_cast<uint32_t>(to_lower(code)) & kCode;
  return lower | (is_unspaced_script(code) ? kSingle : kWord);
}

uint64_t add(uint64_t hash, uint32_t code) { return (hash ^ code) * kStep + (hash >> 29); }

}  // namespace

TokenScanner::TokenScanner() : table_(0x10000) {
  for (char32_t code = 0; code < 0x10000; ++code) {
    table_[code] = compute(code);
  }
}

uint32_t TokenScanner::entry(char32_t code) const { return code < 0x10000 ? table_[code] : compute(code); }

void TokenScanner::scan(std::string_view text, std::vector<TokenSpan>& out) const {
  out.clear();
  text = text.substr(0, 0xFFFFFFFF);
  const char* const start = text.data();
  const char* const end = start + text.size();
  const char* p = start;
  while (p != end) {
    const char* const begin = p;
    const uint32_t first = static_cast<uint8_t>(*p) < 0x80 ? table_[static_cast<uint8_t>(*p++)] : entry(decode_utf8(p, end));
    if (first == 0) {
      continue;
    }
    uint64_t hash = add(kStart, first & kCode);
    while ((first & kWord) != 0 && p != end) {
      const char* look = p;
      const uint32_t next =
          static_cast<uint8_t>(*look) < 0x80 ? table_[static_cast<uint8_t>(*look++)] : entry(decode_utf8(look, end));
      if ((next & kWord) == 0) {
        break;
      }
      hash = add(hash, next & kCode);
      p = look;
    }
    out.push_back({mix64(hash), static_cast<uint32_t>(begin - start), static_cast<uint32_t>(p - start)});
  }
}

void TokenScanner::append_token(std::string_view text, const TokenSpan& token, std::string& out) const {
  const char* p = text.data() + token.begin;
  const char* const end = text.data() + token.end;
  while (p != end) {
    if (static_cast<uint8_t>(*p) < 0x80) {
      out += static_cast<char>(table_[static_cast<uint8_t>(*p++)] & 0xFF);
    } else {
      append_utf8(out, static_cast<char32_t>(entry(decode_utf8(p, end)) & kCode));
    }
  }
  out += kTokenEnd;
}

TokenWindow::TokenWindow(size_t width) : width_(width) {
  for (size_t i = 1; i < width; ++i) {
    top_ *= kBase;
  }
}

}  // namespace athanor
