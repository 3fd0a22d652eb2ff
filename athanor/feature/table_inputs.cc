// Rows of tables: the fields of meta as numbers and categories.
#include <algorithm>
#include <map>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/feature/inputs.h"
#include "athanor/feature/running_statistics.h"

namespace athanor {

namespace {

constexpr size_t kMaxSeenCategories = 100'000;  // a column; what comes later is as not known
constexpr float kMaxDeviations = 20;            // a value further out (a typing error) is held there

struct NumberColumn {
  std::string name;
  double mean = 0;
  double deviation = 1;
};

struct CategoryColumn {
  std::string name;
  std::map<std::string, int32_t> index;  // from 1; 0: missing or not known
};

// A column while training documents go by.
struct Sighting {
  RunningStatistics numbers;
  uint64_t others = 0;  // values that are no numbers
  std::map<std::string, uint64_t> categories;
};

std::string cell_text(const nlohmann::json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  if (value.is_boolean()) {
    return value.get<bool>() ? "1" : "0";
  }
  return value.is_null() ? "" : value.dump();
}

bool cell_number(const nlohmann::json& value, double& number) {
  return parse_cell(cell_text(value), number);
}

std::string category_of(const nlohmann::json& value) {
  const std::string text = cell_text(value);
  const size_t begin = text.find_first_not_of(" \t");
  return begin == std::string::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

class TableInputs : public Inputs {
 public:
  TableInputs(const InputOptions& options, const nlohmann::json* learnt) : options_(options) {
    if (learnt == nullptr) {
      return;
    }
    for (const auto& column : learnt->at("numbers")) {
      numbers_.push_back({column.at("name").get<std::string>(), column.at("mean").get<double>(),
                          column.at("deviation").get<double>()});
    }
    for (const auto& column : learnt->at("categories")) {
      CategoryColumn categories{column.at("name").get<std::string>(), {}};
      for (const auto& name : column.at("values")) {
        categories.index.emplace(name.get<std::string>(), static_cast<int32_t>(categories.index.size() + 1));
      }
      categories_.push_back(std::move(categories));
    }
  }

  InputShape shape() const override {
    InputShape shape;
    shape.kind = InputKind::kTable;
    shape.num_values = static_cast<int64_t>(numbers_.size());
    for (const auto& column : categories_) {
      shape.categories.push_back(static_cast<int64_t>(column.index.size()) + 1);
    }
    return shape;
  }

  void see(const Document& document) override {
    const auto meta = nlohmann::json::parse(document.meta, nullptr, false);
    if (!meta.is_object()) {
      return;
    }
    for (const auto& [name, value] : meta.items()) {
      if (!wanted(name) || value.is_structured()) {
        continue;
      }
      Sighting& column = seen_[name];
      const std::string category = category_of(value);
      if (is_missing_cell(category)) {
        continue;
      }
      double number = 0;
      if (cell_number(value, number)) {
        column.numbers.add(number);
      } else {
        ++column.others;
      }
      if (column.categories.size() < kMaxSeenCategories || column.categories.count(category) > 0) {
        ++column.categories[category];
      }
    }
  }

  void finish() override {
    for (const auto& name : options_.columns) {
      if (seen_.count(name) == 0) {
        std::vector<std::string> names;
        for (const auto& [known, column] : seen_) {
          names.push_back(known);
        }
        throw Error(ErrorKind::kUsage, "no training document has the field '" + name + "' in its meta", "inputs.columns",
                    did_you_mean(name, names));
      }
    }
    for (auto& [name, column] : seen_) {
      const bool named = std::count(options_.categorical.begin(), options_.categorical.end(), name) > 0;
      if (!named && column.others == 0 && column.numbers.count > 0) {
        numbers_.push_back({name, column.numbers.mean, column.numbers.deviation()});
      } else if (!column.categories.empty()) {
        add_categories(name, column);
      }
    }
    seen_.clear();
    if (numbers_.empty() && categories_.empty()) {
      throw Error(ErrorKind::kInput, "the training documents have no fields in their meta that could be columns", "",
                  "collect a table with fields: {text: '*'}, and look at inputs.columns");
    }
  }

  bool add(const Document& document, Examples& out, std::string& reason) const override {
    const auto meta = nlohmann::json::parse(document.meta, nullptr, false);
    if (!meta.is_object()) {
      reason = "meta is no object";
      return false;
    }
    for (const auto& column : numbers_) {
      const auto found = meta.find(column.name);
      double number = column.mean;
      if (found != meta.end() && !cell_number(*found, number)) {
        number = column.mean;
      }
      const auto value = static_cast<float>((number - column.mean) / column.deviation);
      out.values.push_back(std::clamp(value, -kMaxDeviations, kMaxDeviations));
    }
    for (const auto& column : categories_) {
      const auto found = meta.find(column.name);
      const auto index = found == meta.end() ? column.index.end() : column.index.find(category_of(*found));
      out.ids.push_back(index == column.index.end() ? 0 : index->second);
    }
    ++out.count;
    return true;
  }

  nlohmann::json to_json() const override {
    nlohmann::json json{{"kind", "table"},
                        {"options", dump_options(options_, true)},
                        {"numbers", nlohmann::json::array()},
                        {"categories", nlohmann::json::array()}};
    for (const auto& column : numbers_) {
      json["numbers"].push_back({{"name", column.name}, {"mean", column.mean}, {"deviation", column.deviation}});
    }
    for (const auto& column : categories_) {
      std::vector<std::string> values(column.index.size());
      for (const auto& [name, index] : column.index) {
        values[static_cast<size_t>(index) - 1] = name;
      }
      json["categories"].push_back({{"name", column.name}, {"values", values}});
    }
    return json;
  }

 private:
  bool wanted(const std::string& name) const {
    const auto in = [&](const std::vector<std::string>& list) { return std::count(list.begin(), list.end(), name) > 0; };
    return !in(options_.exclude) && (options_.columns.empty() || in(options_.columns));
  }

  void add_categories(const std::string& name, const Sighting& column) {
    std::vector<std::pair<std::string, uint64_t>> values(column.categories.begin(), column.categories.end());
    std::stable_sort(values.begin(), values.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    values.resize(std::min(values.size(), static_cast<size_t>(options_.max_categories)));
    CategoryColumn categories{name, {}};
    for (size_t i = 0; i < values.size(); ++i) {
      categories.index.emplace(values[i].first, static_cast<int32_t>(i + 1));
    }
    categories_.push_back(std::move(categories));
  }

  InputOptions options_;
  std::vector<NumberColumn> numbers_;
  std::vector<CategoryColumn> categories_;
  std::map<std::string, Sighting> seen_;
};

}  // namespace

std::unique_ptr<Inputs> make_table_inputs(const InputOptions& options, const nlohmann::json* learnt) {
  return std::make_unique<TableInputs>(options, learnt);
}

}  // namespace athanor
