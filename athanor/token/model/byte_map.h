// GPT-2's way to write bytes as printable characters in a vocabulary (byte-level BPE): the bytes 33-126, 161-172
// and 174-255 stand for themselves, the other 68, in order, for U+0100 and up; so a space is U+0120.
// Source: openai/gpt-2, encoder.py, bytes_to_unicode.
#pragma once

#include <string>
#include <string_view>

namespace athanor::token {

char32_t character_of_byte(uint8_t byte);
int byte_of_character(char32_t code);  // -1 when it stands for none

std::string bytes_to_token(std::string_view bytes);
// The bytes of a token. A token with a character outside the map stands for its own UTF-8 (as added tokens do).
std::string token_to_bytes(std::string_view token);

}  // namespace athanor::token
