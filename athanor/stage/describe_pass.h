// The one pass of `describe` over documents: shards on all threads, each kept as a part when it is done, put together in
// their order.
#pragma once

#include <functional>

#include "athanor/base/thread_pool.h"
#include "athanor/data/documents/documents.h"
#include "athanor/run/journal.h"
#include "athanor/stage/describe_statistics.h"

namespace athanor {

struct DescribeOptions {
  std::string by;           // column, meta.FIELD, "script"; "" finds one: see group_name
  size_t num_samples = 5;   // kept, and of each reason
  uint64_t seed = 1;
};

// What documents are grouped by: options.by, else the first of the columns language, lang, language_label, else
// meta.language or meta.lang when the first documents have it, else script. An unknown column is Error(kUsage).
std::string group_name(const Documents& documents, const std::string& by);

// Does the shards that are this process's and not in the journal; key: "shard-000012".
// Memory: for each thread 32 MB of text, one document and tables of about 10 MB.
void describe_shards(const Documents& documents, const DescribeOptions& options, ThreadPool& pool,
                     const PartJournal& journal, ShardOf shard, const std::function<void(double)>& done);
// The parts put together; 16 bytes a document. Error(kInput) when one is missing.
Statistics gather_statistics(const Documents& documents, const DescribeOptions& options, const PartJournal& journal);

}  // namespace athanor
