// Private to the readers: each format's function, and the checks that all of them share.
#pragma once

#include "athanor/data/readers/json_scan.h"
#include "athanor/data/readers/readers.h"

namespace athanor {

void read_text(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_jsonl(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_json(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_csv(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_tsv(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_libsvm(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_parquet(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_arrow(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_warc(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_html(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_eml(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_mbox(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_image(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_idx_images(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_idx_labels(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_tar(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);
void read_zip(const ReadInput& input, const ReadOptions& options, const ReadSink& sink);

// Where rows leave a reader: nothing passes that is empty or not UTF-8.
class RowSink {
 public:
  RowSink(const ReadInput& input, const ReadOptions& options, const ReadSink& sink)
      : input_(input), options_(options), sink_(sink) {}

  // begin and end are offsets of the row in the source; text is valid already.
  void accept(std::string text, uint64_t begin, uint64_t end, std::string meta = "{}") const;
  // Raw bytes of a row that begins at `begin`: true when they are UTF-8 (made so when the option says it);
  // otherwise the row was rejected at the bad byte.
  bool check_utf8(std::string& bytes, uint64_t begin) const;
  // The same without a copy for the usual case: `storage` is used only when bytes must be replaced.
  bool check_utf8(std::string_view& bytes, std::string& storage, uint64_t begin) const;
  void reject(const char* reason, uint64_t offset, std::string_view sample) const;
  void reject_fault() const;  // when the stream ended in one
  void skip(const char* what) const;
  void note(const std::string& what) const;  // with the source before it
  void progress() const;
  // All records before `offset` were handed over (see ReadSink); with progress().
  void boundary(uint64_t offset, std::string_view state = {}) const;

 private:
  const ReadInput& input_;
  const ReadOptions& options_;
  const ReadSink& sink_;
};

// Calls fn(const Line&) for every line that begins in [input.begin, input.end), boundaries and faults seen to.
template <typename Fn>
void for_each_line(const ReadInput& input, const ReadOptions& options, const RowSink& rows, const Fn& fn) {
  LineReader lines(*input.stream, options.max_line_bytes, input.begin);
  Line line;
  do {
    while (lines.offset() < input.end && lines.next(line)) {
      rows.boundary(line.begin);
      fn(line);
    }
    if (lines.offset() >= input.end) {
      return;
    }
    rows.reject_fault();
  } while (lines.recover());
}

// One JSON object [begin, end) of the source: its text field becomes a document, the rest its meta. Keeps its
// buffers between rows.
class JsonRows {
 public:
  JsonRows(const ReadOptions& options, const RowSink& rows);
  void read(std::string_view json, uint64_t begin, uint64_t end);

 private:
  const JsonField* find_text() const;

  const ReadOptions& options_;
  const RowSink& rows_;
  std::vector<JsonField> fields_;
};

}  // namespace athanor
