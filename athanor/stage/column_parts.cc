#include "athanor/stage/column_parts.h"

#include <algorithm>

#include "athanor/base/format.h"
#include "athanor/data/documents/documents_columns.h"
#include "athanor/stage/document_parts.h"

namespace athanor {

namespace {

constexpr const char* kFile = "columns.parquet";

// Values of kept rows -> values of all rows of a shard.
ColumnValues spread(ColumnValues&& kept_values, const std::vector<bool>& keep, uint64_t first, uint64_t rows) {
  return std::visit(
      [&](auto&& values) -> ColumnValues {
        std::decay_t<decltype(values)> all(static_cast<size_t>(rows));
        size_t next = 0;
        for (uint64_t row = 0; row < rows; ++row) {
          if (keep[first + row]) {
            all[row] = std::move(values[next++]);
          }
        }
        return all;
      },
      std::move(kept_values));
}

}  // namespace

ColumnParts::ColumnParts(StageContext& context, const Documents& documents, std::vector<ColumnInfo> columns,
                         uint64_t part_bytes)
    : context_(context),
      documents_(documents),
      columns_(std::move(columns)),
      part_bytes_(part_bytes),
      journal_(context.run.state() / "parts", context.shard) {
  if (context.shard.whole()) {
    context.run.events().truncate(0);
  }
}

bool ColumnParts::fill(const Judge& judge) {
  for_each_part(
      documents_, journal_, context_,
      [&](const DocumentPart& part) {
        keys_.push_back(part.key);
        if (part.documents != nullptr) {
          journal_.write(part.key, [&](const fs::path& folder) {
            write_column_file(folder / kFile, columns_, judge(*part.documents));
          });
        }
        context_.progress.update(part.share_done, human_bytes(static_cast<double>(part.bytes_done)));
      },
      part_bytes_);
  return context_.shard.whole();
}

void ColumnParts::for_each_shard(const Shard& fn) const {
  size_t next = 0;
  for (size_t shard = 0; shard < documents_.num_shards(); ++shard) {
    const uint64_t first = documents_.first_row(shard);
    const auto begin = documents_.keep().begin() + static_cast<std::ptrdiff_t>(first);
    const auto rows = static_cast<std::ptrdiff_t>(documents_.manifest().shards[shard].rows);
    const auto wanted = static_cast<size_t>(std::count(begin, begin + rows, true));
    std::vector<ColumnValues> values;
    for (const ColumnInfo& column : columns_) {
      values.push_back(empty_values(column.type));
    }
    while (size_of(values[0]) < wanted) {  // a part never crosses the end of a shard
      const ParquetFile file(journal_.path(keys_.at(next++)) / kFile);
      file.for_each_batch(columns_, [&](uint64_t, std::vector<ColumnValues>&& batch) {
        for (size_t i = 0; i < values.size(); ++i) {
          append_values(values[i], std::move(batch[i]));
        }
      });
    }
    fn(shard, values);
  }
}

void ColumnParts::write(const Shard& extend, const std::vector<ColumnInfo>& more) const {
  std::vector<ColumnInfo> infos = columns_;
  infos.insert(infos.end(), more.begin(), more.end());
  const ColumnWriter writer(context_.run.out_tmp(), documents_, infos);
  for_each_shard([&](size_t shard, std::vector<ColumnValues>& values) {
    extend(shard, values);
    const uint64_t rows = documents_.manifest().shards[shard].rows;
    for (ColumnValues& column : values) {
      column = spread(std::move(column), documents_.keep(), documents_.first_row(shard), rows);
    }
    writer.write_shard(shard, values);
  });
  writer.finish({});
}

}  // namespace athanor
