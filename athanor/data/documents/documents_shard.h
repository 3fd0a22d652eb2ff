// One text shard of a `documents` artifact (docs/formats/documents.md): the Parquet file that collect and
// materialise write.
#pragma once

#include <cstdint>
#include <memory>

#include "athanor/base/file.h"
#include "athanor/data/documents/document.h"
#include "athanor/data/documents/parquet.h"

namespace athanor {

// The same documents in the same order give the same bytes. The file appears with the first document. A document
// with an empty id gets document_id(). Memory holds one row group, about 4 MB of text.
class TextShardWriter {
 public:
  explicit TextShardWriter(fs::path path, PageCodec pages = PageCodec::kZstd);
  ~TextShardWriter();
  TextShardWriter(TextShardWriter&&) noexcept;
  TextShardWriter& operator=(TextShardWriter&&) = delete;

  void add(const Document& document);
  uint64_t rows() const;
  uint64_t text_bytes() const;
  uint64_t bytes() const;  // of text and meta
  // Writes the footer and fsyncs; with no documents there is no file.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace athanor
