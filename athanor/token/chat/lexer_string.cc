// Escapes in string literals.
#include <algorithm>
#include <charconv>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/lexer.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

[[noreturn]] void fail(std::string what, size_t at) { throw LexFail{std::move(what), at}; }

char32_t hex_escape(std::string_view text, size_t& i, size_t count, size_t at) {
  uint32_t code = 0;
  const auto* end = text.data() + std::min(text.size(), i + count);
  const auto read = std::from_chars(text.data() + i, end, code, 16);
  if (read.ptr != text.data() + i + count || read.ec != std::errc()) {
    fail("a string with a cut \\x, \\u or \\U escape", at);
  }
  if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) {
    fail("a string with an escape that is no character", at);
  }
  i += count;
  return code;
}

}  // namespace

std::string unescape(std::string_view text, size_t at) {
  static constexpr std::string_view kFrom = "\\'\"abfnrtv";
  static constexpr std::string_view kTo = "\\'\"\a\b\f\n\r\t\v";
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text[i] != '\\') {
      out += text[i++];
      continue;
    }
    const char c = text[++i];
    if (const size_t known = kFrom.find(c); known != std::string_view::npos) {
      out += kTo[known];
      ++i;
    } else if (c == '\n') {
      ++i;
    } else if (c >= '0' && c <= '7') {
      char32_t code = 0;
      for (int n = 0; n < 3 && i < text.size() && text[i] >= '0' && text[i] <= '7'; ++n, ++i) {
        code = code * 8 + static_cast<char32_t>(text[i] - '0');
      }
      append_utf8(out, code);
    } else if (c == 'x' || c == 'u' || c == 'U') {
      append_utf8(out, hex_escape(text, ++i, c == 'x' ? 2 : c == 'u' ? 4 : 8, at));
    } else if (c == 'N') {
      fail("a string with a \\N escape, which is not supported", at);
    } else if (static_cast<unsigned char>(c) >= 0x80) {
      // jinja2 writes the character as an escape of its own first, which the backslash then quotes.
      const char* p = text.data() + i;
      const char32_t code = decode_utf8(p, text.data() + text.size());
      i = static_cast<size_t>(p - text.data());
      out += '\\' + hex_digits(code).substr(1);
    } else {
      out += '\\';
      out += c;
      ++i;
    }
  }
  return out;
}

}  // namespace athanor::chat
