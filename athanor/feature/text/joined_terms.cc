#include "athanor/feature/text/joined_terms.h"

#include <algorithm>
#include <numeric>

namespace athanor {

namespace {

constexpr size_t kShards = 64;  // joined at the same time; enough for the threads there may be
constexpr size_t kBeginnings = 65536;

size_t beginning_of(std::string_view term) {
  const auto first = term.empty() ? 0U : static_cast<uint8_t>(term[0]);
  const auto second = term.size() < 2 ? 0U : static_cast<uint8_t>(term[1]);
  return first << 8 | second;
}

// As a number that is in the order of the bytes.
uint64_t ordered_bytes(std::string_view term) { return __builtin_bswap64(first_bytes(term)); }

// Shards of beginnings of two bytes, in order, with about the same number of terms in each.
std::vector<uint8_t> shards_of(const std::vector<StretchTerms>& stretches) {
  std::vector<uint64_t> count(kBeginnings, 0);
  uint64_t all = 0;
  for (const StretchTerms& stretch : stretches) {
    for (int32_t id = 0; id < stretch.words.size(); ++id) {
      ++count[beginning_of(stretch.words.term(id))];
    }
    all += static_cast<uint64_t>(stretch.words.size());
  }
  std::vector<uint8_t> shard(kBeginnings, 0);
  uint64_t before = 0;
  for (size_t i = 0; i < kBeginnings; ++i) {
    shard[i] = static_cast<uint8_t>(std::min<uint64_t>(kShards - 1, before * kShards / (all + 1)));
    before += count[i];
  }
  return shard;
}

// Numbers of one stretch put together by shard.
struct ByShard {
  std::vector<uint32_t> numbers;
  std::vector<uint32_t> begins;  // kShards + 1

  template <class ShardOf>  // kShards: none
  ByShard(size_t count, const ShardOf& shard_of) : begins(kShards + 2, 0) {
    std::vector<uint8_t> shards(count);
    for (uint32_t number = 0; number < count; ++number) {
      shards[number] = static_cast<uint8_t>(shard_of(number));
      ++begins[shards[number] + 1U];
    }
    std::partial_sum(begins.begin(), begins.end(), begins.begin());
    numbers.resize(count);
    std::vector<uint32_t> next = begins;
    for (uint32_t number = 0; number < count; ++number) {
      numbers[next[shards[number]]++] = number;
    }
  }
  ByShard() = default;

  std::span<const uint32_t> of(size_t shard) const {
    return {numbers.data() + begins[shard], begins[shard + 1] - begins[shard]};
  }
};

// Places of the numbers 0, 1 ... of a table in the order of their bytes.
std::vector<uint32_t> ranks_by_bytes(const TermTable& table) {
  std::vector<std::pair<uint64_t, uint32_t>> order;
  for (int32_t id = 0; id < table.size(); ++id) {
    order.emplace_back(ordered_bytes(table.term(id)), static_cast<uint32_t>(id));
  }
  std::sort(order.begin(), order.end(), [&](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first
                              : table.term(static_cast<int32_t>(a.second)) <
                                    table.term(static_cast<int32_t>(b.second));
  });
  std::vector<uint32_t> ranks(order.size());
  for (uint32_t rank = 0; rank < order.size(); ++rank) {
    ranks[order[rank].second] = rank;
  }
  return ranks;
}

struct KeyedRun {
  uint64_t key;  // rank of what is before, rank of the word
  uint32_t stretch;
  uint32_t number;
};

}  // namespace

JoinedTerms::JoinedTerms(const std::vector<StretchTerms>& stretches, size_t from,
                         ThreadPool& pool) {
  places_.resize(stretches.size());
  join_words(stretches, pool);
  uint32_t longest = 0;
  for (const StretchTerms& stretch : stretches) {
    for (const auto& run : stretch.runs) {
      longest = std::max(longest, run.length);
    }
  }
  if (longest == 0) {
    places_.swap(ranks_);
    documents_.resize(words_.size());
  } else {
    begin_runs(stretches, pool);
    for (uint32_t length = 2; length <= longest; ++length) {
      join_runs(stretches, length, pool);
    }
    place_runs(stretches, from);
  }
  count(stretches, pool);
}

// Each shard of the alphabet is joined and sorted on its own.
void JoinedTerms::join_words(const std::vector<StretchTerms>& stretches, ThreadPool& pool) {
  const std::vector<uint8_t> shard_of = shards_of(stretches);
  std::vector<ByShard> parts(stretches.size());
  pool.parallel_for(stretches.size(), [&](size_t s) {
    const TermTable& words = stretches[s].words;
    parts[s] = ByShard(static_cast<size_t>(words.size()), [&](uint32_t id) {
      return shard_of[beginning_of(words.term(static_cast<int32_t>(id)))];
    });
    places_[s].resize(static_cast<size_t>(words.size()));  // numbers in the shard, at first
  });
  tables_.resize(kShards);
  std::vector<std::vector<uint32_t>> ranks(kShards);
  pool.parallel_for(kShards, [&](size_t shard) {
    TermTable& table = tables_[shard];
    for (size_t s = 0; s < stretches.size(); ++s) {
      const TermTable& words = stretches[s].words;
      for (const uint32_t id : parts[s].of(shard)) {
        const std::string_view term = words.term(static_cast<int32_t>(id));
        places_[s][id] = static_cast<uint32_t>(
            table.add(TermKey{term, first_bytes(term), words.hash(static_cast<int32_t>(id))}));
      }
    }
    ranks[shard] = ranks_by_bytes(table);
  });
  std::vector<uint32_t> begins(kShards + 1, 0);
  for (size_t shard = 0; shard < kShards; ++shard) {
    begins[shard + 1] = begins[shard] + static_cast<uint32_t>(ranks[shard].size());
  }
  words_.resize(begins.back());
  pool.parallel_for(kShards, [&](size_t shard) {
    for (uint32_t id = 0; id < ranks[shard].size(); ++id) {
      ranks[shard][id] += begins[shard];
      words_[ranks[shard][id]] = tables_[shard].term(static_cast<int32_t>(id));
    }
    for (size_t s = 0; s < stretches.size(); ++s) {
      for (const uint32_t id : parts[s].of(shard)) {
        places_[s][id] = ranks[shard][places_[s][id]];
      }
    }
  });
  ranks_.swap(places_);
  places_.resize(stretches.size());
}

// places_ holds ranks until place_runs.
void JoinedTerms::begin_runs(const std::vector<StretchTerms>& stretches, ThreadPool& pool) {
  Level& first = levels_.emplace_back();
  first.word.resize(words_.size());
  std::iota(first.word.begin(), first.word.end(), 0U);
  pool.parallel_for(stretches.size(), [&](size_t s) {
    const auto& runs = stretches[s].runs;
    places_[s].assign(runs.size(), kNoTerm);
    for (size_t number = 0; number < runs.size(); ++number) {
      places_[s][number] = runs[number].length == 1 ? ranks_[s][runs[number].word] : kNoTerm;
    }
  });
}

void JoinedTerms::join_runs(const std::vector<StretchTerms>& stretches, uint32_t length,
                            ThreadPool& pool) {
  const uint64_t befores = levels_.back().word.size();
  std::vector<ByShard> parts(stretches.size());
  pool.parallel_for(stretches.size(), [&](size_t s) {
    const auto& runs = stretches[s].runs;
    parts[s] = ByShard(runs.size(), [&](uint32_t number) {
      return runs[number].length == length ? places_[s][runs[number].before] * kShards / befores
                                           : kShards;
    });
  });
  std::vector<std::vector<KeyedRun>> sorted(kShards);
  std::vector<Level> levels(kShards);
  pool.parallel_for(kShards, [&](size_t shard) {
    auto& all = sorted[shard];
    for (uint32_t s = 0; s < stretches.size(); ++s) {
      for (const uint32_t number : parts[s].of(shard)) {
        const auto& run = stretches[s].runs[number];
        all.push_back({static_cast<uint64_t>(places_[s][run.before]) << 32 | ranks_[s][run.word],
                       s, number});
      }
    }
    std::sort(all.begin(), all.end(), [](const KeyedRun& a, const KeyedRun& b) { return a.key < b.key; });
    for (size_t i = 0; i < all.size(); ++i) {
      if (i == 0 || all[i].key != all[i - 1].key) {
        levels[shard].before.push_back(static_cast<uint32_t>(all[i].key >> 32));
        levels[shard].word.push_back(static_cast<uint32_t>(all[i].key));
      }
    }
  });
  std::vector<uint32_t> begins(kShards + 1, 0);
  Level& out = levels_.emplace_back();
  for (size_t shard = 0; shard < kShards; ++shard) {
    out.before.insert(out.before.end(), levels[shard].before.begin(), levels[shard].before.end());
    out.word.insert(out.word.end(), levels[shard].word.begin(), levels[shard].word.end());
    begins[shard + 1] = static_cast<uint32_t>(out.word.size());
  }
  pool.parallel_for(kShards, [&](size_t shard) {
    uint32_t rank = begins[shard];
    for (size_t i = 0; i < sorted[shard].size(); ++i) {
      rank += i > 0 && sorted[shard][i].key != sorted[shard][i - 1].key ? 1U : 0U;
      places_[sorted[shard][i].stretch][sorted[shard][i].number] = rank;
    }
  });
}

// A blank is below every character of a word, so the order of the bytes is that of a tree walked
// from the top: a run, then all that go on from it.
void JoinedTerms::place_runs(const std::vector<StretchTerms>& stretches, size_t from) {
  std::vector<std::vector<uint32_t>> below(levels_.size());  // terms in the tree under each run
  for (size_t level = levels_.size(); level-- > 0;) {
    below[level].resize(levels_[level].word.size(), 0);
    for (size_t rank = 0; rank < below[level].size(); ++rank) {
      below[level][rank] += level + 1 >= from ? 1U : 0U;
      if (level > 0) {
        auto& above = below[level - 1];
        above.resize(levels_[level - 1].word.size(), 0);
        above[levels_[level].before[rank]] += below[level][rank];
      }
    }
  }
  const size_t all = std::accumulate(below[0].begin(), below[0].end(), size_t{0});
  at_place_.resize(all);
  documents_.resize(all);
  std::vector<uint32_t> next_above;
  uint32_t next_word = 0;
  for (size_t level = 0; level < levels_.size(); ++level) {
    Level& runs = levels_[level];
    const bool own = level + 1 >= from;
    std::vector<uint32_t> next(runs.word.size());
    runs.place.assign(runs.word.size(), kNoTerm);
    for (size_t rank = 0; rank < runs.word.size(); ++rank) {
      uint32_t& at = level == 0 ? next_word : next_above[runs.before[rank]];
      if (own) {
        runs.place[rank] = at;
        at_place_[at] = static_cast<uint64_t>(level) << 32 | rank;
      }
      next[rank] = at + (own ? 1U : 0U);
      at += below[level][rank];
    }
    next_above = std::move(next);
  }
  for (size_t s = 0; s < stretches.size(); ++s) {
    for (size_t number = 0; number < places_[s].size(); ++number) {
      places_[s][number] = levels_[stretches[s].runs[number].length - 1].place[places_[s][number]];
    }
  }
}

void JoinedTerms::count(const std::vector<StretchTerms>& stretches, ThreadPool& pool) {
  struct Count {
    uint32_t last = UINT32_MAX;  // text
    uint32_t documents = 0;
    uint64_t total = 0;
  };
  std::vector<std::vector<Count>> counts(stretches.size());
  pool.parallel_for(stretches.size(), [&](size_t s) {
    const StretchTerms& stretch = stretches[s];
    counts[s].resize(stretch.size());
    for (size_t text = 0, i = 0; text < stretch.ends.size(); ++text) {
      for (; i < stretch.ends[text]; ++i) {
        Count& count = counts[s][stretch.ids[i]];
        count.documents += count.last != text ? 1U : 0U;
        count.last = static_cast<uint32_t>(text);
        ++count.total;
      }
    }
  });
  total_.resize(documents_.size());
  for (size_t s = 0; s < stretches.size(); ++s) {
    for (size_t number = 0; number < counts[s].size(); ++number) {
      const uint32_t place = places_[s][number];
      if (place != kNoTerm) {
        documents_[place] += counts[s][number].documents;
        total_[place] += static_cast<int64_t>(counts[s][number].total);
      }
    }
  }
}

void JoinedTerms::append_run(size_t level, uint32_t rank, std::string& out) const {
  if (level > 0) {
    append_run(level - 1, levels_[level].before[rank], out);
    out.push_back(' ');
  }
  out.append(words_[levels_[level].word[rank]]);
}

std::string_view JoinedTerms::text_of(size_t place, std::string& out) const {
  if (levels_.empty()) {
    return words_[place];
  }
  out.clear();
  append_run(at_place_[place] >> 32, static_cast<uint32_t>(at_place_[place]), out);
  return out;
}

}  // namespace athanor
