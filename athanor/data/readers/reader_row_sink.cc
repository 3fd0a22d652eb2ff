#include <cstring>

#include "athanor/base/unicode.h"
#include "athanor/data/readers/reader_formats.h"

namespace athanor {

namespace {

constexpr size_t kMaxDocumentBytes = size_t{1} << 30;  // what a row of a shard can hold

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

}  // namespace

void RowSink::accept(std::string text, uint64_t begin, uint64_t end, std::string meta) const {
  if (is_blank(text)) {
    reject("empty", begin, text);
    return;
  }
  if (text.size() + meta.size() > kMaxDocumentBytes) {
    reject("document too large", begin, text);
    return;
  }
  Document document;
  document.id = document_id(input_.source, begin, text);
  document.text = std::move(text);
  document.source = input_.source;
  document.span_begin = begin;
  document.span_end = end;
  document.meta = std::move(meta);
  sink_.on_document(std::move(document));
}

bool RowSink::check_utf8(std::string_view& bytes, std::string& storage, uint64_t begin) const {
  if (is_valid_utf8(bytes)) {
    return true;
  }
  const size_t bad = find_invalid_utf8(bytes);
  if (!options_.replace_invalid_utf8) {
    reject("invalid UTF-8", begin + bad, bytes);
    return false;
  }
  storage = repair_utf8(bytes);
  bytes = storage;
  return true;
}

bool RowSink::check_utf8(std::string& bytes, uint64_t begin) const {
  std::string_view view = bytes;
  std::string storage;
  if (!check_utf8(view, storage, begin)) {
    return false;
  }
  if (view.data() != bytes.data()) {
    bytes = std::move(storage);
  }
  return true;
}

void RowSink::reject(const char* reason, uint64_t offset, std::string_view sample) const {
  sink_.on_rejected({reason, input_.source, offset, std::string(sample.substr(0, 2 * RejectLog::kSampleBytes))});
}

void RowSink::reject_fault() const {
  if (input_.stream->fault()) {
    reject(input_.stream->fault()->reason.c_str(), input_.stream->fault()->offset, "");
  }
}

void RowSink::skip(const char* what) const {
  if (sink_.on_skipped) {
    sink_.on_skipped(what);
  }
}

void RowSink::note(const std::string& what) const {
  if (sink_.on_note) {
    sink_.on_note(input_.source + ": " + what);
  }
}

void RowSink::boundary(uint64_t offset, std::string_view state) const {
  progress();
  if (sink_.on_boundary) {
    sink_.on_boundary(offset, state);
  }
}

void RowSink::progress() const {
  if (sink_.on_progress && input_.stream != nullptr) {
    sink_.on_progress(input_.stream->file_position());
  }
}

}  // namespace athanor
