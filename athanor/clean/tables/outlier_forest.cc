#include "athanor/clean/tables/outlier_forest.h"

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/models/model.h"
#include "athanor/clean/tables/number_facts.h"

namespace athanor {

namespace {
constexpr const char* kKind = "isolation_forest";
constexpr const char* kFolder = "forest";
}  // namespace

struct OutlierForest::Impl {
  std::vector<std::string> columns;
  std::vector<double> medians;
  nlohmann::json options;
  std::unique_ptr<ClassicModel> model;

  Matrix matrix(const RowTable& table, bool live_only, const std::string& where) const {
    Matrix x = Matrix::dense(live_only ? table.num_alive() : table.rows, columns.size());
    x.names = columns;
    for (size_t i = 0; i < columns.size(); ++i) {
      const std::vector<double> numbers = row_numbers(table, column_at(table, columns[i], where));
      uint64_t at = 0;
      for (uint64_t row = 0; row < table.rows; ++row) {
        if (!live_only || table.alive[row] != 0) {
          x.at(at++, i) = std::isnan(numbers[row]) ? medians[i] : numbers[row];
        }
      }
    }
    return x;
  }
};

void OutlierForest::learn(const RowTable& table, const std::vector<std::string>& columns, TableStepContext& context) {
  impl_ = std::make_shared<Impl>();
  for (const std::string& name : columns) {
    const std::vector<double> sorted = sorted_numbers(row_numbers(table, column_at(table, name, where_)));
    if (sorted.empty()) {
      context.report.note("column '" + name + "' has no numbers in the training rows and is not read");
      continue;
    }
    impl_->columns.push_back(name);
    impl_->medians.push_back(quantile_of(sorted, 0.5));
  }
  if (impl_->columns.empty()) {
    throw Error(ErrorKind::kInput, "there is no column of numbers to find odd rows by", where_,
                "make numbers of columns first: formats: {as: number}, or units");
  }
  impl_->options = {{"trees", trees_}, {"contamination", contamination_}};
  impl_->model = make_model(kKind, impl_->options, Task::kAnomaly, where_);
  FitContext fit{context.pool, seed_, [&](const std::string& text) { context.report.note(text); },
                 [&](double) { context.poll(); }};
  Target none;
  none.task = Task::kAnomaly;
  impl_->model->fit(impl_->matrix(table, true, where_), none, fit);
}

std::vector<double> OutlierForest::scores(const RowTable& table, TableStepContext& context) const {
  return impl_->model->predict(impl_->matrix(table, false, where_), context.pool).values;
}

double OutlierForest::threshold() const { return impl_->model->threshold(); }

nlohmann::json OutlierForest::learnt(const fs::path& dir) const {
  make_dirs(dir / kFolder);
  SavedWriter out;
  save_model(*impl_->model, kKind, impl_->options, Task::kAnomaly, out);
  out.write(dir / kFolder);
  return {{"columns", impl_->columns}, {"medians", impl_->medians}};
}

void OutlierForest::load(const nlohmann::json& learnt, const fs::path& dir) {
  impl_ = std::make_shared<Impl>();
  impl_->columns = learnt.at("columns").get<std::vector<std::string>>();
  impl_->medians = learnt.at("medians").get<std::vector<double>>();
  if (impl_->columns.size() != impl_->medians.size()) {
    throw Error(ErrorKind::kInput, "medians and columns differ in number", where_);
  }
  impl_->model = load_model(SavedReader::open(dir / kFolder));
}

}  // namespace athanor
