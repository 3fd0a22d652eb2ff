// Rows that come as JSON objects {column: value}, of Parquet, Arrow IPC and SQL, become documents.
#include "athanor/data/readers/reader_rows.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace athanor {

namespace {

bool has_infinite(const nlohmann::json& value) {
  return value.is_number_float() ? std::isinf(value.get<double>())
                                 : value.is_structured() && std::any_of(value.begin(), value.end(), has_infinite);
}

}  // namespace

ReaderRows::ReaderRows(const std::vector<std::string>& columns, const ReadOptions& options, const RowSink& rows)
    : options_(options), rows_(rows) {
  for (const std::string& name : columns) {
    names_ += (names_.empty() ? "" : ", ") + name;
  }
  names_ = "its columns are: " + names_.substr(0, 300);
  if (!options.fields.empty()) {
    return;
  }
  for (const std::string& name : options.text_field.empty() ? std::vector<std::string>{"text", "content"}
                                                            : std::vector<std::string>{options.text_field}) {
    if (field_.empty() && std::find(columns.begin(), columns.end(), name) != columns.end()) {
      field_ = name;
    }
  }
  missing_ = field_.empty();
}

void ReaderRows::read(uint64_t row, nlohmann::json&& object) {
  if (missing_) {
    rows_.reject("no text field", row, names_);
    return;
  }
  note_infinite(object);
  if (!options_.fields.empty()) {
    MappedRecord record = apply_map(options_.fields, object);
    if (record.problem != nullptr) {
      rows_.reject(record.problem, row, names_);
    } else if (rows_.check_utf8(record.text, row)) {
      rows_.accept(std::move(record.text), row, row + 1, std::move(record.meta));
    }
    return;
  }
  nlohmann::json value = std::move(object[field_]);
  object.erase(field_);
  const auto dump = [](const nlohmann::json& json) {
    return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  };
  if (value.is_null()) {
    rows_.reject("no text field", row, "");
    return;
  }
  if (!value.is_string()) {
    rows_.reject("text is not a string", row, dump(value));
    return;
  }
  std::string text = std::move(value.get_ref<std::string&>());
  if (rows_.check_utf8(text, row)) {
    rows_.accept(std::move(text), row, row + 1, dump(object));
  }
}

// JSON has no infinities: what it writes for one is null.
void ReaderRows::note_infinite(const nlohmann::json& object) {
  for (const auto& [name, value] : object.items()) {
    if (has_infinite(value) && infinite_.insert(name).second) {
      rows_.note("column '" + name + "' holds infinite numbers: they count as missing (null)");
    }
  }
}

}  // namespace athanor
