// Inside of mix: sizes of documents, which of them are taken, the keys that decide and order.
#pragma once

#include <cstdint>
#include <string_view>

#include "athanor/base/hash.h"
#include "athanor/base/rng.h"
#include "athanor/data/mix/mix.h"

namespace athanor {

// The two keys of a copy: one says whether it is taken, the other where it comes. They are independent, so that a
// source of which only some is taken is spread over the whole output.
inline uint64_t take_key(uint64_t seed, std::string_view id, uint64_t copy) {
  return random_at(xxh3_64(id, seed), 0x7a6b, copy);
}
inline uint64_t order_key(uint64_t seed, std::string_view source, std::string_view id, uint64_t copy) {
  return random_at(xxh3_64(id, seed), xxh3_64(source, ~seed), copy, 0x0d3a);
}

// The beginning of a text with so many bytes (or up to 3 less) or characters.
std::string_view cut_text(std::string_view text, MixUnit unit, uint64_t units);

// Units of the documents of one source, shard by shard.
struct Mixer::Sizes {
  const Documents* documents = nullptr;
  MixUnit unit = MixUnit::kBytes;
  std::vector<std::vector<uint32_t>> characters;  // a shard, all rows; only for that unit
  uint64_t units = 0;
  uint64_t bytes = 0;

  struct Row {
    uint64_t units;
    uint64_t bytes;
  };
  std::vector<Row> of_shard(size_t shard) const;  // all rows
};

// The copies that are taken: every document `full` times, and of copy `full` those before (key, row).
struct Mixer::Take {
  uint64_t full = 0;
  uint64_t key = 0;
  uint64_t row = 0;
  uint64_t cut = 0;  // units of the document at (key, row) that are taken too; 0: none of it

  // Copies of a document; cut_units: of the last one, 0 when it is whole.
  uint64_t copies(uint64_t seed, std::string_view id, uint64_t row_of_id, uint64_t& cut_units) const {
    cut_units = 0;
    if (key == 0 && row == 0 && cut == 0) {
      return full;
    }
    const uint64_t here = take_key(seed, id, full);
    if (here < key || (here == key && row_of_id < row)) {
      return full + 1;
    }
    if (cut > 0 && here == key && row_of_id == row) {
      cut_units = cut;
      return full + 1;
    }
    return full;
  }
};

}  // namespace athanor
