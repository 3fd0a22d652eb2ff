// Columns beside texts, written shard by shard: memory holds one shard's values, and finished files can be taken over
// from a journal of parts. And whole artifacts put together from parts.
//
//   ColumnWriter writer(out, base, {{"score", ColumnType::kFloat64}});
//   for (size_t shard = 0; shard < base.num_shards(); ++shard) { writer.write_shard(shard, {scores}); }
//   writer.finish(keep);
#pragma once

#include <span>
#include <vector>

#include "athanor/data/documents/documents.h"

namespace athanor {

// One Parquet file of columns. values: one vector a column, of one length.
void write_column_file(const fs::path& path, const std::vector<ColumnInfo>& columns,
                       const std::vector<ColumnValues>& values);

// New columns over the shards of base; no text is copied, so base's shards must stay where they are. A column named
// like an extra column of base takes its place; a name of a text shard's own column, an empty one, one with a dot or one
// given twice is an Error(kInternal).
class ColumnWriter {
 public:
  ColumnWriter(const fs::path& dir, const Documents& base, std::vector<ColumnInfo> columns);

  // Values of every row of the shard, the dropped ones too. Different shards may be written by different threads.
  void write_shard(size_t shard, const std::vector<ColumnValues>& values) const;
  // The same from a file that write_column_file made: it gets a second name.
  void take_shard(size_t shard, const fs::path& file) const;
  // keep: a bit a row, combined with base's own; empty drops nothing. Writes the manifest.
  void finish(const std::vector<bool>& keep) const;

 private:
  fs::path dir_;
  const Documents& base_;
  std::vector<ColumnInfo> columns_;
};

// One artifact from folders that each hold one (documents.json and its own files; no keep bitmap, equal extra columns),
// in their order. Files get second names: the folders may go afterwards. Empty ones are passed over.
void assemble_documents(const fs::path& dir, std::span<const fs::path> parts);

}  // namespace athanor
