// The two halves of find_repeats() share this: places of pieces and runs, and which of a group of equals stays.
#pragma once

#include <limits>

#include "athanor/base/error.h"
#include "athanor/clean/near/repeats.h"

namespace athanor {

// One place of one piece or run.
template <class Hash>
struct Place {
  Hash hash;
  uint64_t id_key;
  uint32_t row, place;
  bool operator<(const Place& other) const {
    return hash != other.hash       ? hash < other.hash
           : id_key != other.id_key ? id_key < other.id_key
           : row != other.row       ? row < other.row
                                    : place < other.place;
  }
};

// Drains the sorted places. Of each group of equals all but the first are repeats: fn(keeper, place). width: runs that
// overlap the first are none. Returns how many groups have repeats.
template <class Hash, class Fn>
uint64_t for_each_repeat(RunSorter<Place<Hash>>& places, uint32_t width, Fn&& fn) {
  uint64_t repeated = 0;
  Place<Hash> keeper{};
  bool any = false, counted = false;
  places.drain([&](const Place<Hash>& place) {
    if (!any || place.hash != keeper.hash) {
      keeper = place;
      any = true;
      counted = false;
      return;
    }
    if (place.row == keeper.row && place.place < keeper.place + width) {
      return;
    }
    repeated += counted ? 0 : 1;
    counted = true;
    fn(keeper, place);
  });
  return repeated;
}

// Calls fn(id_key, row, hashes of the row) for all rows.
template <class Fn>
void for_each_row(const std::vector<fs::path>& parts, Fn&& fn) {
  uint64_t first = 0;
  for (const fs::path& path : parts) {
    const RepeatPart part = RepeatPart::load(path);
    uint64_t begin = 0;
    for (size_t i = 0; i < part.ends.size(); ++i) {
      if (first + i >= std::numeric_limits<uint32_t>::max()) {
        throw Error(ErrorKind::kResource, "more than 4294967295 documents", "dedup", "dedup by shards");
      }
      fn(part.id_keys[i], static_cast<uint32_t>(first + i),
         std::span<const uint64_t>(part.hashes).subspan(begin, part.ends[i] - begin));
      begin = part.ends[i];
    }
    first += part.ends.size();
  }
}

// find_repeats() for passages.
RepeatCuts find_passages(const std::vector<fs::path>& parts, const RepeatOptions& options, ThreadPool& pool,
                         const RepeatTexts& texts);

}  // namespace athanor
