#include "athanor/data/documents/documents_shard.h"

#include <limits>
#include <optional>

#include "athanor/base/error.h"
#include "athanor/data/documents/documents_files.h"

namespace athanor {

namespace {

// A row group is what a reader holds at once, so it is cut by bytes; the row limit bounds its bookkeeping.
constexpr uint64_t kRowGroupBytes = uint64_t{4} << 20;
constexpr uint64_t kMaxDocumentBytes = uint64_t{1} << 30;  // with the rows before it below 2 GiB

int64_t to_int64(uint64_t value) {
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    throw Error(ErrorKind::kInternal, "a byte offset does not fit 63 bits");
  }
  return static_cast<int64_t>(value);
}

}  // namespace

struct TextShardWriter::Impl {
  fs::path path;
  PageCodec pages;
  std::optional<ParquetWriter> file;
  uint64_t rows = 0;
  uint64_t text_bytes = 0;
  uint64_t bytes = 0;

  PackedStrings ids, texts, sources, metas;
  std::vector<int64_t> begins, ends, sizes;
  uint64_t group_bytes = 0;

  void flush_group() {
    if (sizes.empty()) {
      return;
    }
    if (!file) {
      file.emplace(path, text_columns(), pages);
    }
    file->write_row_group(std::vector<ParquetWriter::ColumnRef>{&ids, &texts, &sources, &begins, &ends, &metas, &sizes});
    ids.clear(), texts.clear(), sources.clear(), metas.clear();
    begins.clear(), ends.clear(), sizes.clear();
    group_bytes = 0;
  }
};

TextShardWriter::TextShardWriter(fs::path path, PageCodec pages) : impl_(std::make_unique<Impl>()) {
  impl_->path = std::move(path);
  impl_->pages = pages;
}
TextShardWriter::~TextShardWriter() = default;
TextShardWriter::TextShardWriter(TextShardWriter&&) noexcept = default;

void TextShardWriter::add(const Document& document) {
  Impl& it = *impl_;
  const uint64_t text_bytes = document.text.size();
  const uint64_t bytes = text_bytes + document.meta.size();
  if (bytes > kMaxDocumentBytes) {
    throw Error(ErrorKind::kInput, "a document of " + std::to_string(bytes) + " bytes", document.source,
                "1 GiB is the most that one document may have");
  }
  it.begins.push_back(to_int64(document.span_begin));
  it.ends.push_back(to_int64(document.span_end));
  it.sizes.push_back(to_int64(text_bytes));
  it.ids.add(document.id.empty() ? document_id(document.source, document.span_begin, document.text) : document.id);
  it.texts.add(document.text);
  it.sources.add(document.source);
  it.metas.add(document.meta);
  it.text_bytes += text_bytes;
  it.bytes += bytes;
  it.group_bytes += bytes;
  ++it.rows;
  if (it.group_bytes >= kRowGroupBytes || it.sizes.size() >= kRowGroupRows) {
    it.flush_group();
  }
}

uint64_t TextShardWriter::rows() const { return impl_->rows; }
uint64_t TextShardWriter::text_bytes() const { return impl_->text_bytes; }
uint64_t TextShardWriter::bytes() const { return impl_->bytes; }

void TextShardWriter::finish() {
  impl_->flush_group();
  if (impl_->file) {
    impl_->file->finish();
    impl_->file.reset();
  }
}

}  // namespace athanor
