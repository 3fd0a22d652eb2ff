#include "athanor/data/collect/collect_parts.h"

#include <atomic>
#include <cstdio>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/thread_pool.h"
#include "athanor/data/collect/collect_part.h"
#include "athanor/data/documents/documents_files.h"
#include "athanor/data/documents/documents_manifest.h"
#include "athanor/data/documents/documents_shard.h"

namespace athanor {

namespace {

using Json = nlohmann::json;
constexpr const char* kShardFile = "part.parquet";

std::string part_key(size_t unit, size_t piece) {
  char key[48];
  std::snprintf(key, sizeof key, "u%07zu-%05zu", unit, piece);
  return key;
}

// Counts of all parts, added in the parts' order: the limit of rejected rows is judged after each.
class Tally {
 public:
  Tally(const CollectJob& job, size_t num_units) : job_(job), num_units_(num_units) { pass_others(); }

  void add(size_t unit, size_t piece, const CollectPart& part) {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(std::pair(unit, piece), Counts{part.documents, part.reasons, part.last});
    for (auto found = waiting_.find({unit_, piece_}); found != waiting_.end(); found = waiting_.find({unit_, piece_})) {
      documents_ += found->second.documents;
      for (const auto& [reason, count] : found->second.reasons) {
        reasons_[reason] += count;
      }
      if (found->second.last) {
        ++unit_;
        piece_ = 0;
        pass_others();
      } else {
        ++piece_;
      }
      waiting_.erase(found);
      if (!job_.shard.whole()) {
        continue;  // a share says little of the whole: the merge judges
      }
      RejectLog::check_share(reasons_, documents_, job_.max_rejected, false, job_.rejected / RejectLog::kFileName);
    }
  }

 private:
  struct Counts {
    uint64_t documents = 0;
    std::map<std::string, uint64_t> reasons;
    bool last = false;
  };
  void pass_others() {
    while (unit_ < num_units_ && !job_.shard.mine(unit_)) {
      ++unit_;
    }
  }

  const CollectJob& job_;
  size_t num_units_;
  std::mutex mutex_;
  std::map<std::pair<size_t, size_t>, Counts> waiting_;
  size_t unit_ = 0, piece_ = 0;  // the next one to be counted
  uint64_t documents_ = 0;
  std::map<std::string, uint64_t> reasons_;
};

// What the threads share.
struct Shared {
  const CollectJob& job;
  SourceContext& context;
  const std::vector<ReadUnit>& units;
  const PartJournal& journal;
  Tally tally;
  uint64_t total_bytes = 0;
  std::atomic<uint64_t> done_bytes{0};
  std::atomic<uint64_t> documents{0};

  void progress() const {
    if (job.on_progress) {
      job.on_progress(done_bytes, total_bytes, documents);
    }
  }
};

// Reads one unit and keeps its pieces.
class UnitWork {
 public:
  UnitWork(Shared& shared, size_t number)
      : shared_(shared), unit_(shared.units[number]), number_(number),
        work_(shared.job.state / "work" / part_key(number, 0)) {}

  void run() {
    UnitPlace from;
    if (skip_finished(from)) {
      return;
    }
    last_offset_ = from.offset;
    fs::remove_all(work_);
    begin_piece();
    UnitSink sink;
    sink.on_document = [&](Document&& document) {
      ++shared_.documents;
      shard_->add(document);
    };
    sink.on_rejected = [&](Rejected&& row) { rejects_->add(row); };
    sink.on_skipped = [&](const char* what) { ++part_.skipped[what]; };
    sink.on_note = [&](const std::string& what) { part_.notes.push_back(what); };
    sink.on_progress = [&](uint64_t bytes) {
      if (bytes > done_bytes_) {
        shared_.done_bytes += bytes - done_bytes_;
        done_bytes_ = bytes;
      }
      tick();
    };
    sink.on_boundary = [&](uint64_t offset, const std::function<UnitPlace()>& place) {
      read_bytes_ += offset > last_offset_ ? offset - last_offset_ : 0;  // less: another file of the unit
      last_offset_ = offset;
      tick();
      if (read_bytes_ >= shared_.job.part_bytes || shard_->bytes() >= shared_.job.part_bytes) {
        part_.next = place();
        end_piece();
        begin_piece();
      }
    };
    part_.pins = read_unit(shared_.job.sources[unit_.source], unit_, from, shared_.context, sink);
    part_.last = true;
    end_piece();
    fs::remove_all(work_);
    sink.on_progress(unit_.bytes);
    shared_.progress();
  }

 private:
  // True when all pieces are kept already; else `from` is where to go on.
  bool skip_finished(UnitPlace& from) {
    while (shared_.journal.has(part_key(number_, piece_))) {
      const CollectPart part = CollectPart::load(shared_.journal.path(part_key(number_, piece_)));
      shared_.documents += part.documents;
      shared_.tally.add(number_, piece_, part);
      if (part.last) {
        shared_.done_bytes += unit_.bytes;
        return true;
      }
      from = part.next;
      ++piece_;
    }
    return false;
  }

  void tick() {
    if (++calls_ % 256 == 0) {
      check_interrupt();
      shared_.progress();
    }
  }

  void begin_piece() {
    part_ = {};
    read_bytes_ = 0;
    make_dirs(work_);
    shard_.emplace(work_ / kShardFile, shared_.job.pages);
    rejects_.emplace(work_);
  }

  void end_piece() {
    const std::string key = part_key(number_, piece_);
    shard_->finish();
    rejects_->finish();
    part_.documents = shard_->rows();
    part_.text_bytes = shard_->text_bytes();
    part_.reasons = rejects_->counts();
    rejects_.reset();
    shared_.journal.write(key, [&](const fs::path& folder) {
      for (const char* name : {kShardFile, RejectLog::kFileName}) {
        if (fs::exists(work_ / name)) {
          fs::rename(work_ / name, folder / name);
        }
      }
      FileWriter file(folder / CollectPart::kFileName);
      file.write(part_.dump());
      file.close();
    });
    shared_.tally.add(number_, piece_, part_);
    ++piece_;
  }

  Shared& shared_;
  const ReadUnit& unit_;
  size_t number_;
  fs::path work_;
  size_t piece_ = 0;
  CollectPart part_;
  std::optional<TextShardWriter> shard_;
  std::optional<RejectLog> rejects_;
  uint64_t last_offset_ = 0;
  uint64_t read_bytes_ = 0;  // since the piece began
  uint64_t done_bytes_ = 0;
  uint64_t calls_ = 0;
};

// Calls fn for the parts that are there, in order; gives the number of units that are not whole.
uint64_t for_each_part(const PartJournal& journal, size_t num_units,
                       const std::function<void(const fs::path& folder, const CollectPart& part)>& fn) {
  uint64_t missing = 0;
  for (size_t unit = 0; unit < num_units; ++unit) {
    bool whole = false;
    for (size_t piece = 0; !whole && journal.has(part_key(unit, piece)); ++piece) {
      const fs::path folder = journal.path(part_key(unit, piece));
      const CollectPart part = CollectPart::load(folder);
      whole = part.last;
      fn(folder, part);
    }
    missing += whole ? 0 : 1;
  }
  return missing;
}

void append_file(const fs::path& from, FileWriter& to) {
  const auto stream = open_raw(from);
  std::string block(size_t{1} << 20, '\0');
  while (const size_t n = stream->read(block.data(), block.size())) {
    to.write(std::string_view(block).substr(0, n));
  }
}

// The rejected rows of all parts, in order.
void gather_rejected(const CollectJob& job, const PartJournal& journal, size_t num_units) {
  std::optional<FileWriter> writer;
  for_each_part(journal, num_units, [&](const fs::path& folder, const CollectPart& part) {
    if (part.reasons.empty()) {
      return;
    }
    if (!writer) {
      make_dirs(job.rejected);
      writer.emplace(job.rejected / RejectLog::kFileName);
    }
    append_file(folder / RejectLog::kFileName, *writer);
  });
  if (writer) {
    writer->sync();
  }
}

CollectResult assemble(const CollectJob& job, const PartJournal& journal, size_t num_units) {
  CollectResult result;
  for (const ResolvedSource& source : job.sources) {
    if (source.kind == SourceKind::kLocal) {
      result.pins.insert(result.pins.end(), source.pins.begin(), source.pins.end());
    }
  }
  DocumentsManifest manifest;
  std::exception_ptr too_many;  // judged after each part, as a process alone does; thrown when all are there
  const fs::path rejected_file = job.rejected / RejectLog::kFileName;
  make_dirs(job.out);
  result.missing_units = for_each_part(journal, num_units, [&](const fs::path& folder, const CollectPart& part) {
    result.documents += part.documents;
    result.text_bytes += part.text_bytes;
    for (const auto& [reason, count] : part.reasons) {
      result.reasons[reason] += count;
      result.rejected += count;
    }
    if (too_many == nullptr) {
      try {
        RejectLog::check_share(result.reasons, result.documents, job.max_rejected, false, rejected_file);
      } catch (const Error&) {
        too_many = std::current_exception();
      }
    }
    for (const auto& [what, count] : part.skipped) {
      result.skipped[what] += count;
    }
    result.notes.insert(result.notes.end(), part.notes.begin(), part.notes.end());
    result.pins.insert(result.pins.end(), part.pins.begin(), part.pins.end());
    if (part.documents > 0) {
      manifest.shards.push_back({shard_file_name("part", manifest.shards.size()), part.documents, {}});
      link_file(folder / kShardFile, job.out / manifest.shards.back().path);
    }
  });
  result.complete = result.missing_units == 0;
  if (result.complete) {
    if (too_many != nullptr) {
      std::rethrow_exception(too_many);
    }
    RejectLog::check_share(result.reasons, result.documents, job.max_rejected, true, rejected_file);
    manifest.num_documents = manifest.num_rows = result.documents;
    manifest.text_bytes = result.text_bytes;
    manifest.save(job.out);
  }
  return result;
}

// Parts of other bytes than today's sources (a download that changed, a file that was written over) are of no use.
void check_plan(const CollectJob& job, const std::vector<ReadUnit>& units) {
  Json plan = {{"part_bytes", job.part_bytes}, {"pins", Json::array()}, {"units", Json::array()}};
  for (const ResolvedSource& source : job.sources) {
    for (const SourcePin& pin : source.pins) {
      plan["pins"].push_back(pin_json(pin));
    }
  }
  for (const ReadUnit& unit : units) {
    plan["units"].push_back({unit.source, unit.first, unit.count, unit.begin, unit.end});
  }
  const std::string text = plan.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const fs::path path = job.state / "plan.json";
  make_dirs(job.state);
  if (fs::exists(path) && read_file(path) == text) {
    return;
  }
  fs::remove_all(job.state / "parts");
  fs::remove_all(job.state / "work");
  write_file_atomic(path, text);
}

}  // namespace

CollectResult collect_documents(const CollectJob& job, SourceContext& context) {
  const std::vector<ReadUnit> units = cut_sources(job.sources, job.part_bytes);
  check_plan(job, units);
  const PartJournal journal(job.state / "parts", job.shard);
  std::vector<size_t> mine;
  Shared shared{job, context, units, journal, Tally(job, units.size())};
  for (size_t i = 0; i < units.size(); ++i) {
    if (job.shard.mine(i)) {
      mine.push_back(i);
      shared.total_bytes += units[i].bytes;
    }
  }
  try {
    ThreadPool pool(job.threads);
    pool.parallel_for(mine.size(), [&](size_t i) {
      check_interrupt();
      UnitWork(shared, mine[i]).run();
    });
    CollectResult result = assemble(job, journal, units.size());
    if (result.complete) {
      gather_rejected(job, journal, units.size());
    }
    return result;
  } catch (const Error&) {
    gather_rejected(job, journal, units.size());
    throw;
  }
}

}  // namespace athanor
