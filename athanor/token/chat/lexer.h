// Cuts a template into tokens, with jinja2's rules for white space: trim_blocks and lstrip_blocks on (as transformers
// sets them), one final newline dropped, line statements off.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/chat/value.h"

namespace athanor::chat {

enum class TokenKind : uint8_t {
  kData, kBlockBegin, kBlockEnd, kVariableBegin, kVariableEnd, kName, kString, kInteger, kFloat, kOperator, kEnd
};

struct Token {
  TokenKind kind;
  uint32_t at = 0;        // byte offset in the source
  std::string_view text;  // name, operator, data, or the string after its escapes
  Value number = {};
};

// Newlines as \n, one trailing newline dropped.
std::string normalise_source(std::string_view source);

// source: normalised, and valid UTF-8. Strings with escapes are made in the arena. A wrong template throws LexFail.
struct LexFail {
  std::string what;
  size_t at;
};
std::vector<Token> tokenize(std::string_view source, Arena& arena);

// The text of a string literal (without its quotes) by Python's unicode_escape. at: its offset, for messages.
std::string unescape(std::string_view text, size_t at);

}  // namespace athanor::chat
