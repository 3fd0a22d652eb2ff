// Which bytes of a text can be joined by the merges of a byte-level BPE, asked without looking at symbols.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "athanor/token/model/merge_table.h"

namespace athanor::token {

struct ByteMerge {
  uint32_t rank;  // MergeTable::kNone: there is no merge of these two bytes
  int32_t result;
};

// What bytes say of merges without looking at symbols: where no merge's left half ends with a byte and its right half
// begins with the next one, nothing ever joins; where no two bytes join by themselves, nothing begins to. What is left
// over has the ids of its bytes.
struct ByteJoins {
  using Bits = std::array<uint64_t, 256 * 256 / 64>;  // by left byte | right byte << 8
  Bits merges{};  // there is a merge of these two bytes
  // Two bits a pair, so that one look tells: the lower one when some merge's left half ends with the left byte and its
  // right half begins with the right one; the higher one, too, when there is a merge of the two themselves.
  std::array<uint64_t, 256 * 256 / 32> touches{};
  std::array<int32_t, 256> ids;
  std::vector<ByteMerge> pairs;        // of two bytes, by left << 8 | right: what the table of all merges has
  const MergeTable* table = nullptr;   // all merges

  const ByteMerge& pair(const char* p) const {
    return pairs[static_cast<size_t>(static_cast<uint8_t>(p[0])) << 8 | static_cast<uint8_t>(p[1])];
  }
  int32_t id(char byte) const { return ids[static_cast<uint8_t>(byte)]; }

  static void add(Bits& bits, uint32_t left, uint32_t right) {
    bits[right << 2 | left >> 6] |= uint64_t{1} << (left & 63);
  }
  static uint64_t has(const Bits& bits, uint32_t left, uint32_t right) {
    return bits[right << 2 | left >> 6] >> (left & 63) & 1;
  }
  // Of the two bytes at p.
  static uint64_t has(const Bits& bits, const char* p) {
    return has(bits, static_cast<uint8_t>(p[0]), static_cast<uint8_t>(p[1]));
  }

  void add_touch(uint32_t left, uint32_t right, bool merge) {
    touches[right << 3 | left >> 5] |= uint64_t{merge ? 3u : 1u} << (2 * (left & 31));
  }
  uint8_t touch(const char* p) const {
    const uint32_t left = static_cast<uint8_t>(p[0]), right = static_cast<uint8_t>(p[1]);
    return touches[right << 3 | left >> 5] >> (2 * (left & 31)) & 3;
  }
};

}  // namespace athanor::token
