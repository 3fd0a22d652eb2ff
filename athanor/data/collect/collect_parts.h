// The work of `collect`: reads the units of the sources with several threads, keeps every finished part in the run's
// state folder, and puts the artifact together from the parts. What comes out depends on the sources and options
// only: not on threads, kills, or how many processes shared the work.
//
//   state/parts/u0000003-00000/    one part: part.json, part.parquet, rejected.jsonl (those that have rows)
//   state/work/                    parts in flight
//
// A unit (source_unit.h) is kept in pieces of about kPartBytes: u<unit>-<piece>.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/data/documents/parquet.h"
#include "athanor/data/sources/source_unit.h"
#include "athanor/run/journal.h"

namespace athanor {

struct CollectJob {
  std::vector<ResolvedSource> sources;
  double max_rejected = 0.01;  // share of rows; judged in the order of the parts, so that it cannot depend on threads
  int threads = 0;             // 0: one a core
  ShardOf shard;               // the units that this process reads
  uint64_t part_bytes = kPartBytes;
  PageCodec pages = PageCodec::kZstd;
  fs::path state;     // kept until the run is done
  fs::path out;       // gets documents.json and the shards
  fs::path rejected;  // gets rejected.jsonl when there are such rows, on failure too
  // From any thread, often: bytes of the sources done and in all (0: not known), documents.
  std::function<void(uint64_t done, uint64_t total, uint64_t documents)> on_progress;
};

struct CollectResult {
  bool complete = false;  // false: other shards' parts are missing yet, and there is no artifact
  uint64_t missing_units = 0;
  uint64_t documents = 0;
  uint64_t text_bytes = 0;
  uint64_t rejected = 0;
  std::map<std::string, uint64_t> reasons;  // of the rejected
  std::map<std::string, uint64_t> skipped;  // records that are no text by their kind
  std::vector<std::string> notes;           // what readers want known of their files, in the order of the sources
  std::vector<SourcePin> pins;              // with what was learned about the bytes
};

// Error(kInput) when too many rows were rejected; Error(kInterrupted) after Ctrl-C, the finished parts kept.
CollectResult collect_documents(const CollectJob& job, SourceContext& context);

}  // namespace athanor
