#include "athanor/data/documents/documents_find.h"

#include "athanor/base/error.h"

namespace athanor {

namespace {

nlohmann::json value_at(const ColumnValues& values, size_t index) {
  return std::visit([&](const auto& all) { return nlohmann::json(all.at(index)); }, values);
}

}  // namespace

std::optional<FoundDocument> find_document(const Documents& documents, std::string_view id_prefix) {
  for (size_t shard = 0; shard < documents.num_shards(); ++shard) {
    const auto& info = documents.manifest().shards[shard];
    const ParquetFile file(documents.dir() / info.path);
    std::optional<uint64_t> index;
    file.for_each_batch({{"id", ColumnType::kString}}, [&](uint64_t first, std::vector<ColumnValues>&& batch) {
      const auto& ids = std::get<std::vector<std::string>>(batch[0]);
      for (size_t i = 0; i < ids.size() && !index; ++i) {
        if (ids[i].starts_with(id_prefix)) {
          index = first + i;
        }
      }
    });
    if (!index) {
      continue;
    }
    FoundDocument found;
    found.row = documents.first_row(shard) + *index;
    found.kept = documents.keep()[static_cast<size_t>(found.row)];
    const std::vector<ColumnInfo> wanted = {
        {"id", ColumnType::kString},        {"text", ColumnType::kString},   {"source", ColumnType::kString},
        {"span_begin", ColumnType::kInt64}, {"span_end", ColumnType::kInt64}, {"meta", ColumnType::kString}};
    file.for_each_batch(wanted, [&](uint64_t first, std::vector<ColumnValues>&& batch) {
      const size_t rows = size_of(batch[0]);
      if (*index < first || *index >= first + rows) {
        return;
      }
      const size_t at = static_cast<size_t>(*index - first);
      const auto text = [&](size_t column) { return std::get<std::vector<std::string>>(batch[column])[at]; };
      const auto number = [&](size_t column) {
        return static_cast<uint64_t>(std::get<std::vector<int64_t>>(batch[column])[at]);
      };
      found.document = {text(0), text(1), text(2), number(3), number(4), text(5)};
    });
    for (const ColumnInfo& column : documents.manifest().columns) {
      found.columns[column.name] = value_at(documents.shard_column(shard, column.name), static_cast<size_t>(*index));
    }
    return found;
  }
  return std::nullopt;
}

}  // namespace athanor
