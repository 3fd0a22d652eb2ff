#include "athanor/data/mix/mix.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <optional>
#include <tuple>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/data/documents/documents_columns.h"
#include "athanor/data/documents/documents_files.h"
#include "athanor/data/mix/mix_spill.h"
#include "athanor/data/mix/mix_take.h"

namespace athanor {

namespace {

// What one thread holds while it writes: a row group of texts, its Parquet pages, an index.
constexpr uint64_t kThreadBytes = uint64_t{64} << 20;

std::string part_key(const char* stem, uint64_t a, uint64_t b, uint64_t c) {
  char name[96];
  std::snprintf(name, sizeof name, "%s-%06llu-%06llu-%06llu", stem, static_cast<unsigned long long>(a),
                static_cast<unsigned long long>(b), static_cast<unsigned long long>(c));
  return name;
}

std::vector<ColumnValues> empty_columns(const std::vector<ColumnInfo>& infos) {
  std::vector<ColumnValues> columns;
  for (const ColumnInfo& info : infos) {
    if (info.type == ColumnType::kString) {
      columns.emplace_back(std::vector<std::string>());
    } else if (info.type == ColumnType::kInt64) {
      columns.emplace_back(std::vector<int64_t>());
    } else {
      columns.emplace_back(std::vector<double>());
    }
  }
  return columns;
}

// One part of the output: a shard of texts and its columns. The last two columns are copy and mixture.
class PartWriter {
 public:
  PartWriter(const fs::path& folder, const std::vector<ColumnInfo>& infos)
      : folder_(folder), infos_(infos), columns_(empty_columns(infos)),
        writer_(folder, std::numeric_limits<uint64_t>::max()) {}

  // value_of(column, i): appends the value of a passed-through column.
  void add(Document&& document, const std::vector<ColumnValues>& values, size_t at, uint64_t copy,
           const std::string& mixture, const MixUnit unit, uint64_t cut) {
    if (cut > 0) {
      document.text.resize(cut_text(document.text, unit, cut).size());
      document.id.clear();  // another text: an id of its own
    }
    writer_.add(document);
    for (size_t i = 0; i + 2 < columns_.size(); ++i) {
      std::visit(
          [&](auto& column) { column.push_back(std::get<std::decay_t<decltype(column)>>(values[i])[at]); }, columns_[i]);
    }
    std::get<std::vector<int64_t>>(columns_[columns_.size() - 2]).push_back(static_cast<int64_t>(copy));
    std::get<std::vector<std::string>>(columns_.back()).push_back(mixture);
  }

  void finish() {
    writer_.finish();
    DocumentsManifest manifest = DocumentsManifest::load(folder_);
    manifest.columns = infos_;
    if (!manifest.shards.empty()) {
      const std::string name = shard_file_name("columns", 0);
      write_column_file(folder_ / name, infos_, columns_);
      manifest.shards[0].column_paths = {name};
    }
    manifest.save(folder_);
  }

 private:
  const fs::path folder_;
  const std::vector<ColumnInfo>& infos_;
  std::vector<ColumnValues> columns_;
  DocumentWriter writer_;
};

std::vector<ColumnValues> passed_columns(const Documents& documents, size_t shard, const std::vector<ColumnInfo>& infos) {
  std::vector<ColumnValues> values;
  for (size_t i = 0; i + 2 < infos.size(); ++i) {
    values.push_back(documents.shard_column(shard, infos[i].name));
  }
  return values;
}

// Of a merge: what the shares had to do is there.
void check_whole(const PartJournal& journal, const std::vector<fs::path>& parts) {
  const auto missing = std::count_if(parts.begin(), parts.end(),
                                     [&](const fs::path& part) { return !journal.has(part.filename().string()); });
  if (missing > 0) {
    throw Error(ErrorKind::kInput, std::to_string(missing) + " of " + std::to_string(parts.size()) + " parts are not done",
                "mix", "run the recipe with shard=i/n for every i");
  }
}

// Runs tasks on as many threads as memory allows.
void run_tasks(ThreadPool& pool, uint64_t memory_bytes, size_t count, const std::function<void(size_t)>& task) {
  const auto most = static_cast<size_t>(std::max<uint64_t>(1, memory_bytes / kThreadBytes));
  if (most >= static_cast<size_t>(pool.num_threads())) {
    pool.parallel_for(count, task);
    return;
  }
  std::atomic<size_t> next{0};
  pool.parallel_for(std::min(most, count), [&](size_t) {
    for (size_t i = next++; i < count; i = next++) {
      task(i);
    }
  });
}

}  // namespace

std::vector<std::pair<size_t, size_t>> Mixer::all_shards() const {
  std::vector<std::pair<size_t, size_t>> list;
  for (size_t source = 0; source < sources_.size(); ++source) {
    for (size_t shard = 0; shares_[source].documents > 0 && shard < sources_[source].documents->num_shards(); ++shard) {
      list.emplace_back(source, shard);
    }
  }
  return list;
}

// Whose parts are done where. merge: first-round parts must be there.
struct Mixer::Work {
  const fs::path& state;
  ShardOf shard;
  bool merge;
  const std::function<void(double)>& done;
};

struct Mixer::Part {
  std::string key;
  std::function<void(const fs::path& folder)> fill;
};

void Mixer::check_disk(const fs::path& state) const {
  uint64_t bytes = 0;
  for (const MixShare& share : shares_) {
    bytes += share.text_bytes;
  }
  make_dirs(state);
  const uint64_t needed = options_.shuffle ? 2 * bytes : bytes;
  if (const uint64_t free = free_bytes(state); free < needed) {
    throw Error(ErrorKind::kResource, "the mixture needs about " + human_bytes(static_cast<double>(needed)) +
                                          " of disk, and " + human_bytes(static_cast<double>(free)) + " are free",
                state.string(), "free some, lower the total, or take shuffle: false (half as much)");
  }
}

void Mixer::write(const fs::path& out, const fs::path& state, const std::function<void(double)>& done) const {
  check_disk(state);
  size_t missing = 0;
  assemble_documents(out, write_parts({state, {}, false, done}, missing));
}

void Mixer::merge(const fs::path& out, const fs::path& state, const std::function<void(double)>& done) const {
  size_t missing = 0;
  assemble_documents(out, write_parts({state, {}, true, done}, missing));
}

bool Mixer::write_share(const fs::path& state, ShardOf shard, const std::function<void(double)>& done) const {
  check_disk(state);
  size_t missing = 0;
  write_parts({state, shard, false, done}, missing);
  return missing == 0;
}

std::vector<fs::path> Mixer::write_parts(const Work& work, size_t& missing) const {
  return options_.shuffle ? write_cells(work, missing) : write_runs(work, missing);
}

// Does this process's share of the parts that are not there; says how many are missing then.
size_t Mixer::do_parts(const PartJournal& journal, const std::vector<Part>& parts, const Work& work, double from,
                       double to) const {
  std::atomic<size_t> finished{0};
  run_tasks(pool_, options_.memory_bytes, parts.size(), [&](size_t i) {
    if (work.shard.mine(i) && !journal.has(parts[i].key)) {
      journal.write(parts[i].key, parts[i].fill);
    }
    work.done(from + (to - from) * static_cast<double>(++finished) / static_cast<double>(parts.size()));
  });
  return static_cast<size_t>(std::count_if(parts.begin(), parts.end(), [&](const Part& part) { return !journal.has(part.key); }));
}

void Mixer::write_run(size_t source, size_t shard, uint64_t copy, const fs::path& folder) const {
  const Documents& documents = *sources_[source].documents;
  const auto values = passed_columns(documents, shard, columns_);
  const uint64_t first = documents.first_row(shard);
  PartWriter writer(folder, columns_);
  documents.for_each_in(shard, [&](uint64_t row, Document&& document) {
    check_interrupt();
    uint64_t cut = 0;
    if (const uint64_t copies = takes_[source].copies(options_.seed, document.id, row, cut); copy < copies) {
      writer.add(std::move(document), values, static_cast<size_t>(row - first), copy, sources_[source].name,
                 options_.unit, copy + 1 == copies ? cut : 0);
    }
  });
  writer.finish();
}

// Source by source, copy by copy, as the documents stand.
std::vector<fs::path> Mixer::write_runs(const Work& work, size_t& missing) const {
  const PartJournal journal(work.state / "runs", work.shard);
  std::vector<Part> runs;
  for (size_t source = 0; source < sources_.size(); ++source) {
    const bool partial = takes_[source].key != 0 || takes_[source].row != 0 || takes_[source].cut != 0;
    for (uint64_t copy = 0; copy < takes_[source].full + (partial ? 1 : 0); ++copy) {
      for (size_t shard = 0; shard < sources_[source].documents->num_shards(); ++shard) {
        runs.push_back({part_key("run", source, copy, shard),
                        [=, this](const fs::path& folder) { write_run(source, shard, copy, folder); }});
      }
    }
  }
  std::vector<fs::path> paths;
  for (const Part& run : runs) {
    paths.push_back(journal.path(run.key));
  }
  if (work.merge) {
    check_whole(journal, paths);
  }
  missing = do_parts(journal, runs, work, 0, 1);
  return paths;
}

void Mixer::spill(size_t source, size_t shard, uint64_t num_cells, const fs::path& folder) const {
  const Documents& documents = *sources_[source].documents;
  const auto values = passed_columns(documents, shard, columns_);
  const uint64_t first = documents.first_row(shard);
  SpillWriter writer(folder, num_cells);
  documents.for_each_in(shard, [&](uint64_t row, Document&& document) {
    check_interrupt();
    uint64_t cut = 0;
    const uint64_t copies = takes_[source].copies(options_.seed, document.id, row, cut);
    if (copies == 0) {
      return;
    }
    SpillEntry entry = writer.add_record(document, values, static_cast<size_t>(row - first));
    entry.row = row;
    for (uint64_t copy = 0; copy < copies; ++copy) {
      entry.key = order_key(options_.seed, sources_[source].name, document.id, copy);
      entry.copy = copy;
      entry.cut = copy + 1 == copies ? cut : 0;
      writer.add_entry(entry);
    }
  });
  writer.finish();
}

void Mixer::write_cell(uint64_t cell, const std::vector<fs::path>& spills, const std::vector<size_t>& source_of,
                       const fs::path& folder) const {
  struct Place {
    SpillEntry entry;
    size_t spill;
  };
  const std::vector<ColumnInfo> passed(columns_.begin(), columns_.end() - 2);
  std::vector<SpillReader> readers;
  std::vector<Place> places;
  for (size_t i = 0; i < spills.size(); ++i) {
    readers.emplace_back(spills[i], passed);
    for (const SpillEntry& entry : readers.back().entries_of(cell)) {
      places.push_back({entry, i});
    }
  }
  std::sort(places.begin(), places.end(), [&](const Place& a, const Place& b) {
    return std::tie(a.entry.key, source_of[a.spill], a.entry.row, a.entry.copy) <
           std::tie(b.entry.key, source_of[b.spill], b.entry.row, b.entry.copy);
  });
  PartWriter writer(folder, columns_);
  for (const Place& place : places) {
    check_interrupt();
    SpillRecord record = readers[place.spill].record(place.entry);
    writer.add(std::move(record.document), record.columns, 0, place.entry.copy, sources_[source_of[place.spill]].name,
               options_.unit, place.entry.cut);
  }
  writer.finish();
}

std::vector<fs::path> Mixer::write_cells(const Work& work, size_t& missing) const {
  uint64_t bytes = 0;
  for (const MixShare& share : shares_) {
    bytes += share.text_bytes;
  }
  const uint64_t num_cells = std::max<uint64_t>(1, (bytes + kShardBytes - 1) / kShardBytes);
  const PartJournal spill_journal(work.state / "spills", work.shard);
  const PartJournal cell_journal(work.state / "cells", work.shard);
  std::vector<Part> spills;
  std::vector<fs::path> spill_paths;
  std::vector<size_t> source_of;
  for (const auto& [source, shard] : all_shards()) {
    spills.push_back({part_key("spill", source, shard, 0),
                      [=, this, source = source, shard = shard](const fs::path& folder) { spill(source, shard, num_cells, folder); }});
    spill_paths.push_back(spill_journal.path(spills.back().key));
    source_of.push_back(source);
  }
  std::vector<Part> cells;
  std::vector<fs::path> paths;
  for (uint64_t cell = 0; cell < num_cells; ++cell) {
    cells.push_back({part_key("cell", cell, 0, 0),
                     [&, cell](const fs::path& folder) { write_cell(cell, spill_paths, source_of, folder); }});
    paths.push_back(cell_journal.path(cells.back().key));
  }
  if (work.merge) {
    check_whole(spill_journal, spill_paths);
  }
  const double middle = static_cast<double>(spills.size()) / static_cast<double>(spills.size() + 2 * cells.size());
  missing = do_parts(spill_journal, spills, work, 0, middle);
  missing += missing > 0 ? cells.size() : do_parts(cell_journal, cells, work, middle, 1);
  return paths;
}

}  // namespace athanor
