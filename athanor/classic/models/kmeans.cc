#include "athanor/classic/models/kmeans.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/dense_kernels.h"
#include "athanor/classic/models/kmeans_assign.h"

namespace athanor::classic {

namespace {

constexpr size_t kLanes = PointBlocks::kBlock;

double weight_of(std::span<const double> weights, size_t row) { return weights.empty() ? 1.0 : weights[row]; }

// work(row, squared distances to all centres) for rows [begin, end).
template <class Work>
void measure_rows(const Matrix& x, const PointBlocks& centres, size_t begin, size_t end, const Work& work) {
  const size_t stride = centres.num_blocks() * kLanes;
  std::vector<double> all(4 * stride);
  double found[4 * kLanes];
  const double* queries[4];
  for (size_t r = begin; r < end; r += 4) {
    const size_t num = std::min<size_t>(4, end - r);
    for (size_t q = 0; q < num; ++q) {
      queries[q] = x.row(r + q);
    }
    for (size_t block = 0; block < centres.num_blocks(); ++block) {
      centres.measure(Metric::kSquaredEuclidean, queries, num, block, found);
      for (size_t q = 0; q < num; ++q) {
        std::copy(found + q * kLanes, found + (q + 1) * kLanes, all.data() + q * stride + block * kLanes);
      }
    }
    for (size_t q = 0; q < num; ++q) {
      work(r + q, all.data() + q * stride);
    }
  }
}

// Empty clusters take the rows farthest from their centres.
void fill_empty(const Matrix& x, std::span<const double> weights, const std::vector<int32_t>& labels,
                const std::vector<double>& distances, Round& round) {
  std::vector<size_t> order;
  size_t next = 0;
  for (size_t k = 0; k < round.weight.size(); ++k) {
    if (round.weight[k] > 0) {
      continue;
    }
    if (order.empty()) {
      order.resize(x.rows);
      std::iota(order.begin(), order.end(), size_t{0});
      const auto top = static_cast<ptrdiff_t>(std::min(x.rows, round.weight.size()));
      std::partial_sort(order.begin(), order.begin() + top, order.end(), [&](size_t a, size_t b) {
        return std::pair(-distances[a], a) < std::pair(-distances[b], b);
      });
    }
    const size_t row = order[next++];
    const double weight = weight_of(weights, row);
    const auto old = static_cast<size_t>(labels[row]);
    if (distances[row] == 0 || !(weight > 0) || round.weight[old] <= weight) {
      continue;  // fewer different rows than clusters: the centre stays where it is
    }
    add_scaled(round.sums.data() + old * x.columns, x.row(row), -weight, x.columns);
    std::fill_n(round.sums.begin() + static_cast<ptrdiff_t>(k * x.columns), x.columns, 0.0);
    add_scaled(round.sums.data() + k * x.columns, x.row(row), weight, x.columns);
    round.weight[old] -= weight;
    round.weight[k] = weight;
  }
}

double mean_variance(const Matrix& x) {
  double sum = 0;
  for (size_t j = 0; j < x.columns; ++j) {
    double mean = 0;
    double square = 0;
    for (size_t r = 0; r < x.rows; ++r) {
      const double far = x.at(r, j) - mean;
      mean += far / static_cast<double>(r + 1);
      square += far * (x.at(r, j) - mean);
    }
    sum += square / static_cast<double>(x.rows);
  }
  return sum / static_cast<double>(x.columns);
}

// A draw by these weights.
size_t draw(const std::vector<double>& mass, double total, Rng& rng) {
  double left = rng.uniform() * total;
  size_t last = 0;
  for (size_t r = 0; r < mass.size(); ++r) {
    if (mass[r] > 0) {
      last = r;
      left -= mass[r];
      if (left < 0) {
        return r;
      }
    }
  }
  return last;
}

std::vector<double> first_centres(const Matrix& x, std::span<const double> weights, size_t k, uint64_t seed, FitContext& context) {
  Rng rng(seed);
  std::vector<double> mass(x.rows);
  double total = 0;
  for (size_t r = 0; r < x.rows; ++r) {
    total += mass[r] = weight_of(weights, r);
  }
  const size_t first = draw(mass, total, rng);
  std::vector<double> centres(x.row(first), x.row(first) + x.columns);
  std::vector<double> nearest(x.rows, INFINITY);
  const auto trials = static_cast<size_t>(2 + std::log(static_cast<double>(k)));
  const size_t piece = piece_of(x.rows);
  std::vector<double> candidates = centres;
  std::vector<std::vector<double>> near(1, std::vector<double>(x.rows));
  size_t count = 1;
  for (size_t c = 0; c < k; ++c) {
    const PointBlocks blocks(candidates.data(), count, x.columns);
    near.resize(std::max(near.size(), count), std::vector<double>(x.rows));
    std::vector<double> sums(num_pieces(x.rows, piece) * count, 0.0);
    for_pieces(context.pool, x.rows, piece, [&](size_t i, size_t begin, size_t end) {
      measure_rows(x, blocks, begin, end, [&](size_t r, const double* far) {
        for (size_t t = 0; t < count; ++t) {
          near[t][r] = std::min(nearest[r], far[t]);
          sums[i * count + t] += weight_of(weights, r) * near[t][r];
        }
      });
    });
    std::vector<double> potential(count, 0.0);
    for (size_t i = 0; i < sums.size(); ++i) {
      potential[i % count] += sums[i];
    }
    const auto best = static_cast<size_t>(std::min_element(potential.begin(), potential.end()) - potential.begin());
    std::swap(nearest, near[best]);
    if (c > 0) {
      centres.insert(centres.end(), candidates.begin() + static_cast<ptrdiff_t>(best * x.columns),
                     candidates.begin() + static_cast<ptrdiff_t>((best + 1) * x.columns));
    }
    for (size_t r = 0; r < x.rows; ++r) {
      mass[r] = weight_of(weights, r) * nearest[r];
    }
    candidates.clear();
    count = trials;
    for (size_t t = 0; t < trials; ++t) {
      const size_t row = potential[best] > 0 ? draw(mass, potential[best], rng) : rng.below(x.rows);
      candidates.insert(candidates.end(), x.row(row), x.row(row) + x.columns);
    }
  }
  return centres;
}

}  // namespace

Lloyd kmeans_from(const Matrix& x, std::span<const double> weights, std::vector<double> centres,
                  const KmeansOptions& options, FitContext& context) {
  const size_t k = centres.size() / x.columns;
  const double limit = options.tolerance * mean_variance(x);
  Lloyd out;
  out.labels.assign(x.rows, -1);
  std::vector<double> distances(x.rows);
  std::vector<int32_t> before;
  Assigner assigner(x, weights, k);
  for (out.iterations = 1; out.iterations <= options.max_iterations; ++out.iterations) {
    before = out.labels;
    Round round = assigner.assign(centres, out.labels, distances, context.pool);
    fill_empty(x, weights, out.labels, distances, round);
    double moved = 0;
    for (size_t c = 0; c < k; ++c) {
      for (size_t j = 0; j < x.columns && round.weight[c] > 0; ++j) {
        double& value = centres[c * x.columns + j];
        const double next = round.sums[c * x.columns + j] / round.weight[c];
        moved += (next - value) * (next - value);
        value = next;
      }
    }
    const bool same = out.labels == before;
    context.progress(static_cast<double>(out.iterations) / static_cast<double>(options.max_iterations));
    out.settled = same || moved <= limit;
    if (out.settled) {
      break;
    }
  }
  out.iterations = std::min(out.iterations, options.max_iterations);
  out.inertia = assigner.assign(centres, out.labels, distances, context.pool).inertia;
  out.centres = std::move(centres);
  return out;
}

Lloyd kmeans(const Matrix& x, std::span<const double> weights, const KmeansOptions& options, FitContext& context) {
  const auto k = static_cast<size_t>(options.clusters);
  if (k > x.rows) {
    throw Error(ErrorKind::kInput, std::to_string(k) + " clusters of " + std::to_string(x.rows) + " rows", "clusters",
                "ask for fewer clusters");
  }
  Lloyd best;
  for (int64_t start = 0; start < options.starts; ++start) {
    auto centres = first_centres(x, weights, k, random_at(context.seed, static_cast<uint64_t>(start)), context);
    Lloyd one = kmeans_from(x, weights, std::move(centres), options, context);
    if (start == 0 || one.inertia < best.inertia) {
      best = std::move(one);
    }
  }
  return best;
}

namespace {

class Kmeans final : public ClassicModel {
 public:
  explicit Kmeans(const KmeansOptions& options) : options_(options) {}

  void fit(const Matrix& x, const Target& target, FitContext& context) override {
    check_training(x, target);
    const Matrix dense = to_dense(x);
    const Lloyd found = kmeans(dense, target.weights, options_, context);
    columns_ = x.columns;
    centres_ = found.centres;
    inertia_ = found.inertia;
    iterations_ = found.iterations;
    check_result(centres_, "a centre");
    sizes_.assign(static_cast<size_t>(options_.clusters), 0);
    for (const int32_t label : found.labels) {
      ++sizes_[static_cast<size_t>(label)];
    }
    if (std::find(sizes_.begin(), sizes_.end(), 0) != sizes_.end()) {
      context.warn("kmeans: there are fewer different rows than clusters");
    }
    if (!found.settled) {
      context.warn("kmeans: max_iterations rounds did not settle the centres; give more, or a larger tolerance");
    }
  }
  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    check_rows(x, columns_);
    const Matrix dense = to_dense(x);
    const size_t k = sizes_.size();
    Matrix out = Matrix::dense(x.rows, k + 1);
    const PointBlocks blocks(centres_.data(), k, columns_);
    for_pieces(pool, x.rows, piece_of(x.rows), [&](size_t, size_t begin, size_t end) {
      measure_rows(dense, blocks, begin, end, [&](size_t r, const double* far) {
        out.at(r, 0) = static_cast<double>(std::min_element(far, far + k) - far);
        for (size_t c = 0; c < k; ++c) {
          out.at(r, c + 1) = std::sqrt(far[c]);
        }
      });
    });
    check_result(out.values, "a distance");
    return out;
  }
  nlohmann::json description(const std::vector<std::string>&) const override {
    auto centres = nlohmann::json::array();
    for (size_t c = 0; c < sizes_.size() && c < 50; ++c) {
      const auto begin = centres_.begin() + static_cast<ptrdiff_t>(c * columns_);
      centres.push_back({{"rows", sizes_[c]}, {"centre", std::vector<double>(begin, begin + static_cast<ptrdiff_t>(std::min<size_t>(columns_, 50)))}});
    }
    return {{"inertia", inertia_}, {"iterations", iterations_}, {"clusters", std::move(centres)}};
  }
  void save(SavedWriter& out) const override {
    out.json()["columns"] = columns_;
    out.json()["inertia"] = inertia_;
    out.json()["iterations"] = iterations_;
    out.put("centres", std::span<const double>(centres_));
    out.put("sizes", std::span<const int64_t>(sizes_));
  }
  void load(const SavedReader& in) override {
    columns_ = static_cast<uint64_t>(read_count(in, "columns", 1, kMaxColumns));
    inertia_ = in.get<double>("inertia");
    iterations_ = in.get<int64_t>("iterations");
    const auto sizes = in.int64s("sizes", static_cast<size_t>(options_.clusters));
    sizes_.assign(sizes.begin(), sizes.end());
    centres_ = read_finite(in, "centres", checked_product(in, options_.clusters, static_cast<int64_t>(columns_)));
  }

 private:
  KmeansOptions options_;
  uint64_t columns_ = 0;
  std::vector<double> centres_;
  std::vector<int64_t> sizes_;
  double inertia_ = 0;
  int64_t iterations_ = 0;
};

}  // namespace

std::unique_ptr<ClassicModel> make_kmeans(const nlohmann::json& options, Task) {
  return std::make_unique<Kmeans>(load_options<KmeansOptions>(options));
}

}  // namespace athanor::classic
