#include "athanor/classic/trees/isolation_forest.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/trees/sort_values.h"
#include "athanor/classic/trees/tree_kinds.h"

namespace athanor {

namespace {

constexpr uint64_t kRowSalt = 0x69736f;
constexpr double kEuler = 0.57721566490153286;

// Grows one tree over its rows, which it reorders.
class Grower {
 public:
  Grower(const Matrix& x, std::vector<uint64_t> rows, uint64_t key, TreeSet& trees)
      : x_(x), rows_(std::move(rows)), rng_(key), trees_(trees) {
    limit_ = static_cast<int>(
        std::ceil(std::log2(std::max<double>(2, static_cast<double>(rows_.size())))));
  }

  void grow() {
    const auto root = trees_.begin_tree();
    grow(root, 0, rows_.size(), 0);
  }

 private:
  // At most ceil(log2 rows) deep.
  void grow(int32_t node, size_t begin, size_t end, int depth) {
    trees_.cover.own()[static_cast<size_t>(node)] = static_cast<float>(end - begin);
    TreeSplit how;
    size_t middle = end;
    if (depth < limit_ && end - begin > 1 && choose(begin, end, how)) {
      middle = static_cast<size_t>(
          std::stable_partition(rows_.begin() + static_cast<std::ptrdiff_t>(begin),
                                rows_.begin() + static_cast<std::ptrdiff_t>(end),
                                [&](uint64_t row) {
                                  const double value =
                                      x_.at(row, static_cast<uint64_t>(how.feature));
                                  return std::isnan(value) ? how.missing_left
                                                           : value <= how.threshold;
                                }) -
          rows_.begin());
    }
    if (middle == end || middle == begin) {
      const double value = depth + mean_search_depth(static_cast<double>(end - begin));
      trees_.make_leaf(node, {&value, 1});
      return;
    }
    const int32_t left = trees_.split(node, how);
    grow(left, begin, middle, depth + 1);
    grow(left + 1, middle, end, depth + 1);
  }

  // A feature at random among those that vary here, and a threshold between its ends.
  bool choose(size_t begin, size_t end, TreeSplit& how) {
    const uint64_t columns = x_.columns;
    const uint64_t key = rng_.next();
    for (uint64_t i = 0; i < columns; ++i) {
      const uint64_t column = permute(i, columns, key);
      double low = INFINITY, high = -INFINITY;
      for (size_t r = begin; r < end; ++r) {
        const double value = x_.at(rows_[r], column);
        low = value < low ? value : low;
        high = value > high ? value : high;
      }
      if (low < high) {
        const double threshold = low + rng_.uniform() * (high - low);
        how = {static_cast<int32_t>(column), threshold < high ? threshold : low,
               (rng_.next() & 1) != 0, 0};
        return true;
      }
    }
    return false;
  }

  const Matrix& x_;
  std::vector<uint64_t> rows_;
  Rng rng_;
  TreeSet& trees_;
  int limit_ = 1;
};

}  // namespace

double mean_search_depth(double rows) {
  if (rows <= 1) {
    return 0;
  }
  return rows == 2 ? 1 : 2 * (std::log(rows - 1) + kEuler) - 2 * (rows - 1) / rows;
}

void IsolationForestOptions::fields(Fields<IsolationForestOptions>& f) {
  f.add("trees", &IsolationForestOptions::trees, "number of trees").range(1, 100'000);
  f.add("rows", &IsolationForestOptions::rows, "rows that a tree is grown on at most")
      .range(2, 1e9);
  f.add("contamination", &IsolationForestOptions::contamination,
        "share of the training rows held to be odd; 0: those that score above 0.5")
      .range(0, 0.5);
}

void IsolationForest::fit(const Matrix& given, const Target&, FitContext& context) {
  const Matrix dense = given.is_sparse ? to_dense(given) : Matrix{};
  const Matrix& x = given.is_sparse ? dense : given;
  if (x.rows == 0 || x.columns == 0) {
    throw Error(ErrorKind::kInput, "there are no rows or no features to learn from", "",
                "check the table's rows and features");
  }
  for (size_t i = 0; i < x.values.size(); ++i) {
    if (std::isinf(x.values[i])) {
      throw Error(ErrorKind::kInput,
                  "the feature '" + x.name_of(i % x.columns) + "' holds an infinity", "",
                  "clip it, or count it as missing");
    }
  }
  const uint64_t rows = std::min<uint64_t>(x.rows, static_cast<uint64_t>(options_.rows));
  sampled_ = static_cast<double>(rows);
  trees_ = TreeSet{};
  trees_.columns = x.columns;
  std::vector<TreeSet> grown(static_cast<size_t>(options_.trees));
  context.progress(0);
  context.pool.parallel_for(grown.size(), [&](size_t t) {
    const uint64_t key = random_at(context.seed, kRowSalt, t);
    std::vector<uint64_t> sample(rows);
    for (uint64_t i = 0; i < rows; ++i) {
      sample[i] = permute(i, x.rows, key);
    }
    Grower(x, std::move(sample), mix64(key), grown[t]).grow();
  });
  for (const TreeSet& tree : grown) {
    trees_.append(tree);
  }
  threshold_ = 0.5;
  if (options_.contamination > 0) {
    std::vector<double> scores = predict(x, context.pool).values;
    sort_values(scores);
    // The quantile between two scores, linearly.
    const double at = (1 - options_.contamination) * static_cast<double>(scores.size() - 1);
    const auto below = static_cast<size_t>(at);
    const double above = scores[std::min(below + 1, scores.size() - 1)];
    threshold_ = scores[below] + (at - static_cast<double>(below)) * (above - scores[below]);
  }
}

Matrix IsolationForest::predict(const Matrix& x, ThreadPool& pool) const {
  Matrix out = sum_of_trees(trees_, x, contribution_scale(), {}, pool);
  const double usual = mean_search_depth(sampled_);
  for (double& value : out.values) {
    value = usual > 0 ? std::exp2(-value / usual) : 0.5;
  }
  return out;
}

std::vector<double> IsolationForest::importances(std::string* what) const {
  if (what != nullptr) {
    *what = "share of splits";
  }
  return trees_.split_importances();
}

nlohmann::json IsolationForest::description(const std::vector<std::string>& names) const {
  nlohmann::json out = trees_description(names);
  out["threshold"] = threshold_;
  return out;
}

void IsolationForest::save(SavedWriter& out) const {
  out.json()["sampled"] = sampled_;
  out.json()["threshold"] = threshold_;
  SavedWriter part = out.part("trees");
  trees_.save(part);
}

void IsolationForest::load(const SavedReader& in) {
  sampled_ = in.get<double>("sampled");
  threshold_ = in.get<double>("threshold");
  trees_.load(in.part("trees"));
  if (trees_.trees() == 0 || trees_.outputs() != 1 || !(sampled_ >= 1) ||
      !std::isfinite(sampled_) || !std::isfinite(threshold_)) {
    in.fail("the trees do not give what the model predicts");
  }
}

ModelKind isolation_forest_kind() {
  return {"isolation_forest",
          "isolation forest: how few random cuts set a row apart",
          {Task::kAnomaly},
          true,
          false,
          schema_of<IsolationForestOptions>(),
          [](const nlohmann::json& options, Task) -> std::unique_ptr<ClassicModel> {
            return std::make_unique<IsolationForest>(load_options<IsolationForestOptions>(options));
          }};
}

}  // namespace athanor
