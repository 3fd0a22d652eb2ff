#include "athanor/clean/ngrams.h"

#include <numeric>

namespace athanor {

namespace {

uint64_t spread(uint64_t key) {
  key *= 0x9E3779B97F4A7C15ULL;
  return key ^ (key >> 32);
}

}  // namespace

void NgramLevels::start(std::span<const uint64_t> word_hashes) {
  n_ = 1;
  num_words_ = word_hashes.size();
  places_.resize(num_words_);
  std::iota(places_.begin(), places_.end(), 0u);
  count(word_hashes);
}

// keys[i] tells the n-gram at places_[i]; keeps the places whose key occurs more than once.
void NgramLevels::count(std::span<const uint64_t> keys) {
  table_.reset(keys.size());
  ids_.resize(keys.size());
  counts_.clear();
  for (size_t i = 0; i < keys.size(); ++i) {
    uint32_t& id = table_[keys[i]];  // from 1
    if (id == 0) {
      counts_.push_back(0);
      id = static_cast<uint32_t>(counts_.size());
    }
    ids_[i] = id - 1;
    ++counts_[id - 1];
  }
  most_ = num_words_ >= n_ ? 1 : 0;
  most_at_ = 0;
  seen_before_.clear();
  size_t kept = 0;
  uint32_t next_new = 0;  // ids were given in the order of first sight
  for (size_t i = 0; i < keys.size(); ++i) {
    const uint32_t id = ids_[i];
    const bool is_new = id == next_new;
    next_new += is_new;
    if (counts_[id] < 2) {
      continue;
    }
    if (counts_[id] > most_) {
      most_ = counts_[id];
      most_at_ = places_[i];
    }
    places_[kept] = places_[i];
    ids_[kept] = id;
    seen_before_.push_back(!is_new);
    ++kept;
  }
  places_.resize(kept);
  ids_.resize(kept);
}

void NgramLevels::next() {
  ++n_;
  keys_.clear();
  size_t kept = 0;
  for (size_t i = 0; i + 1 < places_.size(); ++i) {
    if (places_[i + 1] == places_[i] + 1) {
      keys_.push_back(spread(uint64_t{ids_[i]} << 32 | ids_[i + 1]));
      places_[kept++] = places_[i];
    }
  }
  places_.resize(kept);
  count(keys_);
}

}  // namespace athanor
