#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/trees/tree_testing.h"
#include "athanor/data/testing/test_scratch.h"

namespace athanor::tree_testing {

namespace {

Made uniform_rows(uint64_t rows, uint64_t columns, uint64_t seed) {
  Made made{Matrix::dense(rows, columns), {}};
  Rng rng(seed);
  for (double& value : made.x.values) {
    value = 2 * rng.uniform() - 1;
  }
  return made;
}

std::string files_of(const fs::path& dir) {
  return read_file(dir / "saved.json", 1 << 30) + read_file(dir / "arrays.safetensors", 1 << 30);
}

}  // namespace

Made smooth_rows(uint64_t rows, uint64_t columns, uint64_t seed) {
  Made made = uniform_rows(rows, columns, seed);
  made.target.task = Task::kRegression;
  for (uint64_t r = 0; r < rows; ++r) {
    const double a = made.x.at(r, 0);
    const double b = made.x.at(r, 1);
    made.target.values.push_back((a > 0.2 ? 3 : 0) + 2 * a * b + std::sin(4 * b));
  }
  return made;
}

Made class_rows(uint64_t rows, uint64_t columns, int classes, uint64_t seed) {
  Made made = uniform_rows(rows, columns, seed);
  Rng rng(seed + 1000);
  made.target.task = Task::kClasses;
  for (int k = 0; k < classes; ++k) {
    made.target.labels.push_back("class" + std::to_string(k));
  }
  for (uint64_t r = 0; r < rows; ++r) {
    const bool noise = rng.uniform() < 0.01;
    const double place = (made.x.at(r, 0) + 1) / 2 * classes;
    made.target.classes.push_back(
        noise ? static_cast<int32_t>(rng.below(static_cast<uint64_t>(classes)))
              : std::min(classes - 1, static_cast<int>(place)));
  }
  return made;
}

Made shuffled(const Made& made) {
  std::vector<uint64_t> order(made.x.rows);
  for (uint64_t i = 0; i < order.size(); ++i) {
    order[i] = permute(i, order.size(), 77);
  }
  return {take_rows(made.x, order), take_rows(made.target, order)};
}

double rmse(const Matrix& predicted, const Target& target) {
  double sum = 0;
  for (uint64_t r = 0; r < predicted.rows; ++r) {
    sum += std::pow(predicted.at(r, 0) - target.values[r], 2);
  }
  return std::sqrt(sum / static_cast<double>(predicted.rows));
}

double deviation(const Target& target) {
  double sum = 0, squares = 0;
  for (const double value : target.values) {
    sum += value;
    squares += value * value;
  }
  const auto n = static_cast<double>(target.values.size());
  return std::sqrt(squares / n - sum / n * sum / n);
}

double accuracy(const Matrix& predicted, const Target& target) {
  double right = 0;
  for (uint64_t r = 0; r < predicted.rows; ++r) {
    const double* row = predicted.row(r);
    right += std::max_element(row, row + predicted.columns) - row == target.classes[r] ? 1 : 0;
  }
  return right / static_cast<double>(predicted.rows);
}

std::string bytes_of(const ClassicModel& model, const std::string& kind,
                     const nlohmann::json& options, Task task) {
  const fs::path dir = scratch("tree_bytes");
  SavedWriter out;
  save_model(model, kind, options, task, out.part("model"));
  out.write(dir);
  return files_of(dir);
}

std::string fitted_bytes(const std::string& kind, const nlohmann::json& options, const Made& made,
                         int threads) {
  ThreadPool pool(threads);
  FitContext context{pool, 42};
  const auto model = make_model(kind, options, made.target.task, "model");
  model->fit(made.x, made.target, context);
  return bytes_of(*model, kind, options, made.target.task);
}

std::unique_ptr<ClassicModel> reloaded(const ClassicModel& model, const std::string& kind,
                                       const nlohmann::json& options, Task task) {
  const fs::path dir = scratch("tree_reloaded");
  SavedWriter out;
  save_model(model, kind, options, task, out.part("model"));
  out.write(dir);
  return load_model(SavedReader::open(dir).part("model"));
}

std::string message_of(const std::function<void()>& act) {
  try {
    act();
  } catch (const Error& error) {
    return error.where() + ": " + error.message();
  }
  return "";
}

}  // namespace athanor::tree_testing
