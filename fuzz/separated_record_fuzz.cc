// Records of separated tables: fields, the separator that is found, and tables read with a separator that was told.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "athanor/base/text.h"
#include "athanor/data/readers/separated_record.h"
#include "fuzz/reader_input.h"

namespace {

using namespace athanor;
using Texts = std::vector<std::string>;

constexpr std::string_view kSeparators = ",;\t|";

void must(bool holds) {
  if (!holds) {
    std::abort();
  }
}

std::string joined(const Texts& fields, char separator, bool quoted) {
  std::string out;
  for (size_t i = 0; i < fields.size(); ++i) {
    out.append(i == 0 ? 0 : 1, separator).append(quoted ? "\"" : "");
    for (const char c : fields[i]) {
      out.append(quoted && c == '"' ? 2 : 1, c);
    }
    out.append(quoted ? "\"" : "");
  }
  return out;
}

// A record without quotes is its fields with separators between them; fields in quotes come back as they were.
void check_record(const std::string& record, char separator) {
  Texts fields{"from the record before", ""};
  const bool good = split_record(record, separator, fields);
  must(!fields.empty() && fields.size() <= record.size() + 1);
  if (record.find('"') == std::string::npos) {
    must(good && joined(fields, separator, false) == record);
  }
  Texts back;
  must(split_record(joined(fields, separator, true), separator, back) && back == fields);
  may_be_decimal_commas(fields, fields.size() - 1);
}

// What is found parts the header and every row into as many columns, more than one.
void check_detection(const Texts& lines, size_t columns) {
  const Texts rows(lines.begin() + 1, lines.end());
  const char found = detect_separator(lines[0], rows, columns);
  must(kSeparators.find(found) != std::string_view::npos && separator_of(separator_name(found)) == found);
  Texts fields;
  if (found == ',') {
    return;
  }
  must(columns != 1 && split_record(lines[0], found, fields));
  const size_t width = fields.size();
  must(width > 1 && (columns == 0 || width == columns));
  for (std::string row : rows) {
    row.resize(row.size() - (row.ends_with('\r') ? 1 : 0));
    must(row.empty() || (split_record(row, found, fields) && fields.size() == width));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) {
    return 0;
  }
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const char separator = kSeparators[data[0] % kSeparators.size()];
  const Texts lines = split_text(std::string(bytes), '\n');
  for (const std::string& line : lines) {
    check_record(line, separator);
  }
  check_record(std::string(bytes), separator);  // newlines too may stand in a record
  check_detection(lines, data[0] >> 5);

  ReadOptions options;
  options.separator = separator_name(separator);
  read_as("csv", bytes, options);
  options.separator.clear();
  for (size_t i = 0; i < data[0] >> 5; ++i) {
    options.columns.push_back("c" + std::to_string(i));
  }
  options.fields = parse_field_map({{"text", "*"}});
  read_as("csv", bytes, options);
  return 0;
}
