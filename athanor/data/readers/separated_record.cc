#include "athanor/data/readers/separated_record.h"

#include <algorithm>

namespace athanor {

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

char detect_separator(std::string_view header, const std::vector<std::string>& rows, size_t columns) {
  std::vector<std::string> fields;
  const auto count = [&](std::string_view record, char separator) -> size_t {
    return split_record(record, separator, fields) ? fields.size() : 0;
  };
  if (columns == 1 || count(header, ',') > 1) {
    return ',';
  }
  char best = ',';
  size_t most = 1;
  for (const char separator : {';', '\t', '|'}) {
    const size_t width = count(header, separator);
    const bool fits = width > most && (columns == 0 || width == columns) &&
                      std::all_of(rows.begin(), rows.end(), [&](std::string_view row) {
                        row.remove_suffix(row.ends_with('\r') ? 1 : 0);
                        return row.empty() || count(row, separator) == width;
                      });
    best = fits ? separator : best;
    most = fits ? width : most;
  }
  return best;
}

bool may_be_decimal_commas(const std::vector<std::string>& fields, size_t columns) {
  return fields.size() > columns && std::all_of(fields.begin(), fields.end(), [](const std::string& field) {
    return field.find_first_not_of("0123456789+-. ") == std::string::npos;
  });
}

char separator_of(std::string_view name) { return name == "tab" ? '\t' : name.empty() ? ',' : name[0]; }

std::string separator_name(char separator) { return separator == '\t' ? "tab" : std::string(1, separator); }

}  // namespace athanor
