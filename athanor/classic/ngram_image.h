// The bytes of an n-gram model: what stands in the file and is searched where it stands. Layout in docs/data/models.md.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/rng.h"
#include "athanor/classic/ngram_train.h"

namespace athanor {

struct NgramImageHeader {
  struct Table {
    uint64_t count = 0;     // n-grams
    uint64_t capacity = 0;  // places, more than count
    float p_min = 0;        // quantised: level 0; level 65535 is the maximum
    float p_max = 0;
    float backoff_min = 0;
    float backoff_max = 0;
  };
  char magic[8] = {'A', 'T', 'H', 'N', 'G', 'R', 'A', 'M'};
  uint64_t checksum = 0;  // XXH3 of all bytes after this field
  uint32_t version = 1;
  uint32_t order = 0;
  uint32_t quantised = 0;
  uint32_t reserved = 0;
  uint64_t num_words = 0;
  uint64_t word_bytes = 0;
  uint64_t word_slots = 0;  // a power of two, more than num_words
  Table tables[kMaxNgramOrder - 1];  // orders 2 to 5
};
static_assert(sizeof(NgramImageHeader) == 56 + 32 * (kMaxNgramOrder - 1));

// The hash of an n-gram grows from its last word to the left, so that longer matches extend shorter ones.
inline uint64_t ngram_hash(uint32_t last_word) { return mix64(uint64_t{last_word} + 1); }
inline uint64_t extend_ngram_hash(uint64_t hash, uint32_t word_before) {
  return mix64(hash ^ ((uint64_t{word_before} + 1) * 0x9ddfea08eb382d69ULL));
}

class NgramImage {
 public:
  using Weight = NgramTables::Weight;

  NgramImage() = default;
  // bytes stay where they are while the image lives, 8-byte aligned. Error(kInput) that names `where`.
  NgramImage(std::span<const uint8_t> bytes, const std::string& where);

  static std::string build(const NgramTables& tables, bool quantised);

  const NgramImageHeader& header() const { return *header_; }
  int order() const { return static_cast<int>(header_->order); }
  uint32_t find_word(std::string_view word, uint32_t fnv_hash) const;  // kNgramUnknown when it is not there
  const Weight& unigram(uint32_t id) const { return unigrams_[id]; }
  // n >= 2
  bool find(int n, uint64_t hash, Weight& weight) const;

 private:
  const NgramImageHeader* header_ = nullptr;
  const uint64_t* word_ends_ = nullptr;
  const uint32_t* word_slots_ = nullptr;
  const char* words_ = nullptr;
  const Weight* unigrams_ = nullptr;
  const uint8_t* tables_[kMaxNgramOrder - 1] = {};
};

}  // namespace athanor
