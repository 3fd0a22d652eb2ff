#include "athanor/clean/near/simhash.h"

#include <array>

namespace athanor {

uint64_t simhash(std::span<const uint64_t> shingles) {
  std::array<int32_t, 64> ones{};
  for (const uint64_t shingle : shingles) {
    for (size_t bit = 0; bit < 64; ++bit) {
      ones[bit] += static_cast<int32_t>(shingle >> bit & 1);
    }
  }
  uint64_t hash = 0;
  for (size_t bit = 0; bit < 64; ++bit) {
    hash |= static_cast<uint64_t>(2 * static_cast<int64_t>(ones[bit]) > static_cast<int64_t>(shingles.size())) << bit;
  }
  return hash;
}

SimHashTables::SimHashTables(int k) {
  const int count = k + 2;
  std::vector<Block> blocks;
  for (int i = 0; i < count; ++i) {
    const int begin = 64 * i / count;
    blocks.push_back({begin, 64 * (i + 1) / count - begin});
  }
  for (int first = 0; first < count; ++first) {
    for (int second = first + 1; second < count; ++second) {
      Table table{{blocks[static_cast<size_t>(first)], blocks[static_cast<size_t>(second)]}, 0};
      table.key_bits = table.order[0].bits + table.order[1].bits;
      for (int other = 0; other < count; ++other) {
        if (other != first && other != second) {
          table.order.push_back(blocks[static_cast<size_t>(other)]);
        }
      }
      tables_.push_back(std::move(table));
    }
  }
}

uint64_t SimHashTables::permute(uint64_t hash, size_t table) const {
  uint64_t out = 0;
  int filled = 0;
  for (const Block& block : tables_[table].order) {
    // A block of 64 bits cannot be: there are at least two.
    const uint64_t bits = hash >> block.shift & ((uint64_t{1} << block.bits) - 1);
    filled += block.bits;
    out |= bits << (64 - filled);
  }
  return out;
}

}  // namespace athanor
