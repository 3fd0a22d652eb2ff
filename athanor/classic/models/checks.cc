#include "athanor/classic/models/checks.h"

#include <cmath>

#include "athanor/base/error.h"

namespace athanor::classic {

namespace {

[[noreturn]] void fail(const std::string& what, const std::string& hint) {
  throw Error(ErrorKind::kInput, what, "", hint);
}

void check_finite(const Matrix& x) {
  const auto complain = [&](uint64_t row, uint64_t column, double value) {
    const std::string name = "'" + x.name_of(column) + "'";
    if (std::isnan(value)) {
      fail(name + " has a missing value (row " + std::to_string(row) + ")", "impute it, or take a model that splits (trees)");
    }
    fail(name + " has an infinite value (row " + std::to_string(row) + ")", "clip or impute it");
  };
  const auto& values = x.is_sparse ? x.sparse.values : x.values;
  double sum = 0;  // of zeros: NaN as soon as one value is not finite
  for (const double value : values) {
    sum += value * 0.0;
  }
  if (sum == 0) {
    return;
  }
  for (uint64_t r = 0; r < x.rows; ++r) {
    x.for_each_in_row(r, [&](uint32_t column, double value) {
      if (!std::isfinite(value)) {
        complain(r, column, value);
      }
    });
  }
}

void check_weights(const Target& target, uint64_t rows) {
  if (target.weights.empty()) {
    return;
  }
  if (target.weights.size() != rows) {
    fail(std::to_string(target.weights.size()) + " weights for " + std::to_string(rows) + " rows", "give a weight a row");
  }
  double sum = 0;
  for (size_t r = 0; r < rows; ++r) {
    const double weight = target.weights[r];
    if (!std::isfinite(weight) || weight < 0) {
      fail("the weight of row " + std::to_string(r) + " is negative or not a number", "weights are 0 or more");
    }
    sum += weight;
  }
  if (!(sum > 0) || !std::isfinite(sum)) {
    fail(sum > 0 ? "the weights are too large to be added" : "every row has weight 0", "give some row a weight above 0");
  }
}

void check_target(const Target& target, uint64_t rows) {
  if (target.task == Task::kClusters || target.task == Task::kAnomaly) {
    return;
  }
  if (target.rows() != rows) {
    fail("the target has " + std::to_string(target.rows()) + " values for " + std::to_string(rows) + " rows",
         "drop the rows whose target is missing");
  }
  const auto width = target.labels.size();
  if (target.task == Task::kMultiLabel && target.marks.size() != rows * width) {
    fail("the marks are not a value a row and label", "");
  }
  for (size_t r = 0; target.task == Task::kClasses && r < rows; ++r) {
    if (target.classes[r] < 0 || static_cast<size_t>(target.classes[r]) >= width) {
      fail("row " + std::to_string(r) + " has a class that has no name", "drop the rows whose target is missing");
    }
  }
  for (size_t r = 0; target.task == Task::kRegression && r < rows; ++r) {
    if (!std::isfinite(target.values[r])) {
      fail("the target of row " + std::to_string(r) + " is missing or infinite", "drop the rows whose target is missing");
    }
  }
}

}  // namespace

void check_training(const Matrix& x, const Target& target, bool finite) {
  if (x.rows == 0 || x.columns == 0) {
    fail("nothing to learn from: " + std::to_string(x.rows) + " rows, " + std::to_string(x.columns) + " columns",
         "look at what the features left over");
  }
  check_target(target, x.rows);
  check_weights(target, x.rows);
  if (finite) {
    check_finite(x);
  }
}

void check_rows(const Matrix& x, uint64_t columns) {
  if (x.columns != columns) {
    fail("the model knows " + std::to_string(columns) + " columns, the rows have " + std::to_string(x.columns),
         "predict with the features that the model was fitted with");
  }
  check_finite(x);
}

void check_result(std::span<const double> values, const char* what) {
  for (const double value : values) {
    if (!std::isfinite(value)) {
      fail(std::string(what) + " is not a finite number", "the features, or the numbers to be learnt, are too large or too unlike each other: scale them");
    }
  }
}

void check_not_negative(const Matrix& x, const std::string& who) {
  for (uint64_t r = 0; r < x.rows; ++r) {
    x.for_each_in_row(r, [&](uint32_t column, double value) {
      if (value < 0) {
        fail("'" + x.name_of(column) + "' has a negative value (row " + std::to_string(r) + "); " + who + " counts",
             "scale to 0..1 (minmax), or take by: gaussian");
      }
    });
  }
}

std::vector<double> read_finite(const SavedReader& in, const std::string& name, size_t size) {
  const auto stored = in.doubles(name, size);
  for (const double value : stored) {
    if (!std::isfinite(value)) {
      in.fail("the array '" + name + "' holds a value that is not finite");
    }
  }
  return {stored.begin(), stored.end()};
}

int64_t read_count(const SavedReader& in, const char* key, int64_t minimum, int64_t maximum) {
  const auto& json = in.json();
  const auto found = json.find(key);
  if (found == json.end() || !found->is_number_integer()) {
    in.fail(std::string("'") + key + "' is missing or no whole number");
  }
  const auto value = found->get<int64_t>();
  if (value < minimum || value > maximum) {
    in.fail(std::string("'") + key + "' is out of range: " + std::to_string(value));
  }
  return value;
}

size_t checked_product(const SavedReader& in, int64_t a, int64_t b, int64_t limit) {
  int64_t product = 0;
  if (__builtin_mul_overflow(a, b, &product) || product < 0 || product > limit) {
    in.fail("sizes are out of range: " + std::to_string(a) + " x " + std::to_string(b));
  }
  return static_cast<size_t>(product);
}

void for_pieces(ThreadPool& pool, size_t count, size_t piece,
                const std::function<void(size_t index, size_t begin, size_t end)>& work) {
  const size_t pieces = num_pieces(count, piece);
  if (pieces == 1) {
    work(0, 0, count);
    return;
  }
  pool.parallel_for(pieces, [&](size_t i) { work(i, i * piece, std::min(count, (i + 1) * piece)); });
}

}  // namespace athanor::classic
