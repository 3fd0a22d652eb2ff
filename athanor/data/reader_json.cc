// jsonl, ndjson and json. simdjson parses; what it refuses is tried with nlohmann-json, which takes numbers beyond
// 64 bits.
#include <simdjson.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "athanor/data/reader_formats.h"

namespace athanor {

namespace {

constexpr size_t kMaxDepth = 256;

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

struct JsonRows::Impl {
  const ReadOptions& options;
  const RowSink& rows;
  simdjson::dom::parser parser;
  std::string padded;

  bool is_text_field(std::string_view key, bool have_text) const {
    if (!options.text_field.empty()) {
      return key == options.text_field;
    }
    return key == "text" || (!have_text && key == "content");
  }

  // nullopt when the row cannot be parsed by either library.
  static std::optional<nlohmann::json> parse_big_numbers(std::string_view json) {
    bool deep = false;
    const auto watch = [&](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
      deep = deep || depth > static_cast<int>(kMaxDepth);
      return !deep;
    };
    nlohmann::json row = nlohmann::json::parse(json, watch, /*allow_exceptions=*/false);
    if (deep || row.is_discarded()) {
      return std::nullopt;
    }
    return row;
  }

  void emit(bool found, bool is_string, std::string text, std::string meta, std::string_view json,
            uint64_t begin, uint64_t end) const {
    if (!found) {
      rows.reject("no text field", begin, json);
    } else if (!is_string) {
      rows.reject("text is not a string", begin, json);
    } else {
      rows.accept(std::move(text), begin, end, std::move(meta));
    }
  }

  void read_slowly(std::string_view json, uint64_t begin, uint64_t end) const {
    std::optional<nlohmann::json> row = parse_big_numbers(json);
    if (!row) {
      rows.reject("broken JSON", begin, json);
      return;
    }
    if (!row->is_object()) {
      rows.reject("not a JSON object", begin, json);
      return;
    }
    const std::string key = !options.text_field.empty() ? options.text_field
                            : row->contains("text")     ? "text"
                                                        : "content";
    const bool found = row->contains(key);
    const bool is_string = found && (*row)[key].is_string();
    std::string text = is_string ? (*row)[key].get<std::string>() : "";
    row->erase(key);
    emit(found, is_string, std::move(text), row->dump(), json, begin, end);
  }

  void read_object(simdjson::dom::object object, std::string_view json, uint64_t begin, uint64_t end) const {
    bool has_text = false;
    for (const auto [key, value] : object) {
      has_text = has_text || key == "text";
    }
    bool found = false, is_string = false;
    std::string text;
    std::string meta = "{";
    for (const auto [key, value] : object) {
      if (!found && is_text_field(key, has_text)) {
        found = true;
        std::string_view view;
        is_string = value.get_string().get(view) == simdjson::SUCCESS;
        text = view;
        continue;
      }
      meta += meta.size() > 1 ? "," : "";
      meta += nlohmann::json(key).dump() + ":" + simdjson::to_string(value);
    }
    emit(found, is_string, std::move(text), std::move(meta) + "}", json, begin, end);
  }
};

JsonRows::JsonRows(const ReadOptions& options, const RowSink& rows)
    : impl_(new Impl{options, rows, simdjson::dom::parser(), {}}) {}
JsonRows::~JsonRows() = default;

void JsonRows::read(std::string_view json, uint64_t begin, uint64_t end) {
  std::string storage;
  if (!impl_->rows.check_utf8(json, storage, begin)) {
    return;
  }
  // simdjson reads a few bytes past the end.
  impl_->padded.assign(json);
  impl_->padded.resize(json.size() + simdjson::SIMDJSON_PADDING, ' ');
  if (json.size() + 1 > impl_->parser.capacity() || impl_->parser.max_depth() != kMaxDepth) {
    if (impl_->parser.allocate(std::max<size_t>(json.size() * 2, 1 << 16), kMaxDepth) != simdjson::SUCCESS) {
      impl_->rows.reject("line too long", begin, json);
      return;
    }
  }
  simdjson::dom::element row;
  const auto code = impl_->parser.parse(impl_->padded.data(), json.size(), false).get(row);
  if (code != simdjson::SUCCESS) {
    impl_->read_slowly(json, begin, end);
    return;
  }
  simdjson::dom::object object;
  if (row.get_object().get(object) != simdjson::SUCCESS) {
    impl_->rows.reject("not a JSON object", begin, json);
    return;
  }
  impl_->read_object(object, json, begin, end);
}

void read_jsonl(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  JsonRows json(options, rows);
  LineReader lines(*input.stream, options.max_line_bytes);
  Line line;
  while (lines.next(line)) {
    rows.progress();
    if (line.too_long) {
      rows.reject("line too long", line.begin, line.text);
    } else if (!is_blank(line.text)) {
      json.read(line.text, line.begin, line.end);
    }
  }
  rows.reject_fault();
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
