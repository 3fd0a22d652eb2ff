#include "athanor/stage/describe_table.h"

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/clean/tables/profile.h"
#include "athanor/clean/tables/table_cleaner.h"
#include "athanor/data/tables/read_table.h"

namespace athanor {

namespace {

constexpr size_t kRowsLookedAt = 100;
constexpr double kMemoryFactor = 3;  // of a table in memory, of the bytes of its documents

}  // namespace

bool are_table_rows(const Documents& documents) {
  if (documents.num_shards() == 0) {
    return false;
  }
  size_t seen = 0, rows = 0;
  const ParquetFile file(documents.dir() / documents.manifest().shards[0].path);
  bool first = true;
  file.for_each_batch({{"text", ColumnType::kString}, {"meta", ColumnType::kString}}, [&](uint64_t, std::vector<ColumnValues>&& batch) {
    const auto& texts = std::get<std::vector<std::string>>(batch[0]);
    const auto& metas = std::get<std::vector<std::string>>(batch[1]);
    for (size_t i = 0; first && i < std::min(texts.size(), kRowsLookedAt); ++i) {
      ++seen;
      rows += is_row_text(texts[i], metas[i]) ? 1 : 0;
    }
    first = false;
  });
  return seen > 0 && rows == seen;
}

nlohmann::json describe_table(const Documents& documents, const TableOptions& read, const std::string& target,
                              uint64_t max_bytes, ThreadPool& pool, std::string& why) {
  if (kMemoryFactor * static_cast<double>(documents.text_bytes()) > static_cast<double>(max_bytes)) {
    why = "the rows hold " + human_bytes(static_cast<double>(documents.text_bytes())) + " of text, and a table of them would need more than " +
          human_bytes(static_cast<double>(max_bytes)) + ": raise describe.memory_mb, or describe a part (split)";
    return nullptr;
  }
  check_interrupt();
  TableSchema schema;
  TableNotes notes;
  const Table table = read_table(documents, read, schema, notes);
  if (table.columns.empty()) {
    why = "the documents have no fields";
    return nullptr;
  }
  ProfileOptions options;
  options.target = target.starts_with("meta.") && table.find(target) == nullptr ? target.substr(5) : target;
  nlohmann::json profile = profile_table(table, notes, options, pool);
  profile["notes"] = notes.warnings();
  profile["schema"] = schema.to_json();
  return profile;
}

}  // namespace athanor
