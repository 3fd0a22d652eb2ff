// Exact and near-duplicate documents, with a result that depends only on the set of (id, text): not on the order of
// add(), the number of threads, or the memory limit.
//
//   Deduper deduper({}, pool);
//   for (const Document& doc : docs) { deduper.add(doc.id, doc.text); }
//   Deduper::Result result = deduper.finish();   // result.keep[row], result.cluster[row]
//
// exact:   texts that are equal in lower case with white space collapsed (shingle.h), by a 128-bit XXH3 of that.
// minhash: the same first; then shingle sets (shingle.h) that share a band of their MinHash signature (minhash.h) are
//          compared, and joined when their true Jaccard is at least threshold. Clusters are the connected components:
//          the ends of a chain of edits may be less alike than threshold.
// Kept:    of each cluster the text with the most bytes; of equals the one whose id is first by bytes. Ids
// should differ.
// Limit:   a bucket with more than kMaxBucket texts is not compared all against all but, in an order that only the
//          texts' signatures decide, each with its next kBucketWindow.
//
// Memory a row: 8 bytes. Memory a different text: about 80 bytes, its id, 8 a band, and 8 a shingle (about 8 a word,
// or 8 a Han character) until memory_bytes is reached; shingles beyond that go to a file in scratch. Texts wait only
// until a batch of 8 MiB is full.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/thread_pool.h"

namespace athanor {

struct DedupOptions {
  // These change the result.
  std::string method = "minhash";  // exact | minhash
  int64_t bands = 14;              // bands * rows <= 4096
  int64_t rows = 8;                // hashes a band
  int64_t ngram = 5;               // tokens a shingle, 1..64
  double threshold = 0.8;          // Jaccard of two shingle sets, 0..1
  uint64_t seed = 1;               // of the hash functions
  // These do not.
  uint64_t memory_bytes = uint64_t{1} << 30;  // for shingle sets
  std::string scratch;                        // folder for what does not fit; empty: TMPDIR, else /tmp
};

class Deduper {
 public:
  static constexpr size_t kMaxBucket = 2000;
  static constexpr size_t kBucketWindow = 64;

  // Throws Error(kUsage) on an option out of range. pool must outlive the object.
  Deduper(DedupOptions options, ThreadPool& pool);
  ~Deduper();
  Deduper(const Deduper&) = delete;
  Deduper& operator=(const Deduper&) = delete;

  // Rows are numbered 0, 1, ... in the order of the calls. Ill-formed UTF-8 is compared as U+FFFD.
  // Throws Error(kResource) when scratch is full. Not thread-safe: the threads are inside.
  void add(std::string_view id, std::string_view text);

  struct Result {
    std::vector<int64_t> cluster;   // row -> the smallest row of its cluster
    std::vector<bool> keep;         // exactly one row of each cluster
    uint64_t exact_duplicates = 0;  // rows - different texts
    uint64_t near_duplicates = 0;   // different texts - clusters; rows dropped = the sum of the two
    uint64_t candidates = 0;        // pairs of different texts that shared a band
  };
  // Ends the object's use.
  Result finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace athanor
