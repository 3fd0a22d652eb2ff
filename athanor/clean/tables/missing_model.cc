// knn and model: a table as a matrix, filled by the transform `impute`.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/clean/tables/missing.h"
#include "athanor/clean/tables/number_facts.h"
#include "athanor/feature/transform.h"

namespace athanor {

namespace {

constexpr size_t kMaxLevels = 30;  // of a category, to be read by the others' models
constexpr const char* kFile = "filler";

// One column of the matrix: a number standardised, or whether the category is this one.
struct Input {
  std::string column;
  bool is_level = false;
  std::string level;
  double mean = 0, deviation = 1;
};

}  // namespace

struct TableFiller::Impl {
  std::vector<Input> inputs;
  std::vector<std::string> targets;
  std::unique_ptr<Transform> transform;
};

namespace {

std::unique_ptr<Transform> make_impute(const MissingOptions& options, const std::string& where) {
  nlohmann::json given{{"by", options.by}};
  if (options.by == "knn") {
    given["neighbors"] = options.neighbors;
  }
  return make_transform("impute", given, where);
}

void add_levels(const RowTable& table, const RowColumn& column, std::vector<Input>& inputs) {
  const std::vector<uint8_t> gaps = value_gaps(table, column);
  const std::vector<uint64_t> counts = value_counts(table, column);
  std::vector<std::string> levels;
  for (size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] > 0 && gaps[i] == 0) {
      levels.push_back(column.value(static_cast<int32_t>(i)).text);
    }
  }
  std::sort(levels.begin(), levels.end());
  if (levels.size() >= 2 && levels.size() <= kMaxLevels) {
    for (const std::string& level : levels) {
      inputs.push_back({column.name, true, level, 0, 1});
    }
  }
}

Matrix matrix_of(const RowTable& table, const std::vector<Input>& inputs, const std::string& where) {
  Matrix x = Matrix::dense(table.rows, inputs.size());
  for (size_t i = 0; i < inputs.size(); ++i) {
    const Input& input = inputs[i];
    const RowColumn& column = column_at(table, input.column, where);
    x.names.push_back(input.is_level ? input.column + "=" + input.level : input.column);
    if (input.is_level) {
      for (uint64_t row = 0; row < table.rows; ++row) {
        x.at(row, i) = column.codes[row] >= 0 && column.value(column.codes[row]).text == input.level ? 1 : 0;
      }
      continue;
    }
    const std::vector<double> numbers = row_numbers(table, column);
    for (uint64_t row = 0; row < table.rows; ++row) {
      x.at(row, i) = (numbers[row] - input.mean) / input.deviation;
    }
  }
  return x;
}

Matrix live_rows(const RowTable& table, const Matrix& x) {
  std::vector<uint64_t> rows;
  for (uint64_t row = 0; row < table.rows; ++row) {
    if (table.alive[row] != 0) {
      rows.push_back(row);
    }
  }
  return take_rows(x, rows);
}

}  // namespace

void TableFiller::learn(const RowTable& table, const std::vector<std::string>& targets, TableStepContext& context) {
  impl_ = std::make_shared<Impl>();
  impl_->targets = targets;
  for (const std::string& name : options_.exclude) {
    chosen_columns(table, {name}, {}, where_);
  }
  for (const RowColumn& column : table.columns) {
    const bool target = std::find(targets.begin(), targets.end(), column.name) != targets.end();
    const bool excluded = std::find(options_.exclude.begin(), options_.exclude.end(), column.name) != options_.exclude.end();
    if (column.passes || column.dropped || (excluded && !target)) {
      continue;
    }
    if (column.kind == ColumnKind::kCategory) {
      add_levels(table, column, impl_->inputs);
    } else if (column.kind == ColumnKind::kNumber) {
      const std::vector<double> sorted = sorted_numbers(row_numbers(table, column));
      const double deviation = deviation_of_numbers(sorted);
      if (target || (deviation > 0 && sorted.size() * 2 > table.num_alive())) {  // mostly missing: no help to others
        impl_->inputs.push_back({column.name, false, "", mean_of_numbers(sorted), deviation > 0 ? deviation : 1});
      }
    }
  }
  impl_->transform = make_impute(options_, where_);
  FitContext fit{context.pool, 0, [&](const std::string& text) { context.report.note(text); },
                 [&](double) { context.poll(); }};
  impl_->transform->fit(live_rows(table, matrix_of(table, impl_->inputs, where_)), nullptr, fit);
}

std::map<std::string, std::vector<double>> TableFiller::fill(const RowTable& table, TableStepContext& context) const {
  const Matrix filled = impl_->transform->apply(matrix_of(table, impl_->inputs, where_), context.pool);
  std::map<std::string, std::vector<double>> all;
  for (size_t i = 0; i < impl_->inputs.size(); ++i) {
    const Input& input = impl_->inputs[i];
    if (input.is_level || std::find(impl_->targets.begin(), impl_->targets.end(), input.column) == impl_->targets.end()) {
      continue;
    }
    std::vector<double>& values = all[input.column];
    for (uint64_t row = 0; row < table.rows; ++row) {
      values.push_back(filled.at(row, i) * input.deviation + input.mean);
    }
  }
  return all;
}

nlohmann::json TableFiller::learnt(const fs::path& dir) const {
  auto inputs = nlohmann::json::array();
  for (const Input& input : impl_->inputs) {
    inputs.push_back(input.is_level ? nlohmann::json{{"column", input.column}, {"level", input.level}}
                                    : nlohmann::json{{"column", input.column}, {"mean", input.mean}, {"deviation", input.deviation}});
  }
  make_dirs(dir / kFile);
  SavedWriter out;
  impl_->transform->save(out);
  out.write(dir / kFile);
  return {{"inputs", inputs}, {"targets", impl_->targets}};
}

void TableFiller::load(const nlohmann::json& learnt, const fs::path& dir) {
  impl_ = std::make_shared<Impl>();
  for (const auto& input : learnt.at("inputs")) {
    const bool is_level = input.contains("level");
    impl_->inputs.push_back({input.at("column").get<std::string>(), is_level, input.value("level", ""),
                             input.value("mean", 0.0), input.value("deviation", 1.0)});
    if (!(impl_->inputs.back().deviation > 0)) {
      throw Error(ErrorKind::kInput, "a deviation is not above 0", where_);
    }
  }
  impl_->targets = learnt.at("targets").get<std::vector<std::string>>();
  impl_->transform = make_impute(options_, where_);
  impl_->transform->load(SavedReader::open(dir / kFile));
}

}  // namespace athanor
