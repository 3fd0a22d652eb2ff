// The fixtures of tests/parity/make_linear_fixtures.py as matrices and targets, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "athanor/base/file.h"
#include "athanor/classic/models/model.h"
#include "athanor/classic/test_data.h"

namespace athanor::classic_test {

inline nlohmann::json fixture(const std::string& name) {
  return nlohmann::json::parse(read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/classic/models" / (name + ".json")));
}

struct Data {
  Matrix x;
  Target target;
};

inline Target classes_of(const std::vector<int32_t>& classes) {
  Target target;
  target.classes = classes;
  for (int32_t k = 0; k <= *std::max_element(classes.begin(), classes.end()); ++k) {
    target.labels.push_back("class " + std::to_string(k));
  }
  return target;
}

inline Target numbers_of(std::vector<double> values) {
  Target target;
  target.task = Task::kRegression;
  target.values = std::move(values);
  return target;
}

// One of data.json's sets; weighted: 0.5, 1, 2 in turn.
inline Data data_set(const std::string& name, bool weighted = false) {
  static const nlohmann::json all = fixture("data");
  const auto& one = all.at(name);
  Data data;
  data.x.columns = one["columns"].get<uint64_t>();
  data.x.values = one["x"].get<std::vector<double>>();
  data.x.rows = data.x.values.size() / data.x.columns;
  data.target = one["numbers"].get<bool>() ? numbers_of(one["y"].get<std::vector<double>>())
                                           : classes_of(one["y"].get<std::vector<int32_t>>());
  for (uint64_t r = 0; weighted && r < data.x.rows; ++r) {
    data.target.weights.push_back(std::vector<double>{0.5, 1, 2}[r % 3]);
  }
  return data;
}

inline Matrix sparse_of(const Matrix& x) {
  SparseRows sparse;
  for (uint64_t r = 0; r < x.rows; ++r) {
    for (uint64_t c = 0; c < x.columns; ++c) {
      if (x.at(r, c) != 0) {
        sparse.indices.push_back(static_cast<uint32_t>(c));
        sparse.values.push_back(x.at(r, c));
      }
    }
    sparse.offsets.push_back(sparse.indices.size());
  }
  return Matrix::from_sparse(std::move(sparse), x.columns);
}

inline Task task_named(const std::string& name) {
  for (const Task task : {Task::kClasses, Task::kMultiLabel, Task::kRegression, Task::kClusters, Task::kAnomaly}) {
    if (name == name_of(task)) {
      return task;
    }
  }
  return Task::kClasses;
}

inline std::unique_ptr<ClassicModel> fitted(const std::string& kind, const nlohmann::json& options, const Matrix& x,
                                            const Target& target, int threads = 2,
                                            std::vector<std::string>* warnings = nullptr) {
  ThreadPool pool(threads);
  FitContext context{pool, 1};
  if (warnings != nullptr) {
    context.warn = [warnings](const std::string& warning) { warnings->push_back(warning); };
  }
  auto model = make_model(kind, options, target.task, "test");
  model->fit(x, target, context);
  return model;
}

inline Matrix predicted(const ClassicModel& model, const Matrix& x) {
  ThreadPool pool(2);
  return model.predict(x, pool);
}

// Stored, read again: the same predictions to the bit. The copy.
inline std::unique_ptr<ClassicModel> reopened(const ClassicModel& model, const std::string& kind,
                                              const nlohmann::json& options, Task task, const fs::path& dir) {
  SavedWriter out;
  save_model(model, kind, options, task, out);
  fs::create_directories(dir);
  out.write(dir);
  return load_model(SavedReader::open(dir));
}

inline void expect_near(const std::vector<double>& found, const std::vector<double>& expected, const std::string& what,
                        double relative = 1e-6) {
  ASSERT_EQ(found.size(), expected.size()) << what;
  double largest = 0;
  for (const double value : expected) {
    largest = std::max(largest, std::fabs(value));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    ASSERT_NEAR(found[i], expected[i], relative * std::fabs(expected[i]) + 1e-3 * relative * largest) << what << ", value " << i;
  }
}

inline std::vector<double> flat(const nlohmann::json& list) {
  std::vector<double> out;
  for (const auto& item : list) {
    if (item.is_array()) {
      const auto inner = flat(item);
      out.insert(out.end(), inner.begin(), inner.end());
    } else {
      out.push_back(item.get<double>());
    }
  }
  return out;
}

// Fits as the case says, on dense and on sparse rows, and compares all that the case holds.
inline void expect_case(const nlohmann::json& one, double relative = 1e-6) {
  const auto name = one["name"].get<std::string>();
  const auto kind = one["model"].get<std::string>();
  Data data = data_set(one["data"], one["weighted"].get<bool>());
  if (one["task"] == "anomaly") {
    data.target = {};
    data.target.task = Task::kAnomaly;
  }
  const bool sparse_too = model_kind(kind, "test").reads_sparse;
  for (const bool sparse : {false, true}) {
    if (sparse && !sparse_too) {
      continue;
    }
    const std::string what = name + (sparse ? " (sparse)" : "");
    const Matrix x = sparse ? sparse_of(data.x) : data.x;
    const auto model = fitted(kind, one["options"], x, data.target);
    const auto dir = scratch("models");
    const auto copy = reopened(*model, kind, one["options"], data.target.task, dir);
    Matrix scores = predicted(*model, take_rows(x, one["rows"].get<std::vector<uint64_t>>()));
    ASSERT_EQ(predicted(*copy, take_rows(x, one["rows"].get<std::vector<uint64_t>>())).values, scores.values) << what;
    auto expected = flat(one["predict"]);
    if (scores.columns == 2 && expected.size() == scores.rows) {  // (-d, d)
      for (size_t r = 0; r < scores.rows; ++r) {
        scores.values[r] = scores.at(r, 1);
      }
      scores.values.resize(scores.rows);
    }
    expect_near(scores.values, expected, what + ": predictions", relative);
    for (const char* array : {"coefficients", "intercepts"}) {
      if (one.contains(array)) {
        const SavedReader all = SavedReader::open(dir);
        const SavedReader stored = all.json().contains("core0") ? all.part("core0") : all;
        const auto values = stored.doubles(array);
        auto wanted = flat(one[array]);
        if (wanted.size() == 1 && values.size() == 1 && wanted[0] == 0) {
          continue;  // without intercept
        }
        expect_near({values.begin(), values.end()}, wanted, what + ": " + array, relative);
      }
    }
    fs::remove_all(dir);
  }
}

}  // namespace athanor::classic_test
