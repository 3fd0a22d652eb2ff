// Private to the readers: tables whose rows come as JSON objects. Offsets are row numbers.
#pragma once

#include <exception>
#include <set>
#include <string>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/data/readers/reader_formats.h"

namespace athanor {

// A row becomes a document by the options' text field or field map; where the table has no such column, every row is
// rejected as "no text field", with the columns' names as the sample.
class ReaderRows {
 public:
  ReaderRows(const std::vector<std::string>& columns, const ReadOptions& options, const RowSink& rows);
  void read(uint64_t row, nlohmann::json&& object);  // strings may be any bytes

 private:
  void note_infinite(const nlohmann::json& object);

  const ReadOptions& options_;
  const RowSink& rows_;
  std::string field_;
  std::string names_;
  bool missing_ = false;
  std::set<std::string> infinite_;  // columns that were told of
};

// Carries an exception of the caller's functions through a library's reader, which must not take it for its own.
struct CallerFailed {
  std::exception_ptr exception;
};

// Runs read(fn), where fn(row, object) is to be called for every row; Errors of reading become a rejected row with
// that reason, exceptions of the caller pass.
template <typename Read>
void read_table(const char* damaged, const RowSink& rows, const Read& read) {
  uint64_t rows_read = 0;
  try {
    read(rows_read);
  } catch (const CallerFailed& failed) {
    std::rethrow_exception(failed.exception);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kInput) {
      throw;
    }
    rows.reject(damaged, rows_read, error.message());
  }
}

// Calls fn, and wraps what it throws.
template <typename Fn>
void guarded(const Fn& fn) {
  try {
    fn();
  } catch (...) {
    throw CallerFailed{std::current_exception()};
  }
}

}  // namespace athanor
