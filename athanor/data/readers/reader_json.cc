// jsonl, ndjson and json. Fields beside the text go to meta as the bytes that they are.
#include "athanor/data/readers/reader_formats.h"

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

// Where the JSON value that begins at `at` ends (past its last byte), strings and nesting minded; npos when the
// text ends first. Ends before a ',' or ']' of the enclosing array.
size_t end_of_value(std::string_view text, size_t at) {
  size_t depth = 0;
  bool in_string = false;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') {
        ++at;
      } else if (c == '"') {
        in_string = false;
      }
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      ++depth;
    } else if (c == '}' || c == ']') {
      if (depth == 0) {
        return at;
      }
      --depth;
    } else if (c == ',' && depth == 0) {
      return at;
    }
  }
  return std::string_view::npos;
}

size_t skip_space(std::string_view text, size_t at) {
  while (at < text.size() && is_space(text[at])) {
    ++at;
  }
  return at;
}

void read_array(std::string_view text, uint64_t base, JsonRows& json, const RowSink& rows, bool cut_short) {
  size_t at = skip_space(text, text.find('[') + 1);
  if (at < text.size() && text[at] == ']') {
    return;
  }
  while (true) {
    const size_t end = end_of_value(text, at);
    if (end == std::string_view::npos) {
      if (!cut_short) {  // else the stream's fault says it
        rows.reject("broken JSON", base + at, text.substr(at));
      }
      return;
    }
    json.read(text.substr(at, end - at), base + at, base + end);
    if (text[end] != ',') {
      if (text[end] != ']' || !is_blank(text.substr(end + 1))) {
        rows.reject("broken JSON", base + end, text.substr(end));
      }
      return;
    }
    at = skip_space(text, end + 1);
  }
}

}  // namespace

void read_json(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  const std::optional<std::string> all = read_all(*input.stream, options.max_file_bytes);
  if (!all) {
    rows.reject("file too large", options.max_file_bytes, "");
    return;
  }
  const uint64_t base = all->starts_with("\xef\xbb\xbf") ? 3 : 0;
  const std::string_view text = std::string_view(*all).substr(base);
  const bool cut_short = input.stream->fault().has_value();
  const size_t first = skip_space(text, 0);
  JsonRows json(options, rows);
  if (first == text.size()) {
    if (!cut_short) {
      rows.reject("empty", 0, "");
    }
  } else if (text[first] == '[') {
    read_array(text, base, json, rows, cut_short);
  } else if (!cut_short) {
    json.read(text.substr(first), base + first, base + text.size());
  }
  rows.reject_fault();
  rows.progress();
}

}  // namespace athanor
