// The `documents` artifact: documents.json over Parquet shards (docs/formats/documents.md). A filter writes only
// new columns and a keep bitmap and points at the shards of an earlier run; a transform rewrites text.
//
//   DocumentWriter writer(out);
//   writer.add(document);
//   writer.finish();
//   Documents::open(out).for_each([](uint64_t row, Document&& document) { ... });
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/data/documents/document.h"
#include "athanor/data/documents/documents_manifest.h"
#include "athanor/data/documents/parquet.h"

namespace athanor {

// Text in one shard: small enough that what a kill loses, a shard a thread, is a matter of seconds.
inline constexpr uint64_t kShardBytes = uint64_t{32} << 20;

// Writes shards of about shard_bytes of text each. The same documents in the same order give the same bytes.
// A document with an empty id gets document_id(). The text must be valid UTF-8 and meta a JSON object (the
// readers see to it).
class DocumentWriter {
 public:
  explicit DocumentWriter(const fs::path& dir, uint64_t shard_bytes = kShardBytes);
  ~DocumentWriter();
  DocumentWriter(const DocumentWriter&) = delete;
  DocumentWriter& operator=(const DocumentWriter&) = delete;

  void add(const Document& document);
  uint64_t num_documents() const;
  uint64_t text_bytes() const;
  // Writes documents.json and fsyncs all. Without it the folder is not an artifact.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Documents {
 public:
  // Reads the manifest, the keep bitmap and every shard's footer: a missing or damaged file, or a wrong row
  // count, is an Error(kInput) here, before any work.
  static Documents open(const fs::path& dir);

  uint64_t num_documents() const { return manifest_.num_documents; }  // kept rows
  uint64_t num_rows() const { return manifest_.num_rows; }            // all rows
  uint64_t text_bytes() const { return manifest_.text_bytes; }        // of the kept rows
  const fs::path& dir() const { return dir_; }
  const DocumentsManifest& manifest() const { return manifest_; }

  // Kept rows in order. `row` counts all rows. Memory holds one batch of rows.
  void for_each(const std::function<void(uint64_t row, Document&& document)>& fn) const;

  // The same for one shard. `row` still counts all rows of the artifact.
  size_t num_shards() const { return manifest_.shards.size(); }
  uint64_t first_row(size_t shard) const { return first_rows_[shard]; }
  void for_each_in(size_t shard, const std::function<void(uint64_t row, Document&& document)>& fn) const;
  // Values of an extra column for every row of one shard, the dropped ones too.
  ColumnValues shard_column(size_t shard, std::string_view name) const;

  // Extra columns, kept rows only, in order. An unknown name is an Error that lists the names there are;
  // another type is an Error too, but float_column takes int64 as well.
  std::vector<std::string> column_names() const;
  bool has_column(std::string_view name) const;
  std::vector<double> float_column(std::string_view name) const;
  std::vector<int64_t> int_column(std::string_view name) const;
  std::vector<std::string> string_column(std::string_view name) const;
  ColumnValues column(std::string_view name) const;

  // keep()[row] for all rows.
  const std::vector<bool>& keep() const { return keep_; }
  // Ids of the kept rows, and UTF-8 bytes of every row (all rows), without reading text.
  std::vector<std::string> ids() const;
  std::vector<int64_t> row_bytes() const;

 private:
  const ColumnInfo& find_column(std::string_view name) const;
  // Values of one column of the text shards (extra == false) or of the column files, all rows; of one shard.
  ColumnValues read_rows(const ColumnInfo& column, bool extra) const;
  void append_shard(size_t shard, const ColumnInfo& column, bool extra, ColumnValues& all) const;

  fs::path dir_;
  DocumentsManifest manifest_;
  std::vector<uint64_t> first_rows_;  // of each shard
  std::vector<bool> keep_;
};

struct Column {
  std::string name;
  ColumnValues values;  // one value a ROW of base (all rows, the dropped ones too)
};

// Writes into dir: base's rows with `columns` added and the rows with keep[row] == false dropped (combined with
// base's own keep). No text is copied: base's shards must stay where they are. A column named like one of base
// takes its place. An empty `keep` drops nothing.
void write_filtered(const fs::path& dir, const Documents& base, const std::vector<bool>& keep,
                    std::span<const Column> columns);

// Copies the kept rows, with their extra columns, into fresh shards in dir that need no earlier run.
void materialise(const fs::path& dir, const Documents& base, uint64_t shard_bytes = kShardBytes);

}  // namespace athanor
