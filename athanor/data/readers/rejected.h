// Rows set aside: counted by reason and kept in a run's rejected/rejected.jsonl, never lost in silence.
//   {"reason":"broken JSON","source":"a/b.jsonl.zst","offset":1234,"sample":"{\"text\": ..."}
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "athanor/base/file.h"

namespace athanor {

struct Rejected {
  std::string reason;   // one of a small set: counts are kept by it
  std::string source;
  uint64_t offset = 0;  // byte in the decompressed source; for Parquet the row
  std::string sample;   // how the row begins; any bytes, cut and made valid UTF-8 when written
};

class RejectLog {
 public:
  // dir: the run's rejected/ folder. It and the file are made with the first row; a file that is there already
  // is begun anew.
  explicit RejectLog(fs::path dir);
  ~RejectLog();
  RejectLog(RejectLog&&) noexcept;
  RejectLog& operator=(RejectLog&&) = delete;

  void add(const Rejected& row);
  const std::map<std::string, uint64_t>& counts() const { return counts_; }
  uint64_t total() const { return total_; }

  // Throws Error(kInput) with the counts and the file's name when rejected / (accepted + rejected) is above
  // max_fraction, once at least kMinRows rows were seen or all were (at_end).
  void check(uint64_t accepted, double max_fraction, bool at_end = false);

  // The same for counts that were taken elsewhere; `file` is where the rows are to be found.
  static void check_share(const std::map<std::string, uint64_t>& counts, uint64_t accepted, double max_fraction,
                          bool at_end, const fs::path& file);

  // "20 of 50 documents are left out (a label that is not known: 20)"; empty where none is.
  std::string told(uint64_t accepted) const;

  // Flushes and fsyncs; call before the run is called done.
  void finish();

  static constexpr const char* kFileName = "rejected.jsonl";
  static constexpr uint64_t kMinRows = 100;
  static constexpr size_t kSampleBytes = 200;

 private:
  fs::path dir_;
  std::unique_ptr<FileWriter> writer_;
  std::map<std::string, uint64_t> counts_;
  uint64_t total_ = 0;
};

}  // namespace athanor
