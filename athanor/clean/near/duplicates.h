// From signed parts to clusters and keepers, in bounded memory: rows are numbered 0, 1, ... through the parts.
//
//   const PartSet parts(held_files, files);
//   const Duplicates found = find_duplicates(parts, options, pool);
//   found.keep(row), found.keeper[row], found.reason[row], found.cluster_size[row]
//
// 1. Rows are sorted by their digest: equal texts become one text, numbered in the order of the digests. So everything
//    after this goes by content, whatever the order of the rows was.
// 2. minhash: a band at a time, (key, text) is sorted; the texts of a bucket are compared by the Jaccard of their
//    shingle sets, read from the parts, and joined when it is at least threshold. simhash: the same with the tables of
//    simhash.h and the Hamming distance.
// 3. Clusters are the connected components of that graph; each keeps one row by the KeepRule.
//
// Limit: a bucket with more than kMaxBucket texts is not compared all against all but, sorted by the keys of the next
// two bands and then by text, each with its next kBucketWindow.
//
// held rows: the parts of an index of an earlier run. Their rows take part, are never dropped, and stand for their clusters:
// what is like one of them is dropped.
//
// Memory: about 16 bytes a row and 21 a different text; options.memory_bytes more for sorting; 24 bytes a row more in
// step 3 when that fits memory_bytes. Shingle sets stay on disk.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/clean/near/dedup_options.h"
#include "athanor/clean/near/part_set.h"

namespace athanor {

enum class DropReason : uint8_t { kKept, kExact, kNear, kHeldExact, kHeldNear };
// "", "exact duplicate", "near duplicate", "exact duplicate of the index", "near duplicate of the index".
const char* name_of(DropReason reason);

struct Duplicates {
  static constexpr size_t kMaxBucket = 2000;
  static constexpr size_t kBucketWindow = 64;

  uint64_t num_held = 0;
  // Of the rows that are not held, in order. keeper counts the held rows first.
  std::vector<uint32_t> keeper;
  std::vector<uint32_t> cluster_size;  // rows, the held ones too
  std::vector<DropReason> reason;

  uint64_t counts[5] = {};  // rows by reason
  uint64_t num_texts = 0;   // different ones, the held ones too
  uint64_t num_clusters = 0;
  uint64_t compared = 0;    // pairs of texts whose sets or hashes were compared

  bool keep(uint64_t row) const { return reason[row] == DropReason::kKept; }
};

// progress(share done, what): called from this thread now and then; may throw to stop.
using DuplicatesProgress = std::function<void(double, const char*)>;

// Throws Error(kResource) when scratch is full or there are more than 2^32 - 2 rows, Error(kInput) for damaged parts.
Duplicates find_duplicates(const PartSet& parts, const DedupOptions& options, ThreadPool& pool,
                           const DuplicatesProgress& progress = {});

}  // namespace athanor
