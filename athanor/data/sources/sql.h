// Rows of a query: SQLite files and PostgreSQL servers, read only, one row in memory at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "athanor/base/file.h"

namespace athanor {

struct SqlRows {
  std::function<void(const std::vector<std::string>& names)> on_columns;  // once, before the rows
  // Numbers and nulls as they are, texts and blobs as strings of any bytes, PostgreSQL's json as JSON.
  std::function<void(uint64_t row, nlohmann::json&& object)> on_row;
  std::function<void(uint64_t row)> on_read;  // after on_row
  // With a key: before on_row, the key of the row before. Rows can be read on from there. May be empty.
  std::function<void(uint64_t row, const std::string& last_key)> on_place;
};

// Error(kUsage) for a query that is wrong, several statements, or one that writes; Error(kInput) for a damaged file.
void read_sqlite(const fs::path& path, const std::string& query, const SqlRows& rows);

// spec: "postgres:host=db dbname=x user=y" or "postgres://user@host/x". The password comes from PGPASSWORD or
// ~/.pgpass: one in the spec is Error(kUsage), because recipes are kept and shown. Error(kInput) when the server cannot
// be reached or breaks off; the transaction is REPEATABLE READ, READ ONLY.
//
// key: a column of the query that orders its rows and tells each from all others, so that reading can go on behind a row
// (`last_key`, its text as PostgreSQL writes it, of row first_row - 1) on another connection: the rows are those of
// SELECT * FROM (query) WHERE key > last_key ORDER BY key. A key that is null or comes twice is Error(kInput). Without
// one the rows come as the server gives them.
struct PostgresQuery {
  std::string query;
  std::string key;
  std::string last_key;
  uint64_t first_row = 0;
};
void read_postgres(const std::string& spec, const PostgresQuery& query, const SqlRows& rows);

// "postgres:host/database", which names the source in documents and pins. Error(kUsage) as above.
std::string postgres_name(const std::string& spec);

}  // namespace athanor
