// describe for rows of a table: the profile (clean/tables/profile.h) and its part of the page.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "athanor/base/thread_pool.h"
#include "athanor/data/documents/documents.h"
#include "athanor/data/tables/table_schema.h"
#include "athanor/run/report.h"

namespace athanor {

// Whether the first documents (at most 100) are rows of a table: their text is their fields as lines "name: value".
bool are_table_rows(const Documents& documents);

// Null where the table would not fit into max_bytes; then `why` says so. target: a column's name (meta.NAME too), or
// empty. Error(kUsage) for columns or a target that are not there.
nlohmann::json describe_table(const Documents& documents, const TableOptions& read, const std::string& target,
                              uint64_t max_bytes, ThreadPool& pool, std::string& why);

// Sections behind the key figures: the columns, what leaks, what goes together, the target.
void add_table_sections(const nlohmann::json& profile, Report& page);

}  // namespace athanor
