// documents.json: the manifest of a `documents` artifact. docs/formats/documents.md is the spec.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/data/documents/parquet.h"

namespace athanor {

struct DocumentsManifest {
  struct Shard {
    std::string path;  // relative to the manifest's folder; may lead into an earlier run by ".."
    uint64_t rows = 0;
    std::vector<std::string> column_paths;  // Parquet files of extra columns, same rows in the same order
  };

  static constexpr int kSchema = 1;
  static constexpr const char* kFileName = "documents.json";

  std::vector<ColumnInfo> columns;  // the extra ones only
  std::vector<Shard> shards;
  std::string keep;  // file name of the bitmap; empty: every row is kept
  uint64_t num_documents = 0;
  uint64_t num_rows = 0;
  uint64_t text_bytes = 0;  // of the kept rows

  // Throws Error(kInput) that names the file and what is wrong with it.
  static DocumentsManifest load(const fs::path& dir);
  void save(const fs::path& dir) const;
};

// keep.bin: uint64 little-endian number of rows, then one bit a row, lowest bit first; the last byte's rest is 0.
std::string pack_keep(const std::vector<bool>& keep);
std::vector<bool> unpack_keep(std::string_view bytes, const std::string& where);

}  // namespace athanor
