#include <sqlite3.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/data/sources/sql.h"

namespace athanor {

namespace {

constexpr int kBusyMilliseconds = 5000;
constexpr int kMaxValueBytes = 256 << 20;

nlohmann::json cell(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement, column);
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_NULL:
      return nullptr;
    default: {
      const void* bytes = sqlite3_column_blob(statement, column);  // of a text its UTF-8
      const auto size = static_cast<size_t>(sqlite3_column_bytes(statement, column));
      return bytes == nullptr ? std::string() : std::string(static_cast<const char*>(bytes), size);
    }
  }
}

}  // namespace

void read_sqlite(const fs::path& path, const std::string& query, const SqlRows& rows) {
  sqlite3* raw = nullptr;
  const int opened = sqlite3_open_v2(path.c_str(), &raw, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, nullptr);
  const std::unique_ptr<sqlite3, int (*)(sqlite3*)> database(raw, &sqlite3_close_v2);
  const auto fail = [&](ErrorKind kind, const std::string& what) {
    throw Error(kind, what + ": " + sqlite3_errmsg(raw), path.string(),
                kind == ErrorKind::kUsage ? "check query=" : "check that it is a whole SQLite database");
  };
  if (opened != SQLITE_OK) {
    fail(ErrorKind::kInput, "cannot open the database");
  }
  sqlite3_busy_timeout(raw, kBusyMilliseconds);
  sqlite3_limit(raw, SQLITE_LIMIT_LENGTH, kMaxValueBytes);
  sqlite3_stmt* prepared = nullptr;
  const char* tail = nullptr;
  const int code = sqlite3_prepare_v2(raw, query.c_str(), static_cast<int>(query.size()) + 1, &prepared, &tail);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(prepared, &sqlite3_finalize);
  if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT) {
    fail(ErrorKind::kInput, "is not a whole database");
  }
  if (code != SQLITE_OK) {
    fail(ErrorKind::kUsage, "the query is wrong");
  }
  const bool more = std::string(tail == nullptr ? "" : tail).find_first_not_of(" \t\r\n;") != std::string::npos;
  if (prepared == nullptr || more || sqlite3_stmt_readonly(prepared) == 0 || sqlite3_column_count(prepared) == 0) {
    throw Error(ErrorKind::kUsage, "the query must be one SELECT", path.string(), "check query=");
  }
  std::vector<std::string> names;
  for (int i = 0; i < sqlite3_column_count(prepared); ++i) {
    const char* name = sqlite3_column_name(prepared, i);
    names.emplace_back(name == nullptr ? "" : name);
  }
  rows.on_columns(names);
  for (uint64_t row = 0;; ++row) {
    const int step = sqlite3_step(prepared);
    if (step == SQLITE_DONE) {
      return;
    }
    if (step != SQLITE_ROW) {
      fail(ErrorKind::kInput, "cannot read row " + std::to_string(row));
    }
    nlohmann::json object = nlohmann::json::object();
    for (size_t i = 0; i < names.size(); ++i) {
      object[names[i]] = cell(prepared, static_cast<int>(i));
    }
    rows.on_row(row, std::move(object));
    rows.on_read(row);
  }
}

}  // namespace athanor
