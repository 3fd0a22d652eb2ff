#include "athanor/token/chat/lexer.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

enum class Opens : uint8_t { kBlock, kVariable, kComment, kRaw, kNothing };

class Lexer {
 public:
  Lexer(std::string_view source, Arena& arena) : source_(source), arena_(arena) {}

  std::vector<Token> run() {
    while (at_ < source_.size()) {
      text_until_tag();
    }
    push(TokenKind::kEnd, source_.size(), {});
    return std::move(tokens_);
  }

 private:
  [[noreturn]] void fail(std::string what, size_t at) const { throw LexFail{std::move(what), at}; }
  bool looking_at(std::string_view text) const { return source_.substr(at_, text.size()) == text; }
  char peek(size_t ahead) const { return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0'; }
  void push(TokenKind kind, size_t at, std::string_view text) {
    tokens_.push_back({kind, static_cast<uint32_t>(at), text});
  }

  size_t skip_space(size_t at) const {
    const char* end = source_.data() + source_.size();
    for (const char* p = source_.data() + at; p < end;) {
      const char* before = p;
      if (!py_space(decode_utf8(p, end))) {
        return static_cast<size_t>(before - source_.data());
      }
    }
    return source_.size();
  }

  // After "{%" and an optional sign: the end of "raw %}", or nothing.
  std::optional<size_t> raw_end(size_t at, std::string_view word) const {
    at = skip_space(at);
    if (source_.substr(at, word.size()) != word) {
      return std::nullopt;
    }
    return skip_space(at + word.size());
  }

  // Data before a tag, with what its sign and lstrip_blocks take away.
  void push_data(size_t begin, size_t end, char sign, bool may_strip_line) {
    std::string_view text = source_.substr(begin, end - begin);
    if (sign == '-') {
      text = text.substr(0, py_rstrip_size(text));
    } else if (sign != '+' && may_strip_line) {
      const size_t line = text.rfind('\n') + 1;  // npos + 1 is 0
      if ((line > 0 || line_starting_) && skip_space(begin + line) >= end && line < text.size()) {
        text = text.substr(0, line);
      }
    }
    if (!text.empty()) {
      push(TokenKind::kData, begin, text);
    }
  }

  void text_until_tag() {
    const size_t begin = at_;
    size_t tag = begin;
    for (;; ++tag) {
      tag = source_.find('{', tag);
      if (tag == std::string_view::npos || tag + 1 >= source_.size()) {
        push(TokenKind::kData, begin, source_.substr(begin));
        at_ = source_.size();
        return;
      }
      const char next = source_[tag + 1];
      if (next == '%' || next == '{' || next == '#') {
        break;
      }
    }
    const char kind = source_[tag + 1];
    at_ = tag + 2;
    const char sign = peek(0) == '-' || peek(0) == '+' ? peek(0) : '\0';
    const size_t inside = at_ + (sign != '\0' ? 1 : 0);
    push_data(begin, tag, sign, kind != '{');
    at_ = inside;
    if (kind == '%') {
      if (auto after = raw_end(inside, "raw")) {
        const std::string_view rest = source_.substr(*after, 3);
        if (rest.substr(0, 2) == "%}" || rest == "-%}") {
          at_ = rest[0] == '-' ? skip_space(*after + 3) : *after + 2;
          line_starting_ = source_[at_ - 1] == '\n';
          raw_block(tag);
          return;
        }
      }
      push(TokenKind::kBlockBegin, tag, {});
      line_starting_ = false;
      code(TokenKind::kBlockEnd, tag);
    } else if (kind == '{') {
      push(TokenKind::kVariableBegin, tag, {});
      line_starting_ = false;
      code(TokenKind::kVariableEnd, tag);
    } else {
      comment(tag);
    }
  }

  // Past "%}" or "#}": '-' eats white space, '+' nothing, else one newline (trim_blocks).
  void close_tag(char sign, size_t after) {
    at_ = after;
    if (sign == '-') {
      at_ = skip_space(at_);
    } else if (sign != '+' && at_ < source_.size() && source_[at_] == '\n') {
      ++at_;
    }
    line_starting_ = source_[at_ - 1] == '\n';
  }

  void comment(size_t tag) {
    const size_t end = source_.find("#}", at_);
    if (end == std::string_view::npos) {
      fail("missing end of comment tag #}", tag);
    }
    const char before = end > at_ ? source_[end - 1] : '\0';
    close_tag(before, end + 2);
  }

  void raw_block(size_t tag) {
    const size_t begin = at_;
    for (size_t open = source_.find("{%", begin); open != std::string_view::npos; open = source_.find("{%", open + 1)) {
      const char next = open + 2 < source_.size() ? source_[open + 2] : '\0';
      const char sign = next == '-' || next == '+' ? next : '\0';
      const auto after = raw_end(open + 2 + (sign != '\0' ? 1 : 0), "endraw");
      if (!after) {
        continue;
      }
      const char last = *after < source_.size() ? source_[*after] : '\0';
      const size_t close = *after + (last == '-' || last == '+' ? 1 : 0);
      if (source_.substr(close, 2) != "%}") {
        continue;
      }
      push_data(begin, open, sign, true);
      close_tag(last, close + 2);
      return;
    }
    fail("missing end of raw block {% endraw %}", tag);
  }

  // The inside of {{ }} or {% %}.
  void code(TokenKind end_kind, size_t tag) {
    const bool variable = end_kind == TokenKind::kVariableEnd;
    const std::string_view end = variable ? "}}" : "%}";
    std::vector<char> open;
    for (;;) {
      at_ = skip_space(at_);
      if (at_ >= source_.size()) {
        fail(variable ? "missing }} of an expression" : "missing %} of a statement", tag);
      }
      const char sign = peek(0);
      const bool marked = (sign == '-' || (sign == '+' && !variable)) && source_.substr(at_ + 1, 2) == end;
      if (open.empty() && (marked || looking_at(end))) {
        push(end_kind, at_, {});
        const size_t after = at_ + (marked ? 3 : 2);
        if (variable) {
          at_ = marked ? skip_space(after) : after;
          line_starting_ = source_[at_ - 1] == '\n';
        } else {
          close_tag(marked ? sign : '\0', after);
        }
        return;
      }
      token(open);
    }
  }

  void token(std::vector<char>& open) {
    const unsigned char c = static_cast<unsigned char>(source_[at_]);
    if (c >= '0' && c <= '9') {
      number();
    } else if (c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80) {
      name();
    } else if (c == '"' || c == '\'') {
      string(static_cast<char>(c));
    } else {
      op(open);
    }
  }

  void name() {
    const char* begin = source_.data() + at_;
    const char* end = source_.data() + source_.size();
    const char* p = begin;
    while (p < end) {
      const char* before = p;
      const char32_t code = decode_utf8(p, end);
      const bool first = before == begin;
      if (code != '_' && !is_letter(code) && (first || !(is_number(code) || is_mark(code)))) {
        p = before;
        break;
      }
    }
    if (p == begin) {
      fail("unexpected character in an expression", at_);
    }
    push(TokenKind::kName, at_, {begin, static_cast<size_t>(p - begin)});
    at_ += static_cast<size_t>(p - begin);
  }

  // The end of digits with single underscores between them, from at; at itself when there is none.
  template <typename Test>
  size_t digits(size_t at, Test&& is_digit) const {
    size_t end = at;
    while (at < source_.size()) {
      if (is_digit(source_[at])) {
        end = ++at;
      } else if (source_[at] == '_' && end == at && at + 1 < source_.size() && is_digit(source_[at + 1])) {
        ++at;
      } else {
        break;
      }
    }
    return end;
  }

  static bool decimal(char c) { return c >= '0' && c <= '9'; }

  bool float_number() {
    if (at_ > 0 && source_[at_ - 1] == '.') {
      return false;
    }
    const size_t whole = digits(at_, decimal);
    size_t end = whole;
    if (source_.substr(end, 1) == "." && end + 1 < source_.size() && decimal(source_[end + 1])) {
      end = digits(end + 1, decimal);
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      size_t exponent = end + 1;
      if (exponent < source_.size() && (source_[exponent] == '+' || source_[exponent] == '-')) {
        ++exponent;
      }
      const size_t last = digits(exponent, decimal);
      end = last > exponent ? last : end;
    }
    if (end == whole) {
      return false;
    }
    std::string text(source_.substr(at_, end - at_));
    std::erase(text, '_');
    push(TokenKind::kFloat, at_, {});
    tokens_.back().number = Value::of(*parse_float(text));
    at_ = end;
    return true;
  }

  void number() {
    if (float_number()) {
      return;
    }
    int base = 10;
    size_t begin = at_;
    size_t end = at_;
    const char mark = static_cast<char>(peek(1) | 0x20);
    if (source_[at_] == '0' && (mark == 'x' || mark == 'o' || mark == 'b')) {
      base = mark == 'x' ? 16 : mark == 'o' ? 8 : 2;
      begin = at_ + 2 + (peek(2) == '_' ? 1 : 0);
      end = digits(begin, [base](char c) {
        const char low = static_cast<char>(c | 0x20);
        return (c >= '0' && c < '0' + std::min(base, 10)) || (base == 16 && low >= 'a' && low <= 'f');
      });
    }
    if (end <= begin) {  // no prefix, or nothing after it
      base = 10;
      begin = at_;
      end = source_[at_] == '0' ? digits(at_, [](char c) { return c == '0'; }) : digits(at_, decimal);
    }
    std::string text(source_.substr(begin, end - begin));
    std::erase(text, '_');
    int64_t value = 0;
    if (std::from_chars(text.data(), text.data() + text.size(), value, base).ec != std::errc()) {
      fail("an integer beyond 64 bits", at_);
    }
    push(TokenKind::kInteger, at_, source_.substr(at_, end - at_));
    tokens_.back().number = Value::of(value);
    at_ = end;
  }

  void string(char quote) {
    const size_t begin = at_;
    bool escapes = false;
    for (++at_; at_ < source_.size() && source_[at_] != quote; ++at_) {
      if (source_[at_] == '\\') {
        escapes = true;
        ++at_;
      }
    }
    if (at_ >= source_.size()) {
      fail("a string without its closing quote", begin);
    }
    std::string_view text = source_.substr(begin + 1, at_ - begin - 1);
    ++at_;
    push(TokenKind::kString, begin, escapes ? arena_.copy(unescape(text, begin)) : text);
  }

  void op(std::vector<char>& open) {
    static constexpr std::string_view kTwo[] = {"//", "**", "==", "!=", ">=", "<="};
    const std::string_view two = source_.substr(at_, 2);
    const size_t size = std::find(std::begin(kTwo), std::end(kTwo), two) != std::end(kTwo) ? 2 : 1;
    const char c = source_[at_];
    if (size == 1 && std::string_view("+-/*%~[](){}><=.:|,;").find(c) == std::string_view::npos) {
      fail(std::string("unexpected character ") + c + " in an expression", at_);
    }
    if (c == '(' || c == '[' || c == '{') {
      open.push_back(c == '(' ? ')' : static_cast<char>(c + 2));
    } else if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c) {
        fail(std::string("unexpected ") + c, at_);
      }
      open.pop_back();
    }
    push(TokenKind::kOperator, at_, source_.substr(at_, size));
    at_ += size;
  }

  std::string_view source_;
  Arena& arena_;
  size_t at_ = 0;
  bool line_starting_ = true;
  std::vector<Token> tokens_;
};

}  // namespace

std::string normalise_source(std::string_view source) {
  std::string out;
  out.reserve(source.size());
  for (size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      out += source[i];
      continue;
    }
    out += '\n';
    if (i + 1 < source.size() && source[i + 1] == '\n') {
      ++i;
    }
  }
  if (!out.empty() && out.back() == '\n') {
    out.pop_back();
  }
  return out;
}

std::vector<Token> tokenize(std::string_view source, Arena& arena) { return Lexer(source, arena).run(); }

}  // namespace athanor::chat
