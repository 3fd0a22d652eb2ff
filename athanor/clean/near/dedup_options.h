// What the parts of deduplication agree on: options, the keeper's rule, reasons.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace athanor {

// The document that stays of a cluster: the first difference in this order decides.
struct KeepRule {
  enum class By {
    kQuality,  // the higher number of a column; a missing one (NaN) is below all
    kSource,   // the source that stands earlier in the list of priorities; the unlisted ones last
    kLongest,  // more bytes of text
    kId        // the id that is first by bytes
  };
  std::vector<By> order{By::kLongest, By::kId};  // always ends in kId
};

struct DedupOptions {
  // These change the result.
  std::string method = "minhash";    // exact | minhash | simhash
  int64_t bands = 14;                // bands * rows <= 4096
  int64_t rows = 8;                  // hashes a band
  int64_t band_sets = 2;             // how many times the same hashes are cut into bands, see minhash.h
  int64_t ngram = 5;                 // tokens a shingle, 1..64
  double threshold = 0.8;            // Jaccard of two shingle sets, 0..1
  int64_t hamming = 3;               // simhash: bits that may differ, 0..8
  std::string compare = "plain";      // plain | published, see shingle.h
  uint64_t seed = 1;                 // of the hash functions
  KeepRule keep;
  // These do not.
  uint64_t memory_bytes = uint64_t{1} << 30;  // for sorting; what does not fit goes to scratch
  std::string scratch;                        // folder for what does not fit; empty: TMPDIR, else /tmp
};

// Throws Error(kUsage) on an option out of range.
void check_dedup_options(const DedupOptions& options);
// JSON of the fields that digests, keys and shingles depend on: two runs may be compared when these are equal.
std::string dedup_signature(const DedupOptions& options);
// Keys a row: 0 (exact), 1 (simhash), bands * band_sets (minhash).
size_t dedup_num_keys(const DedupOptions& options);

}  // namespace athanor
