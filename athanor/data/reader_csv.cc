// csv and tsv by RFC 4180: a header row, quotes that may hold separators and newlines, "" for a quote.
#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/data/reader_formats.h"

namespace athanor {

namespace {

// Is the text, read from inside or outside of a quoted field, inside one at its end? A quote opens a field only at
// its beginning; elsewhere in an unquoted field it is a character as any other.
class QuoteScan {
 public:
  explicit QuoteScan(char separator) : separator_(separator) {}

  void feed(std::string_view text) {
    size_t at = 0;
    while (at < text.size()) {
      if (inside_) {
        at = text.find('"', at);
        if (at == std::string_view::npos) {
          return;
        }
        ++at;
        if (at < text.size() && text[at] == '"') {
          ++at;  // a quote within
          continue;
        }
        inside_ = false;
        at_start_ = false;
      } else if (at_start_ && text[at] == '"') {
        inside_ = true;
        ++at;
      } else {
        at = text.find(separator_, at);
        if (at == std::string_view::npos) {
          return;
        }
        at_start_ = true;
        ++at;
      }
    }
  }
  bool inside() const { return inside_; }

 private:
  char separator_;
  bool inside_ = false;
  bool at_start_ = true;
};

// False when something stands between a closing quote and the separator.
bool split_record(std::string_view record, char separator, std::vector<std::string>& fields) {
  size_t used = 0;
  const auto next_field = [&]() -> std::string& {
    if (used == fields.size()) {
      fields.emplace_back();
    }
    fields[used].clear();
    return fields[used++];
  };
  size_t at = 0;
  bool good = true;
  while (true) {
    std::string& field = next_field();
    if (at < record.size() && record[at] == '"') {
      ++at;
      while (at < record.size()) {
        const size_t quote = std::min(record.find('"', at), record.size());
        field.append(record.substr(at, quote - at));
        at = quote + 1;
        if (at >= record.size() || record[at] != '"') {
          break;
        }
        field.push_back('"');
        ++at;
      }
      at = std::min(at, record.size());
      good = good && (at == record.size() || record[at] == separator);
    }
    const size_t end = std::min(record.find(separator, at), record.size());
    field.append(record.substr(at, end - at));
    if (end == record.size()) {
      break;
    }
    at = end + 1;
  }
  fields.resize(used);
  return good;
}

struct Record {
  std::string text;  // without its last line end
  uint64_t begin = 0;
  uint64_t end = 0;
  const char* problem = nullptr;  // then text is a sample only
};

// Lines put together to records. A quote that never closes costs one line: the lines after it are read again.
class RecordReader {
 public:
  RecordReader(LineReader& lines, char separator, uint64_t max_bytes)
      : lines_(lines), separator_(separator), max_bytes_(max_bytes) {}

  bool next(Record& record) {
    Piece piece;
    if (!next_piece(piece)) {
      return false;
    }
    record = {std::move(piece.text), piece.begin, piece.end, piece.too_long ? "line too long" : nullptr};
    QuoteScan scan(separator_);
    scan.feed(record.text);
    if (record.problem == nullptr && scan.inside()) {
      join(record, scan);
    }
    if (record.problem == nullptr && record.text.ends_with('\r')) {
      record.text.pop_back();
    }
    return true;
  }

 private:
  struct Piece {
    std::string text;
    uint64_t begin = 0;
    uint64_t end = 0;
    bool too_long = false;
  };

  bool next_piece(Piece& piece) {
    if (!pending_.empty()) {
      piece = std::move(pending_.front());
      pending_.pop_front();
      return true;
    }
    Line line;
    if (!lines_.next(line)) {
      return false;
    }
    piece = {std::string(line.text), line.begin, line.end, line.too_long};
    return true;
  }

  void join(Record& record, QuoteScan& scan) {
    const size_t first_bytes = record.text.size();
    const uint64_t first_end = record.end;
    std::deque<Piece> taken;
    Piece piece;
    while (scan.inside() && record.text.size() <= max_bytes_ && next_piece(piece)) {
      const bool too_long = piece.too_long;
      if (!too_long) {
        scan.feed("\n");
        scan.feed(piece.text);
        record.text += "\n" + piece.text;
        record.end = piece.end;
      }
      taken.push_back(std::move(piece));
      if (too_long) {
        break;
      }
    }
    if (!scan.inside() && record.text.size() <= max_bytes_) {
      return;
    }
    record.problem = "broken quotes";
    record.text.resize(first_bytes);
    record.end = first_end;
    pending_.insert(pending_.begin(), std::make_move_iterator(taken.begin()),
                    std::make_move_iterator(taken.end()));
  }

  LineReader& lines_;
  char separator_;
  uint64_t max_bytes_;
  std::deque<Piece> pending_;
};

size_t find_text_column(const std::vector<std::string>& header, const std::string& wanted,
                        const std::string& source) {
  for (const std::string& name : wanted.empty() ? std::vector<std::string>{"text", "content"}
                                                : std::vector<std::string>{wanted}) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found != header.end()) {
      return static_cast<size_t>(found - header.begin());
    }
  }
  std::string names;
  for (const std::string& name : header) {
    names += (names.empty() ? "" : ", ") + name;
  }
  throw Error(ErrorKind::kInput, "has no column '" + (wanted.empty() ? "text" : wanted) + "'", source,
              "give text_field=NAME; its columns are: " + names.substr(0, 500));
}

void read_separated(const ReadInput& input, const ReadOptions& options, const ReadSink& sink, char separator) {
  const RowSink rows(input, options, sink);
  LineReader lines(*input.stream, options.max_line_bytes);
  RecordReader records(lines, separator, options.max_line_bytes);
  Record record;
  std::vector<std::string> header, fields;
  size_t text_column = 0;
  while (records.next(record)) {
    rows.progress();
    if (record.problem != nullptr) {
      rows.reject(record.problem, record.begin, record.text);
      continue;
    }
    if (record.text.empty()) {
      continue;
    }
    std::string_view text = record.text;
    std::string storage;
    if (!rows.check_utf8(text, storage, record.begin)) {
      continue;
    }
    if (!split_record(text, separator, fields)) {
      rows.reject("broken quotes", record.begin, text);
      continue;
    }
    if (header.empty()) {
      header = fields;
      text_column = find_text_column(header, options.text_field, input.source);
      continue;
    }
    if (fields.size() != header.size()) {
      rows.reject("wrong number of columns", record.begin, text);
      continue;
    }
    nlohmann::ordered_json meta = nlohmann::ordered_json::object();
    for (size_t i = 0; i < fields.size(); ++i) {
      if (i != text_column) {
        meta[header[i]] = fields[i];
      }
    }
    rows.accept(std::move(fields[text_column]), record.begin, record.end, meta.dump());
  }
  rows.reject_fault();
  rows.progress();
}

}  // namespace

void read_csv(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  read_separated(input, options, sink, ',');
}

void read_tsv(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  read_separated(input, options, sink, '\t');
}

}  // namespace athanor
