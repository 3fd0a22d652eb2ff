#include "athanor/classic/models/knn.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/neighbour_tree.h"
#include "athanor/classic/models/reference_rows.h"

namespace athanor::classic {

namespace {

constexpr size_t kTreeColumns = 15;
constexpr size_t kTreeRows = 500;

using Neighbours = std::vector<std::pair<double, uint32_t>>;

// Rows of length 1; a row of zeros stays one.
Matrix unit_rows(Matrix x) {
  for (uint64_t r = 0; r < x.rows; ++r) {
    double square = 0;
    x.for_each_in_row(r, [&](uint32_t, double value) { square += value * value; });
    const double scale = square > 0 ? 1 / std::sqrt(square) : 0;
    if (x.is_sparse) {
      for (uint64_t i = x.sparse.offsets[r]; i < x.sparse.offsets[r + 1]; ++i) {
        x.sparse.values[i] *= scale;
      }
    } else {
      std::for_each(x.row(r), x.row(r) + x.columns, [&](double& value) { value *= scale; });
    }
  }
  return x;
}

class Knn final : public ClassicModel {
 public:
  Knn(const KnnOptions& options, Task task)
      : options_(options), task_(task),
        metric_(options.metric == "euclidean" ? Metric::kSquaredEuclidean
                                              : (options.metric == "manhattan" ? Metric::kManhattan : Metric::kDot)) {}

  void fit(const Matrix& x, const Target& target, FitContext& context) override {
    check_training(x, target);
    outputs_ = task_ == Task::kRegression ? 1 : target.labels.size();
    if (outputs_ == 0) {
      throw Error(ErrorKind::kInput, "the target has no classes", "", "give a target column with values");
    }
    std::vector<uint64_t> kept;
    answers_.clear();
    weights_.clear();
    for (uint64_t r = 0; r < x.rows; ++r) {
      if (target.weight(r) == 0) {
        continue;
      }
      kept.push_back(r);
      weights_.push_back(target.weight(r));
      for (size_t k = 0; k < outputs_; ++k) {
        answers_.push_back(task_ == Task::kRegression ? target.values[r]
                           : task_ == Task::kClasses  ? (target.classes[r] == static_cast<int32_t>(k) ? 1.0 : 0.0)
                                                      : (target.marks[r * outputs_ + k] != 0 ? 1.0 : 0.0));
      }
    }
    if (kept.size() > UINT32_MAX) {
      throw Error(ErrorKind::kResource, "too many rows for nearest neighbours", "", "fit on a sample");
    }
    if (kept.size() < static_cast<size_t>(options_.neighbours)) {
      context.warn("knn: " + std::to_string(options_.neighbours) + " neighbours of " + std::to_string(kept.size()) +
                   " rows: every row is asked");
    }
    Matrix own = take_rows(x, kept);
    own.names.clear();
    rows_ = ReferenceRows(metric_ == Metric::kDot ? unit_rows(std::move(own)) : std::move(own));
    plant();
  }

  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    check_rows(x, rows_.rows().columns);
    const Matrix units = metric_ == Metric::kDot ? unit_rows(x) : Matrix();
    const Matrix& queries = metric_ == Metric::kDot ? units : x;
    const size_t wanted = std::min<size_t>(static_cast<size_t>(options_.neighbours), rows_.count());
    Matrix out = Matrix::dense(x.rows, outputs_);
    for_pieces(pool, x.rows, 64, [&](size_t, size_t begin, size_t end) {
      Nearest nearest(wanted);
      Neighbours found;
      std::vector<double> distances(has_tree_ ? 0 : ReferenceRows::kQueries * rows_.stride());
      std::vector<double> query(has_tree_ && x.is_sparse ? x.columns : 0);
      for (size_t r = begin; r < end; r += ReferenceRows::kQueries) {
        const size_t num = std::min(ReferenceRows::kQueries, end - r);
        if (!has_tree_) {
          rows_.measure(metric_, queries, r, num, distances.data());
        }
        for (size_t q = 0; q < num; ++q) {
          if (has_tree_) {
            search_tree(x, r + q, query, nearest);
          } else {
            search_all(distances.data() + q * rows_.stride(), nearest);
          }
          nearest.take(found);
          answer(found, out.row(r + q));
        }
      }
    });
    check_result(out.values, "a prediction");
    return out;
  }
  bool gives_probabilities() const override { return task_ != Task::kRegression; }
  nlohmann::json description(const std::vector<std::string>&) const override {
    return {{"rows", rows_.count()}, {"columns", rows_.rows().columns}, {"neighbours", options_.neighbours},
            {"metric", options_.metric}, {"search", has_tree_ ? "tree" : "brute"}};
  }

  void save(SavedWriter& out) const override {
    out.json()["columns"] = rows_.rows().columns;
    out.json()["outputs"] = outputs_;
    rows_.save(out.part("rows"));
    out.put("answers", std::span<const double>(answers_));
    out.put("weights", std::span<const double>(weights_));
  }
  void load(const SavedReader& in) override {
    const int64_t columns = read_count(in, "columns", 1, kMaxColumns);
    outputs_ = static_cast<size_t>(read_count(in, "outputs", 1, kMaxClasses));
    rows_ = ReferenceRows();
    rows_.load(in.part("rows"), static_cast<size_t>(columns));
    if (rows_.count() == 0 || (task_ == Task::kRegression && outputs_ != 1)) {
      in.fail("there are no rows, or more than one answer a row");
    }
    answers_ = read_finite(in, "answers", checked_product(in, static_cast<int64_t>(rows_.count()), static_cast<int64_t>(outputs_)));
    weights_ = read_finite(in, "weights", rows_.count());
    if (std::any_of(weights_.begin(), weights_.end(), [](double weight) { return !(weight > 0); })) {
      in.fail("a weight is not above 0");
    }
    plant();
  }

 private:
  void plant() {
    const Matrix& rows = rows_.rows();
    const bool can = !rows.is_sparse && metric_ != Metric::kDot;
    const bool pays = rows.columns <= kTreeColumns && rows.rows >= kTreeRows;
    has_tree_ = can && (options_.search == "tree" || (options_.search == "auto" && pays));
    if (has_tree_) {
      tree_ = NeighbourTree(rows, metric_);
    }
  }
  void search_tree(const Matrix& x, uint64_t row, std::vector<double>& query, Nearest& nearest) const {
    if (!x.is_sparse) {
      tree_.nearest(x.row(row), nearest);
      return;
    }
    std::fill(query.begin(), query.end(), 0.0);
    x.for_each_in_row(row, [&](uint32_t column, double value) { query[column] = value; });
    tree_.nearest(query.data(), nearest);
  }
  void search_all(double* distances, Nearest& nearest) const {
    const size_t count = rows_.count();
    if (metric_ == Metric::kDot) {
      for (size_t i = 0; i < count; ++i) {
        distances[i] = std::clamp(1 - distances[i], 0.0, 2.0);
      }
    }
    size_t i = 0;
    for (; i < count && !nearest.full(); ++i) {
      nearest.offer(distances[i], static_cast<uint32_t>(i));
    }
    double worst = nearest.worst();
    for (; i < count; ++i) {
      if (distances[i] < worst) {  // an equal one came later
        nearest.offer(distances[i], static_cast<uint32_t>(i));
        worst = nearest.worst();
      }
    }
  }
  void answer(const Neighbours& found, double* out) const {
    const bool by_distance = options_.weights == "distance";
    const auto size_of = [&](double distance) { return metric_ == Metric::kSquaredEuclidean ? std::sqrt(distance) : distance; };
    const bool exact = by_distance && !(1 / size_of(found.front().first) <= 1e300);
    double total = 0;
    for (const auto& [distance, row] : found) {
      double say = weights_[row];
      if (exact) {
        say *= 1 / size_of(distance) <= 1e300 ? 0 : 1;
      } else if (by_distance) {
        say /= size_of(distance);
      }
      total += say;
      for (size_t k = 0; k < outputs_; ++k) {
        out[k] += say * answers_[row * outputs_ + k];
      }
    }
    for (size_t k = 0; k < outputs_; ++k) {
      out[k] /= total;
    }
  }

  KnnOptions options_;
  Task task_;
  Metric metric_;
  ReferenceRows rows_;
  size_t outputs_ = 0;
  std::vector<double> answers_;  // rows x outputs
  std::vector<double> weights_;
  bool has_tree_ = false;
  NeighbourTree tree_;  // over rows_
};

}  // namespace

std::unique_ptr<ClassicModel> make_knn(const nlohmann::json& options, Task task) {
  return std::make_unique<Knn>(load_options<KnnOptions>(options), task);
}

}  // namespace athanor::classic
