// Fits trees on a matrix and explains some of its rows, for bench/tree_shap.py:
//
//   shap_speed MATRIX ROWS COLUMNS CLASSES KIND OPTIONS_JSON EXPLAINED THREADS OUT
//
// MATRIX: doubles, a row its features and then the truth (CLASSES 0: a value; else a class's number). Explains the first
// EXPLAINED rows. OUT.json: the trees; OUT.bin: contributions as doubles, an output after another. Prints a line of JSON:
// seconds and CPU seconds of the explanation.
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/classic/trees/shap.h"

using namespace athanor;

namespace {

void read_matrix(const char* path, Matrix& x, Target& target, uint64_t classes) {
  const std::string bytes = read_file(path, uint64_t{1} << 32);
  std::vector<double> all(bytes.size() / sizeof(double));
  std::memcpy(all.data(), bytes.data(), all.size() * sizeof(double));
  for (uint64_t r = 0; r < x.rows; ++r) {
    const double* row = all.data() + r * (x.columns + 1);
    std::copy_n(row, x.columns, x.row(r));
    if (classes == 0) {
      target.values.push_back(row[x.columns]);
    } else {
      target.classes.push_back(static_cast<int32_t>(row[x.columns]));
    }
  }
  target.task = classes == 0 ? Task::kRegression : Task::kClasses;
  for (uint64_t k = 0; k < classes; ++k) {
    target.labels.push_back(std::to_string(k));
  }
}

nlohmann::json trees_json(const TreeModel& model) {
  const TreeSet& trees = model.trees();
  auto list = nlohmann::json::array();
  for (uint64_t tree = 0; tree < trees.trees(); ++tree) {
    nlohmann::json one;
    const int32_t begin = trees.roots[tree];
    for (int32_t i = begin; i < trees.end_of(tree); ++i) {
      const TreeNode& node = trees.nodes[static_cast<size_t>(i)];
      const int32_t left = node.is_leaf() ? -1 : node.child - begin;
      one["left"].push_back(left);
      one["right"].push_back(node.is_leaf() ? -1 : left + 1);
      one["default"].push_back(node.is_leaf() ? -1 : node.missing_left() ? left : left + 1);
      one["feature"].push_back(node.is_leaf() ? -2 : node.column());
      one["threshold"].push_back(node.is_leaf() ? 0.0 : node.threshold);
      one["cover"].push_back(trees.cover[static_cast<size_t>(i)]);
      std::vector<double> value(trees.width, 0.0);
      if (node.is_leaf()) {
        std::copy_n(trees.value_of(node), trees.width, value.begin());
      }
      one["value"].push_back(value);
    }
    list.push_back(std::move(one));
  }
  return {{"trees", list}, {"scale", model.contribution_scale()}};
}

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

int run(char** argv) {
  const uint64_t classes = std::stoull(argv[4]);
  Matrix x = Matrix::dense(std::stoull(argv[2]), std::stoull(argv[3]));
  Target target;
  read_matrix(argv[1], x, target, classes);
  ThreadPool pool(std::stoi(argv[8]));
  FitContext context{pool, 1};
  const auto model = make_model(argv[5], nlohmann::json::parse(argv[6]), target.task, "model");
  model->fit(x, target, context);
  const auto& trees = dynamic_cast<const TreeModel&>(*model);
  std::vector<uint64_t> rows(std::min<uint64_t>(x.rows, std::stoull(argv[7])));
  std::iota(rows.begin(), rows.end(), uint64_t{0});
  const Matrix some = take_rows(x, rows);
  const auto begin = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  const Contributions found = tree_contributions(trees, some, pool);
  const double used = cpu_seconds() - cpu;
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  std::string bytes;
  for (const Matrix& output : found.of_output) {
    bytes.append(reinterpret_cast<const char*>(output.values.data()), output.values.size() * sizeof(double));
  }
  write_file_atomic(std::string(argv[9]) + ".bin", bytes);
  write_file_atomic(std::string(argv[9]) + ".json", trees_json(trees).dump());
  std::printf("{\"seconds\": %.4f, \"cpu\": %.4f, \"leaves\": %llu, \"outputs\": %zu}\n", took.count(), used,
              static_cast<unsigned long long>(trees.trees().leaves()), found.of_output.size());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 10) {
    std::fprintf(stderr, "shap_speed MATRIX ROWS COLUMNS CLASSES KIND OPTIONS_JSON EXPLAINED THREADS OUT\n");
    return 2;
  }
  try {
    return run(argv);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
