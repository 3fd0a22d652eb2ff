// drop_columns: by name, constant ones, those mostly missing.
#include <algorithm>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/clean/tables/step_makers.h"

namespace athanor {

namespace {

struct DropColumnOptions {
  std::vector<std::string> columns;
  bool constant = false;
  double missing_above = 1;
  std::vector<std::string> keep;
  static void fields(Fields<DropColumnOptions>& f) {
    f.add("columns", &DropColumnOptions::columns, "these, by name");
    f.add("constant", &DropColumnOptions::constant, "columns of one value (gaps besides), or of none, in the training rows");
    f.add("missing_above", &DropColumnOptions::missing_above, "columns of which more than this share is missing; 1: none").range(0, 1);
    f.add("keep", &DropColumnOptions::keep, "never these");
  }
};

class DropColumns : public TableStep {
 public:
  DropColumns(DropColumnOptions options, std::string where) : options_(std::move(options)), where_(std::move(where)) {
    if (options_.columns.empty() && !options_.constant && options_.missing_above >= 1) {
      throw Error(ErrorKind::kUsage, "nothing says which columns go", where_, "columns: [id], constant: true, or missing_above: 0.9");
    }
  }

  void learn(const RowTable& table, TableStepContext&) override {
    dropped_.clear();
    const auto kept = chosen_columns(table, options_.keep, {}, where_);
    std::vector<std::string> named;
    for (const std::string& name : options_.columns.empty() ? std::vector<std::string>() : chosen_columns(table, options_.columns, {}, where_)) {
      named.push_back(name);
    }
    size_t left = 0;
    for (const std::string& name : table.names()) {
      const bool keeps = std::find(kept.begin(), kept.end(), name) != kept.end();
      const bool by_name = std::find(named.begin(), named.end(), name) != named.end();
      const std::string why = keeps ? "" : by_name ? "by name" : fault(table, column_at(table, name, where_));
      if (!why.empty()) {
        dropped_[name] = why;
      }
      left += why.empty() ? 1 : 0;
    }
    if (left == 0) {
      throw Error(ErrorKind::kInput, "every column would be dropped", where_, "keep: [names], or a higher missing_above");
    }
  }

  void apply(RowTable& table, TableStepContext& context) const override {
    for (const auto& [name, why] : dropped_) {
      if (RowColumn* column = table.find(name); column != nullptr) {  // rows that lack it need no dropping
        column->dropped = true;
        context.report.reason(name, "column dropped: " + why);
      }
    }
  }

  nlohmann::json learnt(const fs::path&) const override { return {{"dropped", dropped_}}; }
  void load(const nlohmann::json& learnt, const fs::path&) override {
    dropped_ = learnt.at("dropped").get<std::map<std::string, std::string>>();
  }

 private:
  std::string fault(const RowTable& table, const RowColumn& column) const {
    const std::vector<uint8_t> gaps = value_gaps(table, column);
    const std::vector<uint64_t> counts = value_counts(table, column);
    uint64_t present = 0;
    std::set<std::string> values;
    for (size_t i = 0; i < counts.size(); ++i) {
      if (counts[i] > 0 && gaps[i] == 0) {
        present += counts[i];
        if (values.size() < 2) {
          values.insert(exact_value(column, column.value(static_cast<int32_t>(i))));
        }
      }
    }
    const double rows = static_cast<double>(std::max<uint64_t>(1, table.num_alive()));
    const double share = 1 - static_cast<double>(present) / rows;
    if (options_.constant && values.size() < 2) {
      return values.empty() ? "no value at all" : "one value only";
    }
    return share > options_.missing_above ? human_percent(share) + " missing" : "";
  }

  DropColumnOptions options_;
  std::string where_;
  std::map<std::string, std::string> dropped_;  // column -> why
};

}  // namespace

std::unique_ptr<TableStep> make_drop_columns_step(const nlohmann::json& options, const std::string& where) {
  return std::make_unique<DropColumns>(load_options<DropColumnOptions>(options), where);
}
OptionSchema drop_columns_step_options() { return schema_of<DropColumnOptions>(); }

}  // namespace athanor
