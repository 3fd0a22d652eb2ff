// Run by bench/linear_models.py: fits one model on a file of rows, predicts another, prints one JSON line.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "athanor/base/file.h"
#include "athanor/classic/models/model.h"

namespace athanor {
namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

struct Rows {
  Matrix x;
  Target target;
};

// u64 sparse, rows, columns, stored, classes (0: numbers); then offsets u64 and indices u32 (sparse), values f64, target f64.
Rows read_rows(const fs::path& path, Task task) {
  const std::string bytes = read_file(path);
  size_t at = 0;
  const auto take = [&](auto& out, size_t count) {
    out.resize(count);
    std::memcpy(out.data(), bytes.data() + at, count * sizeof(out[0]));
    at += count * sizeof(out[0]);
  };
  std::vector<uint64_t> head;
  take(head, 5);
  Rows rows;
  rows.x.is_sparse = head[0] != 0;
  rows.x.rows = head[1];
  rows.x.columns = head[2];
  if (rows.x.is_sparse) {
    take(rows.x.sparse.offsets, head[1] + 1);
    take(rows.x.sparse.indices, head[3]);
    take(rows.x.sparse.values, head[3]);
  } else {
    take(rows.x.values, head[1] * head[2]);
  }
  std::vector<double> y;
  take(y, head[1]);
  rows.target.task = task;
  for (size_t k = 0; k < head[4]; ++k) {
    rows.target.labels.push_back(std::to_string(k));
  }
  if (task == Task::kClasses) {
    rows.target.classes.assign(y.begin(), y.end());
  } else if (task == Task::kRegression) {
    rows.target.values = y;
  }
  return rows;
}

void write_answers(const nlohmann::json& given, const Matrix& answers) {
  if (given.contains("answers")) {
    std::ofstream out(given["answers"].get<std::string>(), std::ios::binary);
    out.write(reinterpret_cast<const char*>(answers.values.data()),
              static_cast<std::streamsize>(answers.values.size() * sizeof(double)));
  }
}

double r_squared(const std::vector<double>& found, const std::vector<double>& truth) {
  double mean = 0, errors = 0, squares = 0;
  for (const double value : truth) {
    mean += value / static_cast<double>(truth.size());
  }
  for (size_t r = 0; r < truth.size(); ++r) {
    errors += (found[r] - truth[r]) * (found[r] - truth[r]);
    squares += (truth[r] - mean) * (truth[r] - mean);
  }
  return 1 - errors / squares;
}

TEST(LinearBench, FitAndPredict) {
  const char* text = std::getenv("ATHANOR_LINEAR_BENCH");
  if (text == nullptr) {
    GTEST_SKIP() << "bench/linear_models.py runs this";
  }
  const auto given = nlohmann::json::parse(text);
  Task task = Task::kClasses;
  for (const Task each : {Task::kRegression, Task::kClusters}) {
    task = given["task"] == name_of(each) ? each : task;
  }
  const Rows train = read_rows(given["train"].get<std::string>(), task);
  const Rows test = read_rows(given["test"].get<std::string>(), task);
  ThreadPool pool(given.value("threads", 0));
  FitContext context{pool, given.value("seed", uint64_t{1})};
  context.warn = [](const std::string& warning) { std::cerr << warning << "\n"; };
  const bool of_processor = given.value("clock", "wall") == std::string("cpu");
  const auto now = [of_processor] {
    return of_processor ? static_cast<double>(std::clock()) / CLOCKS_PER_SEC : since(Clock::time_point{});
  };
  if (given["kind"] == "pca") {
    const double begin = now();
    const auto pca = make_transform("pca", given["options"], "bench");
    pca->fit(train.x, nullptr, context);
    const double between = now();
    write_answers(given, pca->apply(test.x, pool));
    std::cout << nlohmann::json{{"fit", between - begin}, {"predict", now() - between}}.dump() << "\n";
    return;
  }
  const auto model = make_model(given["kind"], given["options"], task, "bench");
  const double begin = now();
  model->fit(train.x, train.target, context);
  const double between = now();
  const Matrix scores = model->predict(test.x, pool);
  nlohmann::json result{{"fit", between - begin}, {"predict", now() - between}};
  write_answers(given, scores);
  size_t right = 0;
  for (size_t r = 0; r < test.x.rows && task == Task::kClasses; ++r) {
    const double* row = scores.row(r);
    right += std::max_element(row, row + scores.columns) - row == test.target.classes[r] ? 1 : 0;
  }
  if (task == Task::kRegression) {
    result["score"] = r_squared(scores.values, test.target.values);
    std::cout << result.dump() << "\n";
    return;
  }
  result["score"] = task == Task::kClusters ? model->description({})["inertia"].get<double>()
                                            : static_cast<double>(right) / static_cast<double>(test.x.rows);
  std::cout << result.dump() << "\n";
}

}  // namespace
}  // namespace athanor
