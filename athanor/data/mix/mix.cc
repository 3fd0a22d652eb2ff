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
#include "athanor/run/journal.h"

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

void Mixer::write(const fs::path& out, const fs::path& state, const std::function<void(double)>& done) const {
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
  options_.shuffle ? write_shuffled(out, state, done) : write_in_order(out, state, done);
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
void Mixer::write_in_order(const fs::path& out, const fs::path& state,
                           const std::function<void(double)>& done) const {
  const PartJournal journal(state / "runs");
  std::vector<std::tuple<size_t, uint64_t, size_t>> tasks;
  std::vector<fs::path> parts;
  for (size_t source = 0; source < sources_.size(); ++source) {
    const bool partial = takes_[source].key != 0 || takes_[source].row != 0 || takes_[source].cut != 0;
    for (uint64_t copy = 0; copy < takes_[source].full + (partial ? 1 : 0); ++copy) {
      for (size_t shard = 0; shard < sources_[source].documents->num_shards(); ++shard) {
        tasks.emplace_back(source, copy, shard);
        parts.push_back(journal.path(part_key("run", source, copy, shard)));
      }
    }
  }
  std::atomic<size_t> finished{0};
  run_tasks(pool_, options_.memory_bytes, tasks.size(), [&](size_t i) {
    const auto [source, copy, shard] = tasks[i];
    const std::string key = part_key("run", source, copy, shard);
    if (!journal.has(key)) {
      journal.write(key, [&, source = source, copy = copy, shard = shard](const fs::path& folder) {
        write_run(source, shard, copy, folder);
      });
    }
    done(static_cast<double>(++finished) / static_cast<double>(tasks.size()));
  });
  assemble_documents(out, parts);
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

void Mixer::write_shuffled(const fs::path& out, const fs::path& state,
                           const std::function<void(double)>& done) const {
  uint64_t bytes = 0;
  for (const MixShare& share : shares_) {
    bytes += share.text_bytes;
  }
  const uint64_t num_cells = std::max<uint64_t>(1, (bytes + kShardBytes - 1) / kShardBytes);
  const auto shards = all_shards();
  const PartJournal spill_journal(state / "spills");
  const PartJournal cell_journal(state / "cells");
  const double steps = static_cast<double>(shards.size() + 2 * num_cells);
  std::atomic<uint64_t> finished{0};
  std::vector<fs::path> spills;
  std::vector<size_t> source_of;
  for (const auto& [source, shard] : shards) {
    spills.push_back(spill_journal.path(part_key("spill", source, shard, 0)));
    source_of.push_back(source);
  }
  run_tasks(pool_, options_.memory_bytes, shards.size(), [&](size_t i) {
    const auto [source, shard] = shards[i];
    const std::string key = part_key("spill", source, shard, 0);
    if (!spill_journal.has(key)) {
      spill_journal.write(key, [&, source = source, shard = shard](const fs::path& folder) {
        spill(source, shard, num_cells, folder);
      });
    }
    done(static_cast<double>(++finished) / steps);
  });
  std::vector<fs::path> parts;
  for (uint64_t cell = 0; cell < num_cells; ++cell) {
    parts.push_back(cell_journal.path(part_key("cell", cell, 0, 0)));
  }
  run_tasks(pool_, options_.memory_bytes, static_cast<size_t>(num_cells), [&](size_t cell) {
    const std::string key = part_key("cell", cell, 0, 0);
    if (!cell_journal.has(key)) {
      cell_journal.write(key, [&](const fs::path& folder) { write_cell(cell, spills, source_of, folder); });
    }
    done(static_cast<double>(finished += 2) / steps);
  });
  assemble_documents(out, parts);
}

}  // namespace athanor
