#include "athanor/data/documents/documents_columns.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/data/documents/documents_files.h"
#include "athanor/run/journal.h"

namespace athanor {

namespace {

// Rows [begin, end) of a column.
ColumnValues slice(const ColumnValues& values, size_t begin, size_t end) {
  return std::visit(
      [&](const auto& all) -> ColumnValues {
        using Values = std::decay_t<decltype(all)>;
        return Values(all.begin() + static_cast<std::ptrdiff_t>(begin),
                      all.begin() + static_cast<std::ptrdiff_t>(end));
      },
      values);
}

bool has_name(std::span<const ColumnInfo> columns, const std::string& name) {
  return std::any_of(columns.begin(), columns.end(), [&](const ColumnInfo& info) { return info.name == name; });
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

void write_column_file(const fs::path& path, const std::vector<ColumnInfo>& columns,
                       const std::vector<ColumnValues>& values) {
  ParquetWriter writer(path, columns);
  const size_t rows = values.empty() ? 0 : size_of(values[0]);
  for (size_t begin = 0; begin < rows; begin += kRowGroupRows) {
    std::vector<ColumnValues> group;
    for (const ColumnValues& column : values) {
      group.push_back(slice(column, begin, std::min(begin + kRowGroupRows, rows)));
    }
    writer.write_row_group(group);
  }
  writer.finish();
}

ColumnWriter::ColumnWriter(const fs::path& dir, const Documents& base, std::vector<ColumnInfo> columns)
    : dir_(dir), base_(base), columns_(std::move(columns)) {
  const std::vector<ColumnInfo> fixed = text_columns();
  for (size_t i = 0; i < columns_.size(); ++i) {
    const std::string& name = columns_[i].name;
    if (name.empty() || name.find('.') != std::string::npos || has_name(fixed, name) ||
        has_name(std::span(columns_).first(i), name)) {
      throw Error(ErrorKind::kInternal, "'" + name + "' cannot be the name of a new column", base.dir().string());
    }
  }
  make_dirs(dir);
}

void ColumnWriter::write_shard(size_t shard, const std::vector<ColumnValues>& values) const {
  const uint64_t rows = base_.manifest().shards.at(shard).rows;
  for (size_t i = 0; i < columns_.size(); ++i) {
    if (size_of(values.at(i)) != rows) {
      throw Error(ErrorKind::kInternal,
                  "column '" + columns_[i].name + "' has " + std::to_string(size_of(values[i])) + " values for " +
                      std::to_string(rows) + " rows",
                  base_.dir().string());
    }
  }
  if (!columns_.empty()) {
    write_column_file(dir_ / shard_file_name("columns", shard), columns_, values);
  }
}

void ColumnWriter::take_shard(size_t shard, const fs::path& file) const {
  link_file(file, dir_ / shard_file_name("columns", shard));
}

void ColumnWriter::finish(const std::vector<bool>& keep) const {
  if (!keep.empty() && keep.size() != base_.num_rows()) {
    throw Error(ErrorKind::kInternal, "keep has " + std::to_string(keep.size()) + " bits for " +
                                          std::to_string(base_.num_rows()) + " rows", base_.dir().string());
  }
  const fs::path here = absolute_dir(dir_);
  const fs::path there = absolute_dir(base_.dir());
  const auto moved = [&](const std::string& path) {
    return (there / path).lexically_normal().lexically_relative(here).generic_string();
  };
  DocumentsManifest manifest = base_.manifest();
  for (size_t i = 0; i < manifest.shards.size(); ++i) {
    DocumentsManifest::Shard& shard = manifest.shards[i];
    shard.path = moved(shard.path);
    for (std::string& path : shard.column_paths) {
      path = moved(path);
    }
    if (!columns_.empty()) {
      shard.column_paths.push_back(shard_file_name("columns", i));
    }
  }
  for (const ColumnInfo& info : columns_) {
    std::erase_if(manifest.columns, [&](const ColumnInfo& old) { return old.name == info.name; });
    manifest.columns.push_back(info);
  }
  std::vector<bool> kept = base_.keep();
  for (size_t row = 0; row < keep.size(); ++row) {
    kept[row] = kept[row] && keep[row];
  }
  manifest.num_documents = static_cast<uint64_t>(std::count(kept.begin(), kept.end(), true));
  manifest.text_bytes = 0;
  const std::vector<int64_t> bytes = base_.row_bytes();
  for (size_t row = 0; row < kept.size(); ++row) {
    manifest.text_bytes += kept[row] ? static_cast<uint64_t>(bytes[row]) : 0;
  }
  manifest.keep = "keep.bin";
  write_file_atomic(dir_ / manifest.keep, pack_keep(kept));
  manifest.save(dir_);
}

void write_filtered(const fs::path& dir, const Documents& base, const std::vector<bool>& keep,
                    std::span<const Column> columns) {
  std::vector<ColumnInfo> infos;
  for (const Column& column : columns) {
    infos.push_back({column.name, type_of(column.values)});
    if (size_of(column.values) != base.num_rows()) {
      throw Error(ErrorKind::kInternal,
                  "column '" + column.name + "' has " + std::to_string(size_of(column.values)) + " values for " +
                      std::to_string(base.num_rows()) + " rows",
                  base.dir().string());
    }
  }
  const ColumnWriter writer(dir, base, infos);
  size_t first = 0;
  for (size_t shard = 0; shard < base.manifest().shards.size(); ++shard) {
    const size_t end = first + static_cast<size_t>(base.manifest().shards[shard].rows);
    std::vector<ColumnValues> values;
    for (const Column& column : columns) {
      values.push_back(slice(column.values, first, end));
    }
    writer.write_shard(shard, values);
    first = end;
  }
  writer.finish(keep);
}

void assemble_documents(const fs::path& dir, std::span<const fs::path> parts) {
  make_dirs(dir);
  DocumentsManifest whole;
  bool first = true;
  for (const fs::path& folder : parts) {
    DocumentsManifest part = DocumentsManifest::load(folder);
    if (part.num_rows == 0) {
      continue;
    }
    if (!first && part.columns != whole.columns) {
      throw Error(ErrorKind::kInternal, "has other columns than the parts before it", folder.string());
    }
    whole.columns = part.columns;
    first = false;
    for (DocumentsManifest::Shard& shard : part.shards) {
      const size_t number = whole.shards.size();
      const std::string text = shard_file_name("part", number);
      link_file(folder / shard.path, dir / text);
      shard.path = text;
      for (size_t i = 0; i < shard.column_paths.size(); ++i) {
        const std::string name = shard_file_name(i == 0 ? "columns" : ("columns" + std::to_string(i)).c_str(), number);
        link_file(folder / shard.column_paths[i], dir / name);
        shard.column_paths[i] = name;
      }
      whole.shards.push_back(std::move(shard));
    }
    whole.num_documents += part.num_documents;
    whole.num_rows += part.num_rows;
    whole.text_bytes += part.text_bytes;
  }
  whole.save(dir);
}

void materialise(const fs::path& dir, const Documents& base, uint64_t shard_bytes) {
  {
    DocumentWriter writer(dir, shard_bytes);
    base.for_each([&](uint64_t, Document&& document) { writer.add(document); });
    writer.finish();
  }
  DocumentsManifest manifest = DocumentsManifest::load(dir);
  std::vector<ColumnInfo> infos;
  std::vector<ColumnValues> all;
  for (const std::string& name : base.column_names()) {
    all.push_back(base.column(name));
    infos.push_back({name, type_of(all.back())});
  }
  size_t first = 0;
  for (size_t i = 0; i < manifest.shards.size() && !infos.empty(); ++i) {
    const size_t end = first + static_cast<size_t>(manifest.shards[i].rows);
    std::vector<ColumnValues> values;
    for (const ColumnValues& column : all) {
      values.push_back(slice(column, first, end));
    }
    write_column_file(dir / shard_file_name("columns", i), infos, values);
    manifest.shards[i].column_paths.push_back(shard_file_name("columns", i));
    first = end;
  }
  manifest.columns = infos;
  manifest.save(dir);
}

}  // namespace athanor
