#include <algorithm>

#include "athanor/base/unicode.h"
#include "athanor/clean/tables/table_step.h"

namespace athanor {

namespace {

std::string shortened(const std::string& text) {
  const std::string_view prefix = utf8_prefix(text, TableReport::kExampleBytes);
  return prefix.size() < text.size() ? std::string(prefix) + "…" : text;
}

}  // namespace

void TableReport::begin_step(const std::string& name, uint64_t rows) {
  step_ = name;
  rows_before_ = rows;
}

uint32_t TableReport::reason(const std::string& column, const std::string& what) {
  const auto [found, fresh] = index_.try_emplace({step_, column, what}, static_cast<uint32_t>(reasons_.size()));
  if (fresh) {
    reasons_.push_back({step_, column, what, 0, 0, rows_before_, {}});
  }
  return found->second;
}

void TableReport::changed(uint32_t reason, const RowTable& table, uint64_t row, const std::string& before,
                          const std::string& after) {
  Reason& of = reasons_[reason];
  ++of.cells;
  if (of.examples.size() < kExamples) {
    of.examples.push_back({table.ids[row], shortened(before), shortened(after)});
  }
  changes_.push_back({static_cast<uint32_t>(row), reason});
}

void TableReport::dropped(uint32_t reason, RowTable& table, uint64_t row, const std::string& value) {
  table.alive[row] = 0;
  Reason& of = reasons_[reason];
  ++of.rows;
  if (of.examples.size() < kExamples) {
    of.examples.push_back({table.ids[row], shortened(value), ""});
  }
  drops_.push_back({static_cast<uint32_t>(row), reason});
}

void TableReport::note(const std::string& text) {
  const std::string whole = step_.empty() ? text : step_ + ": " + text;
  if (std::find(notes_.begin(), notes_.end(), whole) == notes_.end()) {
    notes_.push_back(whole);
  }
}

std::vector<std::string> TableReport::changes_of_rows(uint64_t rows) const {
  std::vector<std::string> all(rows);
  for (const Event& event : changes_) {
    const Reason& of = reasons_[event.reason];
    const std::string text = of.step + " " + of.column;
    std::string& row = all[event.row];
    if (!row.ends_with(text)) {
      row += (row.empty() ? "" : "; ") + text;
    }
  }
  return all;
}

std::vector<std::string> TableReport::drops_of_rows(uint64_t rows) const {
  std::vector<std::string> all(rows);
  for (const Event& event : drops_) {
    const Reason& of = reasons_[event.reason];
    all[event.row] = of.step + ": " + (of.column.empty() ? "" : of.column + ": ") + of.what;
  }
  return all;
}

}  // namespace athanor
