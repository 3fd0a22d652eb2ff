#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/clean/tables/table_cleaner.h"
#include "athanor/data/readers/json_scan.h"
#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

constexpr uint64_t kLookEvery = 1024;  // rows between two looks at the memory
constexpr uint64_t kMaxRows = uint64_t{1} << 31;

std::string key_text(std::string_view raw) {
  std::string key;
  unescape_json(raw, key);
  return key;
}

}  // namespace

RowReader::RowReader(std::vector<std::string> missing, uint64_t max_bytes) : max_bytes_(max_bytes) {
  table_.missing = std::move(missing);
}

RowColumn& RowReader::column(size_t position, std::string_view raw_key) {
  if (position < last_order_.size() && last_order_[position].first == raw_key) {
    return *last_order_[position].second;
  }
  const std::string key = key_text(raw_key);
  RowColumn*& found = by_key_[key];
  if (found == nullptr) {
    found = &table_.add(key);
  }
  if (position < last_order_.size()) {
    last_order_[position] = {std::string(raw_key), found};
  } else if (position == last_order_.size()) {
    last_order_.emplace_back(std::string(raw_key), found);
  }
  return *found;
}

void RowReader::add_cell(RowColumn& column, std::string_view raw) {
  int32_t code = 0;
  switch (raw.front()) {
    case '"':
      text_.clear();
      unescape_json(raw.substr(1, raw.size() - 2), text_);
      code = column.intern(text_, CellType::kString);
      break;
    case 't':
    case 'f':
      code = column.intern(raw, CellType::kBool);
      break;
    case 'n':
      code = column.intern(raw, CellType::kNull);
      break;
    case '[':
    case '{':
      code = column.intern(raw, CellType::kOther);
      break;
    default:
      code = column.intern(raw, CellType::kNumber);
  }
  column.codes.resize(table_.rows, RowColumn::kAbsent);
  column.codes.push_back(code);
}

bool RowReader::add(const std::string& id, std::string_view meta) {
  std::vector<JsonField> fields;
  const bool object = scan_json_object(meta, fields);
  for (size_t i = 0; i < fields.size(); ++i) {
    RowColumn& of = column(i, fields[i].key);
    if (of.codes.size() > table_.rows) {  // a key twice: the last counts
      of.codes.resize(table_.rows);
    }
    add_cell(of, fields[i].value);
  }
  table_.ids.push_back(id);
  table_.alive.push_back(1);
  if (++table_.rows % kLookEvery == 0 && (table_.bytes() > max_bytes_ || table_.rows >= kMaxRows)) {
    throw Error(ErrorKind::kResource,
                "the table does not fit into " + human_bytes(static_cast<double>(max_bytes_)) + ": " +
                    grouped_integer(static_cast<int64_t>(table_.rows)) + " rows of " + std::to_string(table_.columns.size()) +
                    " columns are read and more are to come", "clean.table",
                "raise clean.memory_mb, collect fewer columns (fields), or clean a part at a time with what another part taught "
                "(table: learnt)");
  }
  return object;
}

RowTable RowReader::finish(const TableSchema& schema) {
  for (RowColumn& column : table_.columns) {
    column.codes.resize(table_.rows, RowColumn::kAbsent);
    const auto plan = std::find_if(schema.columns.begin(), schema.columns.end(), [&](const ColumnPlan& one) {
      return one.from == ColumnSource::kMeta && one.key == column.name;
    });
    column.passes = plan == schema.columns.end() || plan->kind == ColumnKind::kImage || plan->kind == ColumnKind::kSparse;
    if (!column.passes) {
      column.kind = plan->kind;
      column.date_format = plan->date_format;
    }
  }
  return std::move(table_);
}

bool is_row_text(std::string_view text, std::string_view meta) {
  std::vector<JsonField> fields;
  if (!scan_json_object(meta, fields) || fields.empty()) {
    return false;
  }
  size_t at = 0;
  for (size_t i = 0; i < fields.size(); ++i) {
    const std::string label = (i == 0 ? "" : "\n") + key_text(fields[i].key) + ":";
    at = i == 0 ? (text.starts_with(label) ? 0 : std::string_view::npos) : text.find(label, at);
    if (at == std::string_view::npos) {
      return false;
    }
    at += label.size();
  }
  return true;
}

}  // namespace athanor
