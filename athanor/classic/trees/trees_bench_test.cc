// Run by bench/trees.py: ATHANOR_TREES_DIR holds train.bin and test.bin (u64 rows, u64 columns,
// then the features row after row and the targets, all doubles), ATHANOR_TREES the model as JSON
// {kind, options, task, classes, seed, threads, repeat}. Fits, writes the predictions to
// predicted.bin, prints one JSON line with seconds. With `store` the model is written to model/ as well; with `stored` it is
// opened there and asked one row, nothing else: a process that has just begun.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iostream>

#include "athanor/classic/models/model.h"

namespace athanor {
namespace {

struct Rows {
  Matrix x;
  std::vector<double> y;
};

Rows read_rows(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  uint64_t shape[2] = {};
  in.read(reinterpret_cast<char*>(shape), sizeof shape);
  Rows rows{Matrix::dense(shape[0], shape[1]), std::vector<double>(shape[0])};
  in.read(reinterpret_cast<char*>(rows.x.values.data()),
          static_cast<std::streamsize>(rows.x.values.size() * sizeof(double)));
  in.read(reinterpret_cast<char*>(rows.y.data()),
          static_cast<std::streamsize>(rows.y.size() * sizeof(double)));
  EXPECT_TRUE(in.good()) << path;
  for (uint64_t c = 0; c < shape[1]; ++c) {
    rows.x.names.push_back(std::to_string(c));
  }
  return rows;
}

// By the wall's clock, or the processor's.
double seconds(bool of_processor, const std::function<void()>& act) {
  const auto begin = std::chrono::steady_clock::now();
  const auto work = std::clock();
  act();
  return of_processor
             ? static_cast<double>(std::clock() - work) / CLOCKS_PER_SEC
             : std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void store(const ClassicModel& model, const nlohmann::json& given, Task task, const fs::path& dir, nlohmann::json& result) {
  fs::create_directories(dir);
  SavedWriter writer;
  save_model(model, given["kind"], given["options"], task, writer.part("model"));
  writer.write(dir);
  uint64_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(dir)) {
    bytes += entry.file_size();
  }
  result["bytes"] = bytes;
}

nlohmann::json ask_one_row(const fs::path& dir, Matrix x) {
  x.rows = 1;
  x.values.resize(x.columns);
  ThreadPool pool(1);
  std::unique_ptr<ClassicModel> model;
  nlohmann::json result;
  result["open"] = seconds(false, [&] { model = load_model(SavedReader::open(dir).part("model")); });
  Matrix said;
  result["predict"] = seconds(false, [&] { said = model->predict(x, pool); });
  result["said"] = said.values;
  return result;
}

TEST(TreesBench, FitAndPredict) {
  const char* dir = std::getenv("ATHANOR_TREES_DIR");
  const char* text = std::getenv("ATHANOR_TREES");
  if (dir == nullptr || text == nullptr) {
    GTEST_SKIP() << "bench/trees.py runs this";
  }
  const auto given = nlohmann::json::parse(text);
  const fs::path folder = fs::path(dir) / "model";
  if (given.contains("stored")) {
    std::cout << ask_one_row(folder, read_rows(std::string(dir) + "/test.bin").x) << "\n";
    return;
  }
  const Rows train = read_rows(std::string(dir) + "/train.bin");
  const Rows test = read_rows(std::string(dir) + "/test.bin");
  const auto classes = given.value("classes", 0);
  Target target;
  target.task = classes > 0 ? Task::kClasses : Task::kRegression;
  for (int k = 0; k < classes; ++k) {
    target.labels.push_back(std::to_string(k));
  }
  for (const double value : train.y) {
    if (classes > 0) {
      target.classes.push_back(static_cast<int32_t>(value));
    } else {
      target.values.push_back(value);
    }
  }
  if (given["kind"] == "isolation_forest") {
    target = Target{};
    target.task = Task::kAnomaly;
  }
  ThreadPool pool(given.value("threads", 2));
  FitContext context{pool, given.value("seed", uint64_t{0})};
  const bool cpu = given.value("clock", "wall") == std::string("cpu");
  std::vector<double> fits, predicts;
  nlohmann::json result;
  Matrix predicted;
  for (int i = 0; i < given.value("repeat", 1); ++i) {
    const auto model = make_model(given["kind"], given["options"], target.task, "bench");
    fits.push_back(seconds(cpu, [&] { model->fit(train.x, target, context); }));
    predicts.push_back(seconds(cpu, [&] { predicted = model->predict(test.x, pool); }));
    if (given.contains("store")) {
      store(*model, given, target.task, folder, result);
    }
  }
  std::ofstream out(std::string(dir) + "/predicted.bin", std::ios::binary);
  out.write(reinterpret_cast<const char*>(predicted.values.data()),
            static_cast<std::streamsize>(predicted.values.size() * sizeof(double)));
  std::sort(fits.begin(), fits.end());
  std::sort(predicts.begin(), predicts.end());
  result["fit"] = fits[fits.size() / 2];
  result["predict"] = predicts[predicts.size() / 2];
  std::cout << result << "\n";
}

}  // namespace
}  // namespace athanor
