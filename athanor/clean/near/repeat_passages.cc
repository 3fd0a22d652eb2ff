// Repeated runs of tokens: found by their hashes, then compared by their words.
#include <algorithm>
#include <bit>
#include <unordered_map>
#include <unordered_set>

#include "athanor/clean/near/repeat_check.h"
#include "athanor/clean/near/repeat_places.h"

namespace athanor {

namespace {

using Cut = RepeatCuts::Cut;

// Which hashes may come twice: one bit for the first time, one for the second.
class TwiceFilter {
 public:
  explicit TwiceFilter(uint64_t memory_bytes)
      : once_(std::bit_floor(std::max<uint64_t>(1024, memory_bytes / 16))), twice_(once_.size()) {}
  void add(uint64_t hash) {
    const size_t word = hash / 64 & (once_.size() - 1);
    const uint64_t bit = uint64_t{1} << (hash % 64);
    twice_[word] |= once_[word] & bit;
    once_[word] |= bit;
  }
  bool twice(uint64_t hash) const { return twice_[hash / 64 & (once_.size() - 1)] >> (hash % 64) & 1; }

 private:
  std::vector<uint64_t> once_, twice_;
};

class PassageSearch {
 public:
  PassageSearch(const std::vector<fs::path>& parts, const RepeatOptions& options, ThreadPool& pool, const RepeatTexts& texts)
      : parts_(parts), options_(options), pool_(pool), texts_(texts), scratch_(scratch_folder(options.scratch)) {}

  RepeatCuts run() {
    RunSorter<Place<uint64_t>> places(options_.memory_bytes / 2, scratch_, pool_);
    add_places(places);
    RunSorter<Pair> pairs(options_.memory_bytes / 4, scratch_, pool_);
    RepeatCuts cuts(scratch_);
    cuts.num_repeated = for_each_repeat(places, width(), [&](const auto& keeper, const auto& place) {
      pairs.add({place.row, place.place, keeper.row, keeper.place});
    });
    RepeatCheck check(options_, pool_);
    pairs.drain([&](const Pair& pair) {
      cuts.cuts().add({pair.row, pair.place});
      check.add(pair.row, pair.place, pair.keeper_row, pair.keeper_place);
    });
    if (cuts.num_cuts() == 0) {
      return cuts;
    }
    const std::unordered_set<uint64_t> shared = check.shared_hashes(texts_, num_rows_);
    return shared.empty() ? std::move(cuts) : told_apart(cuts, shared);
  }

 private:
  struct Pair {
    uint32_t row, place, keeper_row, keeper_place;
    bool operator<(const Pair& other) const { return row != other.row ? row < other.row : place < other.place; }
  };
  struct Suspect {
    uint64_t id_key;
    uint32_t row, place;
  };

  uint32_t width() const { return static_cast<uint32_t>(options_.min_words); }
  void add_places(RunSorter<Place<uint64_t>>& places);
  RepeatCuts told_apart(RepeatCuts& cuts, const std::unordered_set<uint64_t>& shared);

  const std::vector<fs::path>& parts_;
  const RepeatOptions& options_;
  ThreadPool& pool_;
  const RepeatTexts& texts_;
  std::string scratch_;
  uint64_t num_rows_ = 0;
};

// Those whose hash may come twice.
void PassageSearch::add_places(RunSorter<Place<uint64_t>>& places) {
  uint64_t num_hashes = 0;
  for (const fs::path& part : parts_) {
    num_hashes += fs::file_size(part) / sizeof(uint64_t);
  }
  TwiceFilter filter(std::min(options_.memory_bytes / 2, 4 * num_hashes));  // 16 bits a hash are enough
  for_each_row(parts_, [&](uint64_t, uint32_t row, std::span<const uint64_t> hashes) {
    num_rows_ = uint64_t{row} + 1;
    for (const uint64_t hash : hashes) {
      filter.add(hash);
    }
  });
  for_each_row(parts_, [&](uint64_t key, uint32_t row, std::span<const uint64_t> hashes) {
    for (uint32_t place = 0; place < hashes.size(); ++place) {
      if (filter.twice(hashes[place])) {
        places.add({hashes[place], key, row, place});
      }
    }
  });
}

// The cuts, with those at hashes that different runs share made anew by the words of the runs.
RepeatCuts PassageSearch::told_apart(RepeatCuts& cuts, const std::unordered_set<uint64_t>& shared) {
  RecordFile<Suspect> suspects(scratch_);
  std::vector<bool> wanted(num_rows_);
  for_each_row(parts_, [&](uint64_t key, uint32_t row, std::span<const uint64_t> hashes) {
    for (uint32_t place = 0; place < hashes.size(); ++place) {
      if (shared.contains(hashes[place])) {
        suspects.add({key, row, place});
        wanted[row] = true;
      }
    }
  });
  RunSorter<Place<uint64_t>> places(options_.memory_bytes / 4, scratch_, pool_);
  {
    const TokenScanner scanner;
    std::unordered_map<std::string, uint64_t> runs;  // by their words: in the order of rows
    std::vector<TokenSpan> tokens;
    std::string words;
    texts_(wanted, [&](uint64_t row, std::string_view text) {
      scanner.scan(text, tokens);
      for (const Suspect* at; (at = suspects.peek()) != nullptr && at->row == row; suspects.skip()) {
        run_words(scanner, text, tokens, at->place, width(), words);
        places.add({runs.try_emplace(words, runs.size()).first->second, at->id_key, at->row, at->place});
      }
    });
  }
  RunSorter<Cut> sorter(options_.memory_bytes / 4, scratch_, pool_);
  RepeatCuts exact(scratch_);
  exact.num_repeated = cuts.num_repeated - shared.size() + for_each_repeat(places, width(), [&](const auto&, const auto& place) {
    sorter.add({place.row, place.place});
  });
  suspects.rewind();
  for (const Cut* cut; (cut = cuts.cuts().peek()) != nullptr; cuts.cuts().skip()) {
    const Suspect* suspect;
    while ((suspect = suspects.peek()) != nullptr && Cut{suspect->row, suspect->place} < *cut) {
      suspects.skip();
    }
    if (suspect == nullptr || *cut < Cut{suspect->row, suspect->place}) {
      sorter.add(*cut);
    }
  }
  sorter.drain([&](const Cut& cut) { exact.cuts().add(cut); });
  return exact;
}

}  // namespace

RepeatCuts find_passages(const std::vector<fs::path>& parts, const RepeatOptions& options, ThreadPool& pool,
                         const RepeatTexts& texts) {
  return PassageSearch(parts, options, pool, texts).run();
}

}  // namespace athanor
