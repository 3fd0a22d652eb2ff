#include "athanor/data/documents/documents.h"

#include <algorithm>

#include "athanor/base/error.h"

namespace athanor {

namespace {

const char* const kDamaged = "run the step that made it again with --force";

void check_rows(const ParquetFile& file, const fs::path& path, uint64_t rows) {
  if (file.num_rows() != rows) {
    throw Error(ErrorKind::kInput,
                "has " + std::to_string(file.num_rows()) + " rows, documents.json says " + std::to_string(rows),
                path.string(), kDamaged);
  }
}

ParquetFile open_shard(const fs::path& dir, const std::string& relative, uint64_t rows) {
  const fs::path path = dir / relative;
  std::error_code code;
  if (!fs::exists(path, code)) {
    throw Error(ErrorKind::kInput, "the shard is missing (named by " + (dir / "documents.json").string() + ")",
                path.lexically_normal().string(),
                "a run that this one builds on was moved or deleted; run it again, or keep copies with "
                "materialize: true");
  }
  ParquetFile file(path);
  check_rows(file, path, rows);
  return file;
}

template <typename T>
std::vector<T> kept_only(std::vector<T>&& values, const std::vector<bool>& keep) {
  size_t used = 0;
  for (size_t row = 0; row < values.size(); ++row) {
    if (keep[row]) {
      if (used != row) {
        values[used] = std::move(values[row]);
      }
      ++used;
    }
  }
  values.resize(used);
  return std::move(values);
}

}  // namespace

Documents Documents::open(const fs::path& dir) {
  Documents documents;
  documents.dir_ = dir;
  documents.manifest_ = DocumentsManifest::load(dir);
  const DocumentsManifest& manifest = documents.manifest_;
  uint64_t row = 0;
  for (const DocumentsManifest::Shard& shard : manifest.shards) {
    documents.first_rows_.push_back(row);
    row += shard.rows;
    open_shard(dir, shard.path, shard.rows);
    for (const std::string& path : shard.column_paths) {
      open_shard(dir, path, shard.rows);
    }
  }
  if (manifest.keep.empty()) {
    documents.keep_.assign(static_cast<size_t>(manifest.num_rows), true);
    return documents;
  }
  const fs::path keep_path = dir / manifest.keep;
  documents.keep_ = unpack_keep(read_file(keep_path), keep_path.string());
  const auto kept =
      static_cast<uint64_t>(std::count(documents.keep_.begin(), documents.keep_.end(), true));
  if (documents.keep_.size() != manifest.num_rows || kept != manifest.num_documents) {
    throw Error(ErrorKind::kInput,
                "keeps " + std::to_string(kept) + " of " + std::to_string(documents.keep_.size()) +
                    " rows, documents.json says " + std::to_string(manifest.num_documents) + " of " +
                    std::to_string(manifest.num_rows),
                keep_path.string(), kDamaged);
  }
  return documents;
}

void Documents::for_each(const std::function<void(uint64_t row, Document&& document)>& fn) const {
  for (size_t shard = 0; shard < num_shards(); ++shard) {
    for_each_in(shard, fn);
  }
}

void Documents::for_each_in(size_t shard, const std::function<void(uint64_t row, Document&& document)>& fn) const {
  const std::vector<ColumnInfo> wanted = {
      {"id", ColumnType::kString},        {"text", ColumnType::kString},   {"source", ColumnType::kString},
      {"span_begin", ColumnType::kInt64}, {"span_end", ColumnType::kInt64}, {"meta", ColumnType::kString}};
  const uint64_t shard_first = first_row(shard);
  const ParquetFile file = open_shard(dir_, manifest_.shards[shard].path, manifest_.shards[shard].rows);
  file.for_each_batch(wanted, [&](uint64_t first, std::vector<ColumnValues>&& batch) {
    auto& ids = std::get<std::vector<std::string>>(batch[0]);
    auto& texts = std::get<std::vector<std::string>>(batch[1]);
    auto& sources = std::get<std::vector<std::string>>(batch[2]);
    const auto& begins = std::get<std::vector<int64_t>>(batch[3]);
    const auto& ends = std::get<std::vector<int64_t>>(batch[4]);
    auto& metas = std::get<std::vector<std::string>>(batch[5]);
    for (size_t i = 0; i < ids.size(); ++i) {
      const uint64_t row = shard_first + first + i;
      if (!keep_[static_cast<size_t>(row)]) {
        continue;
      }
      fn(row, Document{std::move(ids[i]), std::move(texts[i]), std::move(sources[i]),
                       static_cast<uint64_t>(begins[i]), static_cast<uint64_t>(ends[i]), std::move(metas[i])});
    }
  });
}

std::vector<std::string> Documents::column_names() const {
  std::vector<std::string> names;
  for (const ColumnInfo& column : manifest_.columns) {
    names.push_back(column.name);
  }
  return names;
}

bool Documents::has_column(std::string_view name) const {
  return std::any_of(manifest_.columns.begin(), manifest_.columns.end(),
                     [&](const ColumnInfo& column) { return column.name == name; });
}

const ColumnInfo& Documents::find_column(std::string_view name) const {
  std::string known;
  for (const ColumnInfo& column : manifest_.columns) {
    if (column.name == name) {
      return column;
    }
    known += (known.empty() ? "" : ", ") + column.name;
  }
  throw Error(ErrorKind::kInput, "has no column '" + std::string(name) + "'", dir_.string(),
              known.empty() ? "it has no extra columns: run the step that writes this one first"
                            : "it has: " + known);
}

void Documents::append_shard(size_t index, const ColumnInfo& column, bool extra, ColumnValues& all) const {
  const DocumentsManifest::Shard& shard = manifest_.shards[index];
  const auto append_from = [&](const ParquetFile& file) {
    file.for_each_batch({column}, [&](uint64_t, std::vector<ColumnValues>&& batch) {
      append_values(all, std::move(batch[0]));
    });
  };
  if (!extra) {
    append_from(open_shard(dir_, shard.path, shard.rows));
    return;
  }
  for (auto path = shard.column_paths.rbegin(); path != shard.column_paths.rend(); ++path) {
    const ParquetFile file = open_shard(dir_, *path, shard.rows);
    if (file.has_column(column.name)) {  // the newest file that has it wins
      append_from(file);
      return;
    }
  }
  throw Error(ErrorKind::kInput, "no column file of shard '" + shard.path + "' has '" + column.name + "'",
              (dir_ / DocumentsManifest::kFileName).string(), kDamaged);
}

ColumnValues Documents::read_rows(const ColumnInfo& column, bool extra) const {
  ColumnValues all = empty_values(column.type);
  for (size_t shard = 0; shard < num_shards(); ++shard) {
    append_shard(shard, column, extra, all);
  }
  return all;
}

ColumnValues Documents::shard_column(size_t shard, std::string_view name) const {
  const ColumnInfo& column = find_column(name);
  ColumnValues values = empty_values(column.type);
  append_shard(shard, column, true, values);
  return values;
}

ColumnValues Documents::column(std::string_view name) const {
  return std::visit(
      [&](auto&& values) -> ColumnValues { return kept_only(std::move(values), keep_); },
      read_rows(find_column(name), true));
}

namespace {

[[noreturn]] void wrong_type(const ColumnInfo& column, const char* wanted, const fs::path& dir) {
  throw Error(ErrorKind::kInput,
              "column '" + column.name + "' is " + name_of(column.type) + ", not " + wanted, dir.string());
}

}  // namespace

std::vector<double> Documents::float_column(std::string_view name) const {
  ColumnValues values = column(name);
  if (auto* doubles = std::get_if<std::vector<double>>(&values)) {
    return std::move(*doubles);
  }
  if (const auto* ints = std::get_if<std::vector<int64_t>>(&values)) {
    return std::vector<double>(ints->begin(), ints->end());
  }
  wrong_type(find_column(name), "a number", dir_);
}

std::vector<int64_t> Documents::int_column(std::string_view name) const {
  if (find_column(name).type != ColumnType::kInt64) {
    wrong_type(find_column(name), "int64", dir_);
  }
  return std::get<std::vector<int64_t>>(column(name));
}

std::vector<std::string> Documents::string_column(std::string_view name) const {
  if (find_column(name).type != ColumnType::kString) {
    wrong_type(find_column(name), "string", dir_);
  }
  return std::get<std::vector<std::string>>(column(name));
}

std::vector<std::string> Documents::ids() const {
  return kept_only(std::get<std::vector<std::string>>(read_rows({"id", ColumnType::kString}, false)), keep_);
}

std::vector<int64_t> Documents::row_bytes() const {
  return std::get<std::vector<int64_t>>(read_rows({"num_bytes", ColumnType::kInt64}, false));
}

}  // namespace athanor
