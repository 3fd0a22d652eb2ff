// merge: spellings of one category become one, rare ones become one; near spellings are proposed.
#include <algorithm>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/lower.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/tables/near_spellings.h"
#include "athanor/clean/tables/step_makers.h"
#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

struct RareOptions {
  int64_t fewer_than = 0;
  std::string as = "other";
  static void fields(Fields<RareOptions>& f) {
    f.add("fewer_than", &RareOptions::fewer_than, "training rows that a value needs to stay; 0: all stay").range(0, 1e12);
    f.add("as", &RareOptions::as, "what the others become; a value that the training rows do not have, too");
  }
};

struct MergeOptions {
  std::vector<std::string> column;
  nlohmann::json into = nlohmann::json::object();
  RareOptions rare;
  bool ignore_case = false;
  bool propose = true;
  static void fields(Fields<MergeOptions>& f) {
    f.add("column", &MergeOptions::column, "the column, or a list of them; or categories").required();
    f.add("into", &MergeOptions::into, "{USA: [US, U.S.A.], 中国: [中华人民共和国, PRC]}");
    f.add("rare", &MergeOptions::rare, "rare values become one");
    f.add("ignore_case", &MergeOptions::ignore_case,
          "capitals do not count: for `into`, and else all spellings become the most frequent one");
    f.add("propose", &MergeOptions::propose, "near spellings are told in the result (never merged unasked)");
  }
};

class Merge : public TableStep {
 public:
  Merge(MergeOptions options, std::string where) : options_(std::move(options)), where_(std::move(where)) {
    if (!options_.into.is_object()) {
      throw Error(ErrorKind::kUsage, "'into' must be a map from a value to its spellings", where_, "into: {USA: [US, U.S.A.]}");
    }
    for (const auto& [to, spellings] : options_.into.items()) {
      for (const auto& one : spellings.is_array() ? spellings : nlohmann::json::array({spellings})) {
        if (one.is_array() || one.is_object() || one.is_null()) {
          throw Error(ErrorKind::kUsage, "the spellings of '" + to + "' must be a list of values", where_, "into: {USA: [US, U.S.A.]}");
        }
        const std::string text = one.is_string() ? one.get<std::string>() : one.dump();
        const auto [found, fresh] = into_.emplace(form(text), to);
        if (!fresh && found->second != to) {
          throw Error(ErrorKind::kUsage, "'" + text + "' is to become '" + found->second + "' and '" + to + "'", where_);
        }
      }
    }
    for (const auto& [to, spellings] : options_.into.items()) {  // a value's own spellings, unless the recipe says otherwise
      if (options_.ignore_case) {
        into_.emplace(form(to), to);
      }
    }
  }

  void learn(const RowTable& table, TableStepContext&) override {
    for (const std::string& name : chosen_columns(table, options_.column, {}, where_)) {
      const RowColumn& column = column_at(table, name, where_);
      if (column.kind == ColumnKind::kDate || (column.kind == ColumnKind::kNumber && options_.into.empty())) {
        throw Error(ErrorKind::kUsage, "column '" + name + "' holds " + name_of(column.kind) + "s, and merge is for categories", where_,
                    std::string("if they are codes: read: {types: {") + name + ": category}}");
      }
      learn_column(table, column);
    }
  }

  void apply(RowTable& table, TableStepContext& context) const override {
    for (const auto& [name, known] : columns_) {
      RowColumn& column = column_at(table, name, where_);
      map_values(table, column, context.report,
                 [&, &known = known](const Cell& cell, int32_t) { return to_value(table, column, known, cell); });
      if (options_.propose) {
        propose(table, column, context.report);
      }
    }
  }

  nlohmann::json learnt(const fs::path&) const override {
    auto json = nlohmann::json::object();
    for (const auto& [name, known] : columns_) {
      json[name] = {{"spellings", known.spellings}, {"kept", known.kept}};
    }
    return {{"columns", json}};
  }
  void load(const nlohmann::json& learnt, const fs::path&) override {
    for (const auto& [name, json] : learnt.at("columns").items()) {
      columns_[name] = {json.at("spellings").get<std::map<std::string, std::string>>(),
                        json.at("kept").get<std::set<std::string>>()};
    }
  }

 private:
  struct Known {
    std::map<std::string, std::string> spellings;  // ignore_case: form -> the most frequent spelling; new rows have others
    std::set<std::string> kept;                    // rare: values that stay
  };

  // Blanks around a value never count.
  std::string form(std::string_view text) const {
    const std::string_view trimmed = trimmed_cell(text);
    if (!options_.ignore_case) {
      return std::string(trimmed);
    }
    std::string out;
    for (const char* p = trimmed.data(); p != trimmed.data() + trimmed.size();) {
      append_utf8(out, to_lower(decode_utf8(p, trimmed.data() + trimmed.size())));
    }
    return out;
  }

  // After `into` and the spellings.
  std::string merged(const Known& known, const std::string& text) const {
    if (const auto found = into_.find(form(text)); found != into_.end()) {
      return found->second;
    }
    const auto found = known.spellings.find(form(text));
    return found == known.spellings.end() ? text : found->second;
  }

  void learn_column(const RowTable& table, const RowColumn& column) {
    Known& known = columns_[column.name];
    const std::vector<uint64_t> counts = value_counts(table, column);
    std::vector<SpelledValue> values;
    for (size_t i = 0; i < counts.size(); ++i) {
      const Cell& cell = column.value(static_cast<int32_t>(i));
      if (counts[i] > 0 && !is_missing(table, cell)) {
        values.push_back({cell.text, counts[i]});
      }
    }
    std::sort(values.begin(), values.end(), [](const SpelledValue& a, const SpelledValue& b) {
      return a.count != b.count ? a.count > b.count : a.text < b.text;
    });
    for (const SpelledValue& value : values) {
      if (options_.ignore_case && !into_.contains(form(value.text))) {
        known.spellings.emplace(form(value.text), value.text);
      }
    }
    std::map<std::string, uint64_t> of_merged;
    for (const SpelledValue& value : values) {
      of_merged[merged(known, value.text)] += value.count;
    }
    for (const auto& [text, count] : of_merged) {
      if (options_.rare.fewer_than > 0 && count >= static_cast<uint64_t>(options_.rare.fewer_than)) {
        known.kept.insert(text);
      }
    }
  }

  NewValue to_value(const RowTable& table, const RowColumn& column, const Known& known, const Cell& cell) const {
    NewValue to;
    if (is_missing(table, cell)) {
      return to;
    }
    std::string text = merged(known, cell.text);
    if (text != cell.text) {
      to.what = "merged into '" + text + "'";
    }
    if (options_.rare.fewer_than > 0 && !known.kept.contains(text) && text != options_.rare.as) {
      to.what = "in fewer than " + std::to_string(options_.rare.fewer_than) + " rows, made '" + options_.rare.as + "'";
      text = options_.rare.as;
    }
    if (text != cell.text) {
      to.action = NewValue::Do::kReplace;
      double number = 0;
      const bool as_number = !column.holds_text() && parse_number(text, number) == NumberCell::kNumber;
      to.cell = {as_number ? number_text(number) : text, as_number ? CellType::kNumber : CellType::kString};
    }
    return to;
  }

  void propose(const RowTable& table, const RowColumn& column, TableReport& report) const {
    const std::vector<uint64_t> counts = value_counts(table, column);
    std::vector<SpelledValue> values;
    for (size_t i = 0; i < counts.size(); ++i) {
      const Cell& cell = column.value(static_cast<int32_t>(i));
      if (counts[i] > 0 && cell.type == CellType::kString && !is_missing(table, cell)) {
        values.push_back({cell.text, counts[i]});
      }
    }
    for (const NearSpelling& near : near_spellings(std::move(values))) {
      report.propose({{"column", column.name}, {"value", near.text}, {"rows", near.count}, {"as", near.as},
                      {"rows_of_that", near.as_count}, {"why", near.why}});
    }
  }

  MergeOptions options_;
  std::string where_;
  std::map<std::string, std::string> into_;  // form -> value
  std::map<std::string, Known> columns_;
};

}  // namespace

std::unique_ptr<TableStep> make_merge_step(const nlohmann::json& options, const std::string& where) {
  return std::make_unique<Merge>(load_options<MergeOptions>(options), where);
}
OptionSchema merge_step_options() { return schema_of<MergeOptions>(); }

}  // namespace athanor
