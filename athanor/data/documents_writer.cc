#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>

#include "athanor/base/error.h"
#include "athanor/data/documents.h"

namespace athanor {

namespace {

// A row group is what a reader holds at once, so it is cut by bytes; the row limit bounds its bookkeeping.
constexpr uint64_t kRowGroupBytes = uint64_t{4} << 20;
constexpr size_t kRowGroupRows = 16384;

std::string numbered(const char* stem, size_t number) {
  char name[64];
  std::snprintf(name, sizeof name, "%s-%05zu.parquet", stem, number);
  return name;
}

std::vector<ColumnInfo> text_columns() {
  return {{"id", ColumnType::kString},        {"text", ColumnType::kString},
          {"source", ColumnType::kString},    {"span_begin", ColumnType::kInt64},
          {"span_end", ColumnType::kInt64},   {"meta", ColumnType::kString},
          {"num_bytes", ColumnType::kInt64}};
}

int64_t to_int64(uint64_t value) {
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    throw Error(ErrorKind::kInternal, "a byte offset does not fit 63 bits");
  }
  return static_cast<int64_t>(value);
}

}  // namespace

struct DocumentWriter::Impl {
  fs::path dir;
  uint64_t shard_bytes = 0;
  DocumentsManifest manifest;
  std::optional<ParquetWriter> shard;
  uint64_t shard_used = 0;

  std::vector<std::string> ids, texts, sources, metas;
  std::vector<int64_t> begins, ends, sizes;
  uint64_t group_bytes = 0;

  void flush_group() {
    if (ids.empty()) {
      return;
    }
    if (!shard) {
      manifest.shards.push_back({numbered("part", manifest.shards.size()), 0, {}});
      shard.emplace(dir / manifest.shards.back().path, text_columns());
    }
    manifest.shards.back().rows += ids.size();
    shard->write_row_group({std::move(ids), std::move(texts), std::move(sources), std::move(begins),
                            std::move(ends), std::move(metas), std::move(sizes)});
    ids.clear(), texts.clear(), sources.clear(), metas.clear();
    begins.clear(), ends.clear(), sizes.clear();
    shard_used += group_bytes;
    group_bytes = 0;
  }

  void end_shard() {
    flush_group();
    if (shard) {
      shard->finish();
      shard.reset();
    }
    shard_used = 0;
  }
};

DocumentWriter::DocumentWriter(const fs::path& dir, uint64_t shard_bytes) : impl_(std::make_unique<Impl>()) {
  make_dirs(dir);
  impl_->dir = dir;
  impl_->shard_bytes = std::max<uint64_t>(shard_bytes, 1);
}

DocumentWriter::~DocumentWriter() = default;

void DocumentWriter::add(const Document& document) {
  Impl& it = *impl_;
  it.ids.push_back(document.id.empty() ? document_id(document.source, document.span_begin, document.text)
                                       : document.id);
  it.texts.push_back(document.text);
  it.sources.push_back(document.source);
  it.begins.push_back(to_int64(document.span_begin));
  it.ends.push_back(to_int64(document.span_end));
  it.metas.push_back(document.meta);
  it.sizes.push_back(to_int64(document.text.size()));
  it.group_bytes += document.text.size() + document.meta.size();
  it.manifest.text_bytes += document.text.size();
  ++it.manifest.num_documents;
  if (it.shard_used + it.group_bytes >= it.shard_bytes) {
    it.end_shard();
  } else if (it.group_bytes >= kRowGroupBytes || it.ids.size() >= kRowGroupRows) {
    it.flush_group();
  }
}

uint64_t DocumentWriter::num_documents() const { return impl_->manifest.num_documents; }
uint64_t DocumentWriter::text_bytes() const { return impl_->manifest.text_bytes; }

void DocumentWriter::finish() {
  impl_->end_shard();
  impl_->manifest.num_rows = impl_->manifest.num_documents;
  impl_->manifest.save(impl_->dir);
}

namespace {

// Rows [begin, end) of a column of all rows.
ColumnValues slice(const ColumnValues& values, size_t begin, size_t end) {
  return std::visit(
      [&](const auto& all) -> ColumnValues {
        using Values = std::decay_t<decltype(all)>;
        return Values(all.begin() + static_cast<std::ptrdiff_t>(begin),
                      all.begin() + static_cast<std::ptrdiff_t>(end));
      },
      values);
}

// One column file a shard, and their names in the manifest.
void write_column_files(const fs::path& dir, std::span<const Column> columns, DocumentsManifest& manifest) {
  if (columns.empty()) {
    return;
  }
  std::vector<ColumnInfo> infos;
  for (const Column& column : columns) {
    infos.push_back({column.name, type_of(column.values)});
  }
  size_t first = 0;
  for (size_t i = 0; i < manifest.shards.size(); ++i) {
    const std::string name = numbered("columns", i);
    ParquetWriter writer(dir / name, infos);
    const size_t end = first + static_cast<size_t>(manifest.shards[i].rows);
    for (size_t begin = first; begin < end; begin += kRowGroupRows) {
      std::vector<ColumnValues> group;
      for (const Column& column : columns) {
        group.push_back(slice(column.values, begin, std::min(begin + kRowGroupRows, end)));
      }
      writer.write_row_group(group);
    }
    writer.finish();
    manifest.shards[i].column_paths.push_back(name);
    first = end;
  }
  for (const ColumnInfo& info : infos) {
    std::erase_if(manifest.columns, [&](const ColumnInfo& old) { return old.name == info.name; });
    manifest.columns.push_back(info);
  }
}

void check_new_columns(const Documents& base, std::span<const Column> columns) {
  const std::vector<ColumnInfo> fixed = text_columns();
  for (size_t i = 0; i < columns.size(); ++i) {
    const std::string& name = columns[i].name;
    const bool taken =
        std::any_of(fixed.begin(), fixed.end(), [&](const ColumnInfo& info) { return info.name == name; }) ||
        std::any_of(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(i),
                    [&](const Column& other) { return other.name == name; });
    if (name.empty() || name.find('.') != std::string::npos || taken) {
      throw Error(ErrorKind::kInternal, "'" + name + "' cannot be the name of a new column", base.dir().string());
    }
    if (size_of(columns[i].values) != base.num_rows()) {
      throw Error(ErrorKind::kInternal,
                  "column '" + name + "' has " + std::to_string(size_of(columns[i].values)) + " values for " +
                      std::to_string(base.num_rows()) + " rows",
                  base.dir().string());
    }
  }
}

fs::path absolute_dir(const fs::path& dir) {
  std::error_code code;
  const fs::path path = fs::canonical(dir, code);
  if (code) {
    throw Error(ErrorKind::kInput, "cannot resolve the folder: " + code.message(), dir.string());
  }
  return path;
}

}  // namespace

void write_filtered(const fs::path& dir, const Documents& base, const std::vector<bool>& keep,
                    std::span<const Column> columns) {
  if (!keep.empty() && keep.size() != base.num_rows()) {
    throw Error(ErrorKind::kInternal, "keep has " + std::to_string(keep.size()) + " bits for " +
                                          std::to_string(base.num_rows()) + " rows", base.dir().string());
  }
  check_new_columns(base, columns);
  make_dirs(dir);
  const fs::path here = absolute_dir(dir);
  const fs::path there = absolute_dir(base.dir());
  const auto moved = [&](const std::string& path) {
    return (there / path).lexically_normal().lexically_relative(here).generic_string();
  };
  DocumentsManifest manifest = base.manifest();
  for (DocumentsManifest::Shard& shard : manifest.shards) {
    shard.path = moved(shard.path);
    for (std::string& path : shard.column_paths) {
      path = moved(path);
    }
  }
  write_column_files(dir, columns, manifest);

  std::vector<bool> kept = base.keep();
  for (size_t row = 0; row < keep.size(); ++row) {
    kept[row] = kept[row] && keep[row];
  }
  manifest.num_documents = static_cast<uint64_t>(std::count(kept.begin(), kept.end(), true));
  manifest.text_bytes = 0;
  const std::vector<int64_t> bytes = base.row_bytes();
  for (size_t row = 0; row < kept.size(); ++row) {
    manifest.text_bytes += kept[row] ? static_cast<uint64_t>(bytes[row]) : 0;
  }
  manifest.keep = "keep.bin";
  write_file_atomic(dir / manifest.keep, pack_keep(kept));
  manifest.save(dir);
}

void materialise(const fs::path& dir, const Documents& base, uint64_t shard_bytes) {
  DocumentWriter writer(dir, shard_bytes);
  base.for_each([&](uint64_t, Document&& document) { writer.add(document); });
  writer.finish();
  DocumentsManifest manifest = DocumentsManifest::load(dir);
  std::vector<Column> columns;
  for (const std::string& name : base.column_names()) {
    columns.push_back({name, base.column(name)});
  }
  write_column_files(dir, columns, manifest);
  manifest.save(dir);
}

}  // namespace athanor
