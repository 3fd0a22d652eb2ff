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
};

// Error(kUsage) for a query that is wrong, several statements, or one that writes; Error(kInput) for a damaged file.
void read_sqlite(const fs::path& path, const std::string& query, const SqlRows& rows);

// spec: "postgres:host=db dbname=x user=y" or "postgres://user@host/x". The password comes from PGPASSWORD or
// ~/.pgpass: one in the spec is Error(kUsage), because recipes are kept and shown. Error(kInput) when the server cannot
// be reached or breaks off; the transaction is REPEATABLE READ, READ ONLY.
void read_postgres(const std::string& spec, const std::string& query, const SqlRows& rows);

// "postgres:host/database", which names the source in documents and pins. Error(kUsage) as above.
std::string postgres_name(const std::string& spec);

}  // namespace athanor
