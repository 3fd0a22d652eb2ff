#include <algorithm>
#include <cstdio>
#include <optional>

#include "athanor/data/documents/documents.h"
#include "athanor/data/documents/documents_files.h"
#include "athanor/data/documents/documents_shard.h"

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

struct DocumentWriter::Impl {
  fs::path dir;
  uint64_t shard_bytes = 0;
  DocumentsManifest manifest;
  std::optional<TextShardWriter> shard;

  void end_shard() {
    if (shard) {
      shard->finish();
      manifest.shards.back().rows = shard->rows();
      shard.reset();
    }
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
  if (!it.shard) {
    it.manifest.shards.push_back({shard_file_name("part", it.manifest.shards.size()), 0, {}});
    it.shard.emplace(it.dir / it.manifest.shards.back().path);
  }
  it.manifest.text_bytes += document.text.size();
  ++it.manifest.num_documents;
  it.shard->add(document);
  if (it.shard->bytes() >= it.shard_bytes) {
    it.end_shard();
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
