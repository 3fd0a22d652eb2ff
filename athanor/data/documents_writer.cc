#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>

#include "athanor/base/error.h"
#include "athanor/data/documents.h"
#include "athanor/data/documents_files.h"

namespace athanor {

std::string shard_file_name(const char* stem, size_t number) {
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

namespace {

// A row group is what a reader holds at once, so it is cut by bytes; the row limit bounds its bookkeeping.
constexpr uint64_t kRowGroupBytes = uint64_t{4} << 20;

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
      manifest.shards.push_back({shard_file_name("part", manifest.shards.size()), 0, {}});
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

}  // namespace athanor
