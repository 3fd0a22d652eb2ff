// The one pass of `describe` over documents: shards on all threads, put together in their order.
#pragma once

#include <functional>

#include "athanor/base/thread_pool.h"
#include "athanor/data/documents/documents.h"
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

// Memory: for each thread 32 MB of text, one document and tables of about 10 MB; 16 bytes a document.
Statistics describe_documents(const Documents& documents, const DescribeOptions& options, ThreadPool& pool,
                              const std::function<void(double)>& done);

}  // namespace athanor
