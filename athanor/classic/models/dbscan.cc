#include "athanor/classic/models/dbscan.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/neighbour_tree.h"

namespace athanor::classic {

namespace {

class Dbscan final : public ClassicModel {
 public:
  explicit Dbscan(const DbscanOptions& options)
      : options_(options), metric_(options.metric == "manhattan" ? Metric::kManhattan : Metric::kSquaredEuclidean) {}

  void fit(const Matrix& x, const Target& target, FitContext& context) override {
    check_training(x, target);
    const Matrix rows = to_dense(x);
    if (rows.rows > UINT32_MAX) {
      throw Error(ErrorKind::kResource, "too many rows for dbscan", "", "cluster a sample");
    }
    columns_ = rows.columns;
    const NeighbourTree tree(rows, metric_);
    std::vector<uint8_t> is_core(rows.rows);
    for_pieces(context.pool, rows.rows, 256, [&](size_t, size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        int64_t near = 0;
        tree.within(rows.row(r), radius(), [&](uint32_t) { ++near; });
        is_core[r] = near >= options_.least ? 1 : 0;
      }
    });
    std::vector<int32_t> cluster(rows.rows, -1);
    std::vector<uint32_t> open;
    count_ = 0;
    for (uint32_t first = 0; first < rows.rows; ++first) {
      if (is_core[first] == 0 || cluster[first] >= 0) {
        continue;
      }
      cluster[first] = static_cast<int32_t>(count_);
      open.push_back(first);
      while (!open.empty()) {
        const uint32_t row = open.back();
        open.pop_back();
        tree.within(rows.row(row), radius(), [&](uint32_t other) {
          if (is_core[other] != 0 && cluster[other] < 0) {
            cluster[other] = static_cast<int32_t>(count_);
            open.push_back(other);
          }
        });
      }
      ++count_;
      context.progress(static_cast<double>(first) / static_cast<double>(rows.rows));
    }
    std::vector<uint64_t> cores;
    clusters_.clear();
    for (uint32_t r = 0; r < rows.rows; ++r) {
      if (is_core[r] != 0) {
        cores.push_back(r);
        clusters_.push_back(cluster[r]);
      }
    }
    cores_ = take_rows(rows, cores);
    cores_.names.clear();
    tree_ = NeighbourTree(cores_, metric_);
    if (cores.empty()) {
      context.warn("dbscan: no row has enough neighbours, all is noise; give a larger radius");
    }
  }

  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    check_rows(x, columns_);
    const Matrix rows = to_dense(x);
    Matrix out = Matrix::dense(x.rows, 1);
    for_pieces(pool, x.rows, 256, [&](size_t, size_t begin, size_t end) {
      for (size_t r = begin; r < end; ++r) {
        int32_t lowest = INT32_MAX;
        tree_.within(rows.row(r), radius(), [&](uint32_t core) { lowest = std::min(lowest, clusters_[core]); });
        out.values[r] = lowest == INT32_MAX ? -1 : lowest;
      }
    });
    return out;
  }
  nlohmann::json description(const std::vector<std::string>&) const override {
    return {{"clusters", count_}, {"cores", cores_.rows}};
  }
  void save(SavedWriter& out) const override {
    out.json()["columns"] = columns_;
    out.json()["clusters"] = count_;
    out.put("cores", std::span<const double>(cores_.values));
    out.put("cluster", std::span<const int32_t>(clusters_));
  }
  void load(const SavedReader& in) override {
    columns_ = static_cast<uint64_t>(read_count(in, "columns", 1, kMaxColumns));
    count_ = read_count(in, "clusters", 0, INT32_MAX);
    const auto clusters = in.int32s("cluster");
    for (const int32_t one : clusters) {
      if (one < 0 || one >= count_) {
        in.fail("a cluster is out of range: " + std::to_string(one));
      }
    }
    clusters_.assign(clusters.begin(), clusters.end());
    cores_ = Matrix();
    cores_.rows = clusters.size();
    cores_.columns = columns_;
    cores_.values = read_finite(in, "cores", checked_product(in, static_cast<int64_t>(cores_.rows), static_cast<int64_t>(columns_)));
    tree_ = NeighbourTree(cores_, metric_);
  }

 private:
  double radius() const { return metric_ == Metric::kManhattan ? options_.radius : options_.radius * options_.radius; }

  DbscanOptions options_;
  Metric metric_;
  uint64_t columns_ = 0;
  int64_t count_ = 0;
  Matrix cores_;
  std::vector<int32_t> clusters_;
  NeighbourTree tree_;  // over cores_
};

}  // namespace

std::unique_ptr<ClassicModel> make_dbscan(const nlohmann::json& options, Task) {
  return std::make_unique<Dbscan>(load_options<DbscanOptions>(options));
}

}  // namespace athanor::classic
