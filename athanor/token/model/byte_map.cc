#include "athanor/token/model/byte_map.h"

#include <array>

#include "athanor/base/unicode.h"

namespace athanor::token {

namespace {

constexpr char32_t kFirstMoved = 0x100;
constexpr int kNumMoved = 68;

constexpr bool stands_for_itself(int byte) {
  return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

constexpr std::array<char16_t, 256> make_map() {
  std::array<char16_t, 256> map{};
  char16_t next = kFirstMoved;
  for (int byte = 0; byte < 256; ++byte) {
    map[byte] = stands_for_itself(byte) ? static_cast<char16_t>(byte) : next++;
  }
  return map;
}

constexpr std::array<int16_t, kFirstMoved + kNumMoved> make_inverse() {
  std::array<int16_t, kFirstMoved + kNumMoved> inverse{};
  inverse.fill(-1);
  const std::array<char16_t, 256> map = make_map();
  for (int byte = 0; byte < 256; ++byte) {
    inverse[map[byte]] = static_cast<int16_t>(byte);
  }
  return inverse;
}

constexpr auto kMap = make_map();
constexpr auto kInverse = make_inverse();

}  // namespace

char32_t character_of_byte(uint8_t byte) { return kMap[byte]; }

int byte_of_character(char32_t code) { return code < kInverse.size() ? kInverse[code] : -1; }

std::string bytes_to_token(std::string_view bytes) {
  std::string token;
  for (const char byte : bytes) {
    append_utf8(token, kMap[static_cast<uint8_t>(byte)]);
  }
  return token;
}

std::string token_to_bytes(std::string_view token) {
  std::string bytes;
  bytes.reserve(token.size());
  for (size_t i = 0; i < token.size(); ++i) {
    const auto first = static_cast<uint8_t>(token[i]);
    int byte = -1;
    if (first < 0x80) {
      byte = kInverse[first];
    } else if (first >= 0xC2 && first <= 0xC5 && i + 1 < token.size() && (token[i + 1] & 0xC0) == 0x80) {
      byte = byte_of_character(char32_t{first & 0x1Fu} << 6 | (static_cast<uint8_t>(token[++i]) & 0x3F));
    }
    if (byte < 0) {
      return std::string(token);
    }
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace athanor::token
