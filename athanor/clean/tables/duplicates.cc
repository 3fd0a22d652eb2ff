// duplicates: rows that say the same as another one.
#include <algorithm>

#include "athanor/base/hash.h"
#include "athanor/clean/tables/step_makers.h"
#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

constexpr uint32_t kGap = 0;  // all ways of saying nothing are the same

struct DuplicateOptions {
  std::vector<std::string> columns;
  std::vector<std::string> exclude;
  std::string keep = "first";
  static void fields(Fields<DuplicateOptions>& f) {
    f.add("columns", &DuplicateOptions::columns, "what must be equal: names, numbers, categories, ...; empty: all columns");
    f.add("exclude", &DuplicateOptions::exclude, "not these, such as a number of the row");
    f.add("keep", &DuplicateOptions::keep, "which of the equal rows stays").choices({"first", "last"});
  }
};

class Duplicates : public TableStep {
 public:
  Duplicates(DuplicateOptions options, std::string where) : options_(std::move(options)), where_(std::move(where)) {}

  void learn(const RowTable& table, TableStepContext&) override {
    columns_ = chosen_columns(table, options_.columns,
                              {ColumnKind::kNumber, ColumnKind::kCategory, ColumnKind::kText, ColumnKind::kDate}, where_);
    for (const std::string& name : chosen_columns(table, options_.exclude, {}, where_)) {
      std::erase(columns_, name);
    }
  }

  void apply(RowTable& table, TableStepContext& context) const override {
    if (columns_.empty()) {
      context.report.note("no column is left to compare");
      return;
    }
    std::vector<const RowColumn*> columns;
    std::vector<std::vector<uint32_t>> classes;  // of values that are equal: 22 and 22.0, "" and NA
    for (const std::string& name : columns_) {
      columns.push_back(&column_at(std::as_const(table), name, where_));
      classes.push_back(value_classes(table, *columns.back()));
    }
    const size_t width = columns.size();
    std::vector<uint32_t> keys(table.rows * width);
    for (uint64_t row = 0; row < table.rows; ++row) {
      for (size_t i = 0; i < width; ++i) {
        const int32_t code = columns[i]->codes[row];
        keys[row * width + i] = code < 0 ? kGap : classes[i][static_cast<size_t>(code)];
      }
    }
    drop_repeats(table, keys, width, context.report);
  }

  nlohmann::json learnt(const fs::path&) const override { return {{"columns", columns_}}; }
  void load(const nlohmann::json& learnt, const fs::path&) override {
    columns_ = learnt.at("columns").get<std::vector<std::string>>();
  }

 private:
  static std::vector<uint32_t> value_classes(const RowTable& table, const RowColumn& column) {
    const std::vector<uint8_t> gaps = value_gaps(table, column);
    std::map<std::string, uint32_t> seen;
    std::vector<uint32_t> classes(gaps.size(), kGap);
    for (size_t i = 0; i < gaps.size(); ++i) {
      const Cell& cell = column.value(static_cast<int32_t>(i));
      if (gaps[i] == 0) {
        classes[i] = seen.emplace(exact_value(column, cell), static_cast<uint32_t>(seen.size() + 1)).first->second;
      } else if (!is_missing(table, cell)) {  // unreadable: as it stands
        classes[i] = seen.emplace(" " + cell.text, static_cast<uint32_t>(seen.size() + 1)).first->second;
      }
    }
    return classes;
  }

  void drop_repeats(RowTable& table, const std::vector<uint32_t>& keys, size_t width, TableReport& report) const {
    const auto equal = [&](uint64_t a, uint64_t b) {
      return std::equal(keys.begin() + static_cast<int64_t>(a * width), keys.begin() + static_cast<int64_t>((a + 1) * width),
                        keys.begin() + static_cast<int64_t>(b * width));
    };
    std::unordered_multimap<uint64_t, uint64_t> stays;  // hash -> row
    const bool last = options_.keep == "last";
    std::vector<std::pair<uint64_t, uint64_t>> repeats;  // row, the one that stays
    for (uint64_t i = 0; i < table.rows; ++i) {
      const uint64_t row = last ? table.rows - 1 - i : i;
      if (table.alive[row] == 0) {
        continue;
      }
      const uint64_t hash = xxh3_64({reinterpret_cast<const char*>(keys.data() + row * width), width * sizeof(uint32_t)});
      const auto [begin, end] = stays.equal_range(hash);
      const auto found = std::find_if(begin, end, [&](const auto& one) { return equal(one.second, row); });
      if (found == end) {
        stays.emplace(hash, row);
      } else {
        repeats.emplace_back(row, found->second);
      }
    }
    std::sort(repeats.begin(), repeats.end());
    for (const auto& [row, other] : repeats) {
      report.dropped(report.reason("", "the same as another row"), table, row,
                     "repeats row " + std::to_string(other + 1) + ": " + row_text(table, row));
    }
  }

  // The row's compared cells as far as an example shows them. Rows count from 1 in the order of the table.
  std::string row_text(const RowTable& table, uint64_t row) const {
    std::string text;
    for (size_t i = 0; i < columns_.size() && text.size() <= TableReport::kExampleBytes; ++i) {
      const RowColumn& column = column_at(table, columns_[i], where_);
      const int32_t code = column.codes[row];
      text += (i == 0 ? "" : ", ") + columns_[i] + "=" + (code < 0 ? "" : column.value(code).text);
    }
    return text;
  }

  DuplicateOptions options_;
  std::string where_;
  std::vector<std::string> columns_;
};

}  // namespace

std::unique_ptr<TableStep> make_duplicates_step(const nlohmann::json& options, const std::string& where) {
  return std::make_unique<Duplicates>(load_options<DuplicateOptions>(options), where);
}
OptionSchema duplicates_step_options() { return schema_of<DuplicateOptions>(); }

}  // namespace athanor
