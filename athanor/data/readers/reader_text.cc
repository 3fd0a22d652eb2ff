// txt and md: one document a file, a line, or a paragraph.
#include "athanor/base/unicode.h"
#include "athanor/data/readers/reader_formats.h"

namespace athanor {

namespace {

void read_whole(const ReadInput& input, const ReadOptions& options, const RowSink& rows) {
  std::optional<std::string> text = read_all(*input.stream, options.max_file_bytes);
  if (!text) {
    rows.reject("file too large", options.max_file_bytes, "");
    return;
  }
  if (input.stream->fault()) {  // half a text is not the text
    rows.reject_fault();
    return;
  }
  uint64_t begin = 0;
  const uint64_t end = text->size();
  if (text->starts_with("\xef\xbb\xbf")) {
    text->erase(0, 3);
    begin = 3;
  }
  if (rows.check_utf8(*text, begin)) {
    rows.accept(std::move(*text), begin, end);
  }
}

void read_lines(const ReadInput& input, const ReadOptions& options, const RowSink& rows) {
  for_each_line(input, options, rows, [&](const Line& line) {
    std::string text(line.text);
    if (!text.empty() && text.back() == '\r') {
      text.pop_back();  // part of the line's end
    }
    if (line.too_long) {
      rows.reject("line too long", line.begin, text);
    } else if (!text.empty() && rows.check_utf8(text, line.begin)) {  // an empty line is no row at all
      rows.accept(std::move(text), line.begin, line.end);
    }
  });
}

// Lines are gathered until a blank one; the newline before the blank line is not part of the text.
class ParagraphReader {
 public:
  ParagraphReader(const ReadOptions& options, const RowSink& rows) : options_(options), rows_(rows) {}

  // Whether the next line begins a paragraph, or is blank.
  bool between() const { return text_.empty() && !dropping_; }

  void add(const Line& line) {
    if (line.too_long) {
      reject_too_long(line.begin, line.text);
      return;
    }
    if (line.text.find_first_not_of(" \t\r") == std::string_view::npos) {
      end();
      return;
    }
    if (dropping_) {
      return;
    }
    if (text_.size() + line.text.size() > options_.max_line_bytes) {
      reject_too_long(text_.empty() ? line.begin : begin_, text_.empty() ? line.text : text_);
      return;
    }
    if (text_.empty()) {
      begin_ = line.begin;
    }
    text_.append(line.text);
    text_.push_back('\n');
    end_ = line.end;
  }

  void end() {
    dropping_ = false;
    if (text_.empty()) {
      return;
    }
    text_.pop_back();
    if (text_.ends_with('\r')) {
      text_.pop_back();
    }
    std::string text = std::move(text_);
    text_.clear();
    if (rows_.check_utf8(text, begin_)) {
      rows_.accept(std::move(text), begin_, end_);
    }
  }

 private:
  void reject_too_long(uint64_t begin, std::string_view sample) {
    rows_.reject("line too long", begin, sample);
    text_.clear();
    dropping_ = true;  // the rest of this paragraph
  }

  const ReadOptions& options_;
  const RowSink& rows_;
  std::string text_;
  uint64_t begin_ = 0;
  uint64_t end_ = 0;
  bool dropping_ = false;
};

void read_paragraphs(const ReadInput& input, const ReadOptions& options, const RowSink& rows) {
  LineReader lines(*input.stream, options.max_line_bytes, input.begin);
  Line line;
  do {
    ParagraphReader paragraphs(options, rows);
    while (lines.next(line)) {
      if (paragraphs.between()) {
        rows.boundary(line.begin);
      }
      paragraphs.add(line);
    }
    if (!input.stream->fault()) {
      paragraphs.end();
    }
    rows.reject_fault();
  } while (lines.recover());
}

}  // namespace

void read_text(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  switch (options.split) {
    case ReadOptions::Split::kFile:
      read_whole(input, options, rows);
      break;
    case ReadOptions::Split::kLines:
      read_lines(input, options, rows);
      break;
    case ReadOptions::Split::kParagraphs:
      read_paragraphs(input, options, rows);
      break;
  }
  rows.progress();
}

}  // namespace athanor
