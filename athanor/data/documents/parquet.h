// Parquet through Arrow, with Arrow kept out of every other file. Columns in memory are flat vectors of one of
// three types. Every arrow::Status and every exception of Parquet becomes an athanor::Error that names the file.
//
//   ParquetWriter writer("a.parquet", {{"id", ColumnType::kString}, {"score", ColumnType::kFloat64}});
//   writer.write_row_group({std::vector<std::string>{"x"}, std::vector<double>{0.5}});
//   writer.finish();
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "athanor/base/file.h"

namespace athanor {

enum class ColumnType { kString, kInt64, kFloat64 };

// "string", "int64", "float64": how manifests spell them.
const char* name_of(ColumnType type);
// Throws Error(kInput) that names `where` for any other spelling.
ColumnType column_type(std::string_view name, const std::string& where);

using ColumnValues =
    std::variant<std::vector<double>, std::vector<int64_t>, std::vector<std::string>>;

ColumnType type_of(const ColumnValues& values);
size_t size_of(const ColumnValues& values);
ColumnValues empty_values(ColumnType type);
// Both of one type.
void append_values(ColumnValues& all, ColumnValues&& more);

struct ColumnInfo {
  std::string name;
  ColumnType type = ColumnType::kString;
  bool operator==(const ColumnInfo&) const = default;
};

// Strings one behind another: no allocation a row. At most 2 GiB in all.
struct PackedStrings {
  std::string bytes;
  std::vector<int32_t> offsets = {0};

  void add(std::string_view text) {
    bytes.append(text);
    offsets.push_back(static_cast<int32_t>(bytes.size()));
  }
  size_t size() const { return offsets.size() - 1; }
  void clear() {
    bytes.clear();
    offsets.resize(1);
  }
};

// How pages are compressed. Every reader of Parquet knows all three (kLz4 is LZ4_RAW).
enum class PageCodec { kZstd, kLz4, kSnappy };
// "zstd", "lz4", "snappy". Throws Error(kInput) that names `where` for any other spelling.
PageCodec page_codec(std::string_view name, const std::string& where);

// Writes compressed pages with checksums. The same row groups give the same bytes (one Arrow version).
class ParquetWriter {
 public:
  ParquetWriter(const fs::path& path, std::vector<ColumnInfo> columns, PageCodec pages = PageCodec::kZstd);
  ~ParquetWriter();
  ParquetWriter(ParquetWriter&&) noexcept;
  ParquetWriter& operator=(ParquetWriter&&) = delete;

  // One vector a column, in the order of the constructor, all of one length and type as declared.
  void write_row_group(const std::vector<ColumnValues>& columns);
  // The same for columns of strings and of int64; they are read in place.
  using ColumnRef = std::variant<const PackedStrings*, const std::vector<int64_t>*>;
  void write_row_group(const std::vector<ColumnRef>& columns);
  // Writes the footer and fsyncs the file. Without it the file is not a Parquet file.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// A file that is read in batches of rows, so that memory stays bounded by a row group's page buffers.
class ParquetFile {
 public:
  explicit ParquetFile(const fs::path& path);
  ~ParquetFile();
  ParquetFile(ParquetFile&&) noexcept;
  ParquetFile& operator=(ParquetFile&&) = delete;

  uint64_t num_rows() const;
  const std::vector<std::string>& column_names() const;  // top-level columns
  bool has_column(std::string_view name) const;

  // Calls fn(first row of the batch, one vector a wanted column). A column of another type, a null, or a
  // wrong count is an Error: this is for files that we wrote.
  using BatchFn = std::function<void(uint64_t first_row, std::vector<ColumnValues>&& columns)>;
  void for_each_batch(const std::vector<ColumnInfo>& wanted, const BatchFn& fn) const;

  // Rows [begin, end) as JSON objects {column: value}; strings are raw bytes, maybe not UTF-8. For files of others.
  // Only the row groups that hold them are read.
  using RowFn = std::function<void(uint64_t row, nlohmann::json&& object)>;
  void for_each_row(const RowFn& fn, uint64_t begin = 0, uint64_t end = UINT64_MAX) const;

  struct RowGroup {
    uint64_t rows = 0;
    uint64_t bytes = 0;  // decompressed
  };
  std::vector<RowGroup> row_groups() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace athanor
