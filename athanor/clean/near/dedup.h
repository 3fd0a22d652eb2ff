// Exact and near-duplicate documents, with a result that depends only on the set of (id, text) and the ranks: not on
// the order of add(), the number of threads, or the memory limit.
//
//   Deduper deduper({}, pool);
//   for (const Document& doc : docs) { deduper.add({doc.id, doc.text}); }
//   Duplicates result = deduper.finish();   // result.keep(row), result.keeper[row]
//
// exact:   texts that are equal in lower case with white space collapsed (shingle.h), by a 128-bit XXH3 of that.
// minhash: the same first; then shingle sets (shingle.h) that share a band of their MinHash signature (minhash.h) are
//          compared, and joined when their true Jaccard is at least threshold. Clusters are the connected components:
//          the ends of a chain of edits may be less alike than threshold.
// simhash: the same with 64-bit SimHashes of the shingle sets and their Hamming distance (simhash.h).
// Kept:    KeepRule; ids should differ.
//
// This is the short way, for one process that is not to be resumed: the signed parts (signer.h, signed_part.h) go to a
// folder of their own below scratch, and are removed at the end. The verb keeps them by run/journal.h instead.
#pragma once

#include <memory>
#include <string>

#include "athanor/base/thread_pool.h"
#include "athanor/clean/near/duplicates.h"
#include "athanor/clean/near/signer.h"

namespace athanor {

class Deduper {
 public:
  // Throws Error(kUsage) on an option out of range. pool must outlive the object.
  Deduper(DedupOptions options, ThreadPool& pool);
  ~Deduper();
  Deduper(const Deduper&) = delete;
  Deduper& operator=(const Deduper&) = delete;

  // Rows are numbered 0, 1, ... in the order of the calls. The views are copied.
  // Throws Error(kResource) when scratch is full. Not thread-safe: the threads are inside.
  void add(const TextRow& row);

  // Ends the object's use.
  Duplicates finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace athanor
