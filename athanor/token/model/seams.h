// Between which characters no token of a vocabulary reaches. Merges never cross such a seam, so a piece may be cut there
// and its parts encoded apart, with the same ids: a clause of Chinese becomes words, which repeat, and a cache knows
// them. May leave seams out (it hashes), never makes one up. Only where one of the two characters has three bytes or
// more (signs from U+2000 to U+2FFF aside): shorter ones, of alphabets, join with nearly all others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace athanor::token {

class Seams {
 public:
  Seams();

  // The bytes of a token, which may begin or end inside a character. Every token must be added.
  void add(std::string_view token);

  // Cuts [at, end) of data: writes the ends of parts, at most room (>= 1) of them, moves at to the last one and returns how
  // many. The last part of all ends at `end`.
  size_t cut(const char* data, size_t& at, size_t end, size_t* ends, size_t room) const;

  // Whether text may have seams worth looking for: more than a few such characters, and a byte of 32 in them. (Random
  // bytes have one of 80 so, and would gain nothing.)
  static bool any_in(std::string_view text);

 private:
  static constexpr int kPairBits = 20;
  static constexpr uint8_t kJoinsNext = 1, kJoinsLast = 2;

  static size_t pair_of(char32_t left, char32_t right) {
    return ((uint64_t{left} << 21 | right) * 0x9e3779b97f4a7c15ULL) >> (64 - kPairBits);
  }
  bool joined(char32_t left, char32_t right, uint8_t last_byte, uint8_t first_byte) const {
    const size_t pair = pair_of(left, right);
    const size_t bytes = size_t{last_byte} << 8 | first_byte;
    return ((pairs_[pair >> 6] >> (pair & 63) | byte_pairs_[bytes >> 6] >> (bytes & 63)) & 1) != 0 ||
           (characters_[left & 0xFFFF] & kJoinsNext) != 0 || (characters_[right & 0xFFFF] & kJoinsLast) != 0;
  }

  std::vector<uint64_t> pairs_;       // a bit for each hash of two characters that stand together in a token
  std::vector<uint64_t> byte_pairs_;  // last byte, first byte: in a token that has neither character whole
  std::vector<uint8_t> characters_;   // in a token beside a part of a character, which may be any
};

}  // namespace athanor::token
