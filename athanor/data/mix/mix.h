// Mixtures: documents of several sources in stated shares, in an order drawn by a seed.
//
//   Mixer mixer({{"books", &books}, {"web", &web}}, options, pool);
//   for (const MixShare& share : mixer.shares()) { ... }       // what will be taken, before anything is written
//   mixer.write(out, state);
//
// What is taken. Each source's documents stand in the order of a hash of (seed, id, copy): copy 0 first, all of copy 0
// before any of copy 1 (an upsampled source gives no document a third time before every one came twice). Whole documents
// are taken until the next one would lead further away from the budget than stopping does; with `cut`, the last one is
// cut at a character so that the budget is met (in bytes: to within 3).
//
// Order. With `shuffle` every taken copy gets a 64-bit hash of (seed, source, id, copy) and the output is sorted by it:
// each order is as likely as any other, and no window or buffer bounds how far a document travels. The sort is external:
// texts are written once to `state`, with an index by ranges of the key ("cells" of about 32 MB of output); then each
// cell is written as a shard. Memory: the index of a cell and one row group a thread. Spills and cells are parts of a
// journal: a killed run loses what was in flight. The bytes depend on documents and options only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/data/documents/documents.h"
#include "athanor/run/journal.h"

namespace athanor {

enum class MixUnit { kBytes, kCharacters, kDocuments, kTokens };
MixUnit mix_unit(std::string_view name);  // Error(kInternal) for a name that is none
const char* name_of(MixUnit unit);

// The column that holds a document's tokens.
inline constexpr const char* kTokensColumn = "num_tokens";

struct MixSource {
  std::string name;
  const Documents* documents;
};

struct MixOptions {
  MixUnit unit = MixUnit::kBytes;
  // At most one of the two, each with a number >= 0 for every source. weights: shares of the whole, of any sum.
  // budgets: in units. Neither: all documents there are, or where `total` is given shares as the sources have them.
  std::map<std::string, double> weights;
  std::map<std::string, double> budgets;
  double total = 0;        // in units; 0: as much as weights and max_epochs allow
  double max_epochs = 4;   // no source gives more than this many times what it has
  uint64_t seed = 1;
  bool shuffle = true;
  bool cut = false;
  uint64_t memory_bytes = uint64_t{1} << 30;  // bounds how many threads write at once; not the result
};

// What is taken of one source.
struct MixShare {
  std::string name;
  uint64_t available = 0;            // units, all documents once
  uint64_t available_documents = 0;
  uint64_t budget = 0;               // units wanted
  uint64_t taken = 0;                // units, within half a document of the budget
  uint64_t documents = 0;            // copies counted each
  uint64_t text_bytes = 0;
  double epochs() const { return available == 0 ? 0 : static_cast<double>(taken) / static_cast<double>(available); }
};

class Mixer {
 public:
  // Reads sizes and ids and decides what is taken. Sources are put in the order of their names. Error(kUsage): weights or
  // budgets that name no source or lack one, a unit that a source has no column for. Error(kInput): a budget above
  // max_epochs times what there is; nothing to take.
  Mixer(std::vector<MixSource> sources, const MixOptions& options, ThreadPool& pool);
  ~Mixer();

  const std::vector<MixShare>& shares() const { return shares_; }
  // Extra columns of the output: those that all sources have with one type, then `copy` (int64, from 0) and `mixture`
  // (the source's name), which take the place of columns of these names.
  const std::vector<ColumnInfo>& columns() const { return columns_; }

  // state: a folder that survives a kill; what is finished in there is not done again.
  // done: fraction so far, from any thread.
  void write(const fs::path& out, const fs::path& state, const std::function<void(double)>& done) const;
  // The same work shared by several processes on one `state`: each does its share of the spills, and when all of them
  // are there its share of the cells; nothing is put into an `out`. A second round of the same processes finds the
  // spills of all. True when every part is there.
  bool write_share(const fs::path& state, ShardOf shard, const std::function<void(double)>& done) const;
  // After the shares: as write(), but Error(kInput) when a spill (a run, without shuffle) is missing.
  void merge(const fs::path& out, const fs::path& state, const std::function<void(double)>& done) const;

 private:
  struct Take;
  struct Sizes;
  void plan_budgets();
  Take take(size_t source, MixShare& share) const;
  struct Work;
  struct Part;
  std::vector<fs::path> write_parts(const Work& work, size_t& missing) const;
  std::vector<fs::path> write_runs(const Work& work, size_t& missing) const;
  std::vector<fs::path> write_cells(const Work& work, size_t& missing) const;
  size_t do_parts(const PartJournal& journal, const std::vector<Part>& parts, const Work& work, double from, double to) const;
  void check_disk(const fs::path& state) const;
  void spill(size_t source, size_t shard, uint64_t num_cells, const fs::path& folder) const;
  void write_cell(uint64_t cell, const std::vector<fs::path>& spills, const std::vector<size_t>& source_of,
                  const fs::path& folder) const;
  void write_run(size_t source, size_t shard, uint64_t copy, const fs::path& folder) const;
  std::vector<std::pair<size_t, size_t>> all_shards() const;

  std::vector<MixSource> sources_;
  MixOptions options_;
  ThreadPool& pool_;
  std::vector<Sizes> sizes_;  // one a source
  std::vector<MixShare> shares_;
  std::vector<Take> takes_;
  std::vector<ColumnInfo> columns_;
};

}  // namespace athanor
