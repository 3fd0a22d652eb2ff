// jsonl, ndjson and json. Fields beside the text go to meta as the bytes that they are.
#include "athanor/data/readers/reader_formats.h"
#include "athanor/data/stream/read_buffer.h"

namespace athanor {

namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

bool is_blank(std::string_view text) {
  for (const char c : text) {
    if (!is_space(c)) {
      return false;
    }
  }
  return true;
}

}  // namespace

JsonRows::JsonRows(const ReadOptions& options, const RowSink& rows) : options_(options), rows_(rows) {}

const JsonField* JsonRows::find_text() const {
  const JsonField* content = nullptr;
  std::string unescaped;
  for (const JsonField& field : fields_) {
    std::string_view key = field.key;
    if (key.find('\\') != std::string_view::npos) {
      unescaped.clear();
      unescape_json(key, unescaped);
      key = unescaped;
    }
    if (key == (options_.text_field.empty() ? "text" : options_.text_field)) {
      return &field;
    }
    if (options_.text_field.empty() && key == "content" && content == nullptr) {
      content = &field;
    }
  }
  return content;
}

void JsonRows::read(std::string_view json, uint64_t begin, uint64_t end) {
  std::string storage;
  if (!rows_.check_utf8(json, storage, begin)) {
    return;
  }
  if (!scan_json_object(json, fields_)) {
    rows_.reject(is_json(json) ? "not a JSON object" : "broken JSON", begin, json);
    return;
  }
  if (!options_.fields.empty()) {
    MappedRecord record = apply_map(options_.fields, fields_);
    if (record.problem != nullptr) {
      rows_.reject(record.problem, begin, json);
    } else {
      rows_.accept(std::move(record.text), begin, end, std::move(record.meta));
    }
    return;
  }
  const JsonField* text_field = find_text();
  if (text_field == nullptr) {
    rows_.reject("no text field", begin, json);
    return;
  }
  if (text_field->value[0] != '"') {
    rows_.reject("text is not a string", begin, json);
    return;
  }
  std::string text;
  unescape_json(text_field->value.substr(1, text_field->value.size() - 2), text);
  std::string meta;
  meta.reserve(json.size() - text_field->value.size() + 2);
  meta = "{";
  for (const JsonField& field : fields_) {
    if (&field != text_field) {
      meta += meta.size() > 1 ? ",\"" : "\"";
      meta.append(field.key).append("\":").append(field.value);
    }
  }
  meta += '}';
  rows_.accept(std::move(text), begin, end, std::move(meta));
}

void read_jsonl(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  JsonRows json(options, rows);
  for_each_line(input, options, rows, [&](const Line& line) {
    if (line.too_long) {
      rows.reject("line too long", line.begin, line.text);
    } else if (!is_blank(line.text)) {
      json.read(line.text, line.begin, line.end);
    }
  });
}

namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;

// Where a JSON value ends, strings and nesting minded, in bytes that grow: each byte is looked at once.
class ValueEnd {
 public:
  // The ',' or bracket of the enclosing array behind the value that `bytes` begin with; npos when it is not there yet:
  // then to be called again with more bytes behind these.
  size_t find(std::string_view bytes) {
    for (; at_ < bytes.size(); ++at_) {
      const char c = bytes[at_];
      if (in_string_) {
        if (escaped_) {
          escaped_ = false;
        } else if (c == '\\') {
          escaped_ = true;
        } else if (c == '"') {
          in_string_ = false;
        }
      } else if (c == '"') {
        in_string_ = true;
      } else if (c == '{' || c == '[') {
        ++depth_;
      } else if (c == '}' || c == ']') {
        if (depth_-- == 0) {
          return at_;
        }
      } else if (c == ',' && depth_ == 0) {
        return at_;
      }
    }
    return std::string_view::npos;
  }
  // The bytes looked at are dropped from the front of what find() is given.
  void forget() { at_ = 0; }

 private:
  size_t at_ = 0, depth_ = 0;
  bool in_string_ = false, escaped_ = false;
};

// Drops white space; false when nothing else comes.
bool skip_space(ReadBuffer& buffer) {
  while (true) {
    const std::string_view ready = buffer.unread();
    size_t n = 0;
    while (n < ready.size() && is_space(ready[n])) {
      ++n;
    }
    buffer.drop(n);
    if (n < ready.size()) {
      return true;
    }
    if (!buffer.fill()) {
      return false;
    }
  }
}

// The elements of an array, one in memory at a time, from the first byte of one on.
class ArrayElements {
 public:
  ArrayElements(const ReadInput& input, const ReadOptions& options, const RowSink& rows, ReadBuffer& buffer)
      : stream_(*input.stream), options_(options), rows_(rows), buffer_(buffer), json_(options, rows) {}

  void read() {
    while (skip_space(buffer_)) {
      rows_.boundary(buffer_.offset());
      const uint64_t begin = buffer_.offset();
      size_t size = 0;
      if (!find_end(size)) {
        return;
      }
      if (buffer_.offset() == begin) {  // else it was too large
        json_.read(buffer_.unread().substr(0, size), begin, begin + size);
      }
      buffer_.drop(size);
      if (buffer_.unread()[0] != ',') {
        end_array();
        return;
      }
      buffer_.drop(1);
    }
    if (!stream_.fault()) {
      rows_.reject("broken JSON", buffer_.offset(), "");
    }
  }

  // At the closing bracket: nothing may follow.
  void end_array() {
    const uint64_t place = buffer_.offset();
    const bool closed = buffer_.unread()[0] == ']';
    buffer_.drop(closed ? 1 : 0);
    if (skip_space(buffer_) || !closed) {
      rows_.reject("broken JSON", place, buffer_.unread());
    }
  }

 private:
  // How many bytes of the element are unread. Of one that is too large the beginning is dropped. False at the end.
  bool find_end(size_t& size) {
    ValueEnd end;
    const uint64_t begin = buffer_.offset();
    bool too_large = false;
    while ((size = end.find(buffer_.unread())) == std::string_view::npos) {
      if (!too_large && buffer_.unread().size() > options_.max_line_bytes) {
        rows_.reject("document too large", begin, buffer_.unread());
        too_large = true;
      }
      if (too_large) {
        buffer_.drop(buffer_.unread().size());
        end.forget();
      }
      if (!buffer_.fill()) {
        if (!stream_.fault()) {  // else the fault says it
          rows_.reject("broken JSON", begin, buffer_.unread());
        }
        return false;
      }
    }
    return true;
  }

  ByteStream& stream_;
  const ReadOptions& options_;
  const RowSink& rows_;
  ReadBuffer& buffer_;
  JsonRows json_;
};

// One object, the whole file.
void read_object(const ReadInput& input, const ReadOptions& options, const RowSink& rows, ReadBuffer& buffer) {
  do {
    if (buffer.unread().size() > options.max_file_bytes) {
      rows.reject("file too large", options.max_file_bytes, "");
      return;
    }
  } while (buffer.fill());
  if (!input.stream->fault()) {
    const std::string_view text = buffer.unread();
    JsonRows(options, rows).read(text, buffer.offset(), buffer.offset() + text.size());
  }
}

void skip_byte_order_mark(ReadBuffer& buffer) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  while (buffer.unread().size() < kMark.size() && buffer.fill()) {
  }
  buffer.drop(buffer.unread().starts_with(kMark) ? kMark.size() : 0);
}

}  // namespace

void read_json(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  ReadBuffer buffer(*input.stream, kBlockBytes, input.begin);
  ArrayElements elements(input, options, rows, buffer);
  if (input.begin > 0) {  // only elements have boundaries
    elements.read();
  } else {
    skip_byte_order_mark(buffer);
    if (!skip_space(buffer)) {
      if (!input.stream->fault()) {
        rows.reject("empty", 0, "");
      }
    } else if (buffer.unread()[0] != '[') {
      read_object(input, options, rows, buffer);
    } else {
      buffer.drop(1);
      if (skip_space(buffer) && buffer.unread()[0] == ']') {
        elements.end_array();
      } else {
        elements.read();
      }
    }
  }
  rows.reject_fault();
  rows.progress();
}

}  // namespace athanor
