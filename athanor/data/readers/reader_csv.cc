// csv and tsv by RFC 4180: a header row, quotes that may hold separators and newlines, "" for a quote; UTF-8, or UTF-16 with
// its byte order mark.
#include <algorithm>
#include <deque>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/data/readers/charset.h"
#include "athanor/data/readers/reader_formats.h"
#include "athanor/data/readers/separated_record.h"
#include "athanor/data/readers/series_rows.h"
#include "athanor/data/stream/stream_utf16.h"

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

constexpr size_t kLookAhead = 10;  // lines behind the header that tell the separator

struct Record {
  std::string text;  // without its last line end
  uint64_t begin = 0;
  uint64_t end = 0;
  const char* problem = nullptr;  // then text is a sample only
};

// A file whose quotes are wrong throughout would be read again for each line: after this much of it, a quote is held
// to close in its own line.
constexpr uint64_t kMaxFailedBytes = uint64_t{1} << 30;

// Lines put together to records. A quote that never closes costs one line: the lines after it are read again.
class RecordReader {
 public:
  // failed_bytes: as an earlier reader of the same file left it.
  RecordReader(LineReader& lines, char separator, uint64_t max_bytes, uint64_t failed_bytes)
      : lines_(lines), separator_(separator), max_bytes_(max_bytes), failed_bytes_(failed_bytes) {}

  // Bytes that were read for quotes that never closed.
  uint64_t failed_bytes() const { return failed_bytes_; }

  // The next lines, which are still to come; fewer at the file's end.
  std::vector<std::string> ahead(size_t lines) {
    Line line;
    while (pending_.size() < lines && lines_.next(line)) {
      pending_.push_back({std::string(line.text), line.begin, line.end, line.too_long});
    }
    std::vector<std::string> texts;
    for (const Piece& piece : pending_) {
      texts.push_back(piece.text);
    }
    return texts;
  }
  void separate_by(char separator) { separator_ = separator; }

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
    while (scan.inside() && record.text.size() <= max_bytes_ && failed_bytes_ <= kMaxFailedBytes && next_piece(piece)) {
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
    failed_bytes_ += record.text.size() - first_bytes;
    record.text.resize(first_bytes);
    record.end = first_end;
    pending_.insert(pending_.begin(), std::make_move_iterator(taken.begin()),
                    std::make_move_iterator(taken.end()));
  }

  LineReader& lines_;
  char separator_;
  uint64_t max_bytes_;
  uint64_t failed_bytes_;
  std::deque<Piece> pending_;
};

// npos when the table has none of the wanted columns.
size_t find_text_column(const std::vector<std::string>& header, const ReadOptions& options) {
  if (options.series.rows != 0 || options.fields.all()) {
    return 0;  // all of them make the text
  }
  const std::string& wanted = options.text_field;
  for (const std::string& name : !options.fields.empty() ? options.fields.text
                                 : wanted.empty()        ? std::vector<std::string>{"text", "content"}
                                                         : std::vector<std::string>{wanted}) {
    const auto found = std::find(header.begin(), header.end(), name);
    if (found != header.end()) {
      return static_cast<size_t>(found - header.begin());
    }
  }
  return std::string::npos;
}

// A blank name becomes column_N (from 1); of a name that was there before, x.1, x.2 and so on. Both are noted.
std::vector<std::string> distinct_names(std::vector<std::string> names, const RowSink& rows) {
  const std::set<std::string> given(names.begin(), names.end());
  std::set<std::string> taken;
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string was = names[i];
    const bool blank = was.find_first_not_of(" \t") == std::string::npos;
    const std::string base = blank ? "column_" + std::to_string(i + 1) : was;
    std::string name = base;
    for (size_t n = 1; taken.contains(name) || (name != was && given.contains(name)); ++n) {
      name = base + "." + std::to_string(n);
    }
    if (name != was) {
      rows.note(blank ? "column " + std::to_string(i + 1) + " has no name and is called '" + name + "'"
                      : "two columns are named '" + was + "': column " + std::to_string(i + 1) + " is called '" + name +
                            "' (rename it in the file for another name)");
    }
    taken.insert(name);
    names[i] = std::move(name);
  }
  return names;
}

// What another encoding would spoil in every row shows in the first. Error(kInput).
void check_encoding(std::string_view first, bool is_header, const std::string& source) {
  const bool utf16 = first.find('\0') != std::string_view::npos;  // without its mark
  if (!utf16 && (!is_header || is_valid_utf8(first))) {
    return;
  }
  const std::string charset = utf16 ? "UTF-16" : likely_charset(first);
  throw Error(ErrorKind::kInput, utf16 ? "the file is UTF-16 without a byte order mark, which would tell it, or no text" : "the header row is not UTF-8, but most likely " + charset,
              source, "iconv -f " + charset + (utf16 ? "LE" : "") + " -t UTF-8 OLD > NEW makes it UTF-8");
}

// Rows of one file: the header that they are read by, and where they go.
class SeparatedRows {
 public:
  SeparatedRows(const ReadInput& input, const ReadOptions& options, const RowSink& rows, char separator)
      : options_(options), rows_(rows), source_(input.source), separator_(separator), fresh_(input.state.empty()),
        series_(options.series, rows) {
    if (!options.columns.empty()) {
      set_header(distinct_names(options.columns, rows_));
    }
    if (!input.state.empty()) {
      const auto state = nlohmann::json::parse(input.state);
      failed_bytes_ = state.at("failed_bytes").get<uint64_t>();
      separator_ = separator_of(state.at("separator").get<std::string>());
      set_header(state.at("header").get<std::vector<std::string>>());
    }
  }

  uint64_t failed_bytes() const { return failed_bytes_; }
  char separator() const { return separator_; }
  void separate_by(char separator) { separator_ = separator, make_state(); }
  void finish() {
    series_.finish(header_);
    if (fresh_ && num_rows_ == 0) {
      rows_.note(header_.empty() ? "the file is empty"
                 : carriage_returns_ ? "its lines end in carriage returns only (tr '\\r' '\\n' < OLD > NEW mends it)"
                                     : "a header row and no others");
    }
  }
  // What a boundary keeps: the header, so that it need not be read again, and the reader's count.
  const std::string& state(uint64_t failed_bytes) {
    if (failed_bytes != failed_bytes_) {
      failed_bytes_ = failed_bytes;
      make_state();
    }
    return state_;
  }

  void read(const Record& record) {
    if (fresh_ && num_rows_ == 0) {
      check_encoding(record.text, header_.empty() && !options_.replace_invalid_utf8, source_);
    }
    num_rows_ += header_.empty() ? 0 : 1;
    if (record.problem != nullptr) {
      rows_.reject(record.problem, record.begin, record.text);
      return;
    }
    if (record.text.empty()) {
      return;
    }
    std::string_view text = record.text;
    std::string storage;
    if (!rows_.check_utf8(text, storage, record.begin)) {
      return;
    }
    if (!split_record(text, separator_, fields_)) {
      rows_.reject("broken quotes", record.begin, text);
    } else if (header_.empty()) {
      carriage_returns_ = text.find('\r') != std::string_view::npos && text.find('\n') == std::string_view::npos;
      set_header(carriage_returns_ ? fields_ : distinct_names(fields_, rows_));
    } else if (fields_.size() != header_.size()) {
      series_.interrupt();
      note_decimal_commas();
      rows_.reject("wrong number of columns", record.begin, text);
    } else if (text_column_ == std::string::npos) {
      std::string names;
      for (const std::string& name : header_) {
        names += (names.empty() ? "its columns are: " : ", ") + name;
      }
      rows_.reject("no text field", record.begin, names);
    } else {
      accept(record);
    }
  }

 private:
  void set_header(std::vector<std::string> header) {
    header_ = std::move(header);
    text_column_ = find_text_column(header_, options_);
    make_state();
  }

  // Told once, as every row is rejected for it.
  void note_decimal_commas() {
    if (separator_ == ',' && may_be_decimal_commas(fields_, header_.size()) && !std::exchange(noted_commas_, true)) {
      rows_.note("rows have more columns than the header, and all are digits: decimal commas? Then another separator "
                 "(separator: ';'), quotes around the numbers, or points instead");
    }
  }

  void make_state() { state_ = nlohmann::json({{"header", header_}, {"failed_bytes", failed_bytes_},
                                                    {"separator", separator_name(separator_)}}).dump(); }

  void accept(const Record& record) {
    if (options_.series.rows != 0) {
      series_.add(header_, fields_, record.begin, record.end);
      return;
    }
    if (!options_.fields.empty()) {
      nlohmann::json row = nlohmann::json::object();
      for (size_t i = 0; i < fields_.size(); ++i) {
        row[header_[i]] = std::move(fields_[i]);
      }
      MappedRecord mapped = apply_map(options_.fields, row);
      rows_.accept(std::move(mapped.text), record.begin, record.end, std::move(mapped.meta));
      return;
    }
    nlohmann::ordered_json meta = nlohmann::ordered_json::object();
    for (size_t i = 0; i < fields_.size(); ++i) {
      if (i != text_column_) {
        meta[header_[i]] = fields_[i];
      }
    }
    rows_.accept(std::move(fields_[text_column_]), record.begin, record.end, meta.dump());
  }

  const ReadOptions& options_;
  const RowSink& rows_;
  std::string source_;
  char separator_;
  bool fresh_;  // read from its beginning
  bool noted_commas_ = false;
  bool carriage_returns_ = false;  // in the header
  uint64_t num_rows_ = 0;          // below the header
  std::vector<std::string> header_, fields_;
  std::string state_;
  uint64_t failed_bytes_ = 0;
  size_t text_column_ = 0;
  SeriesRows series_;
};

void read_separated(const ReadInput& input, const ReadOptions& options, const ReadSink& sink, char separator) {
  const RowSink rows(input, options, sink);
  Utf16Stream decoded(*input.stream);
  LineReader lines(input.begin == 0 ? decoded : *input.stream, options.max_line_bytes, input.begin);
  SeparatedRows table(input, options, rows, separator);
  bool known = !options.separator.empty() || separator != ',' || !input.state.empty();
  Record record;
  do {
    RecordReader records(lines, table.separator(), options.max_line_bytes, table.failed_bytes());
    while (true) {
      const uint64_t failed_before = records.failed_bytes();  // reading on from here comes upon this record's own again
      if (!records.next(record)) {
        break;
      }
      if (!std::exchange(known, true) && record.problem == nullptr) {
        if (const char found = detect_separator(record.text, records.ahead(kLookAhead), options.columns.size()); found != ',') {
          records.separate_by(found);
          table.separate_by(found);
          rows.note("its columns are separated by '" + separator_name(found) + "', not by commas (separator: says which)");
        }
      }
      // A series may begin rows before this one; offsets of UTF-16 are not the file's own.
      if (options.series.rows == 0 && !decoded.decodes()) {
        rows.boundary(record.begin, table.state(failed_before));
      }
      table.read(record);
    }
    rows.reject_fault();
  } while (lines.recover());
  table.finish();
  rows.progress();
}

}  // namespace

void read_csv(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  read_separated(input, options, sink, separator_of(options.separator));
}

void read_tsv(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  read_separated(input, options, sink, options.separator.empty() ? '\t' : separator_of(options.separator));
}

}  // namespace athanor
