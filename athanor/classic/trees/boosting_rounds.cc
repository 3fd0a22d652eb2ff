#include "athanor/classic/trees/boosting_rounds.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "athanor/base/rng.h"

namespace athanor {

namespace {

constexpr uint64_t kRowSalt = 0x726f7773;
constexpr uint64_t kColumnSalt = 0x636f6c73;

std::vector<uint32_t> rows_of(const BoostingOptions& options, uint64_t rows, uint64_t round,
                              uint64_t seed) {
  std::vector<uint32_t> out;
  out.reserve(rows);
  for (uint64_t r = 0; r < rows; ++r) {
    if (options.rows >= 1 || to_unit(random_at(seed, kRowSalt, round, r)) < options.rows) {
      out.push_back(static_cast<uint32_t>(r));
    }
  }
  if (out.empty()) {
    out.push_back(static_cast<uint32_t>(random_at(seed, kRowSalt, round) % rows));
  }
  return out;
}

// What is known of each of the matrix's columns, of the kept ones.
template <class Value>
std::vector<Value> of_kept(const BinCuts& cuts, std::vector<Value> given) {
  if (cuts.columns.empty() || given.empty()) {
    return given;
  }
  for (uint32_t c = 0; c < cuts.kept(); ++c) {
    given[c] = given[cuts.given_column(c)];
  }
  given.resize(cuts.kept());
  return given;
}

// Drawn among the matrix's columns, given for those that are kept.
std::vector<uint8_t> columns_of(const BoostingOptions& options, const BinCuts& cuts, uint64_t round,
                                uint64_t seed) {
  if (options.columns >= 1) {
    return {};
  }
  const uint64_t columns = cuts.given;
  std::vector<uint8_t> out(columns, 0);
  const auto wanted =
      static_cast<uint64_t>(std::ceil(options.columns * static_cast<double>(columns)));
  for (uint64_t i = 0; i < wanted; ++i) {
    out[permute(i, columns, random_at(seed, kColumnSalt, round))] = 1;
  }
  return of_kept(cuts, std::move(out));
}

void add_tree(const TreeSet& trees, const BinCuts& cuts, BoostingData& data, uint64_t output,
              const std::vector<uint8_t>& done, ThreadPool& pool) {
  const BinnedWalk walk(trees, trees.trees() - 1, cuts);
  double* scores = data.scores.data() + output * data.bins.rows;
  const auto add = [&](uint64_t begin, uint64_t end) {
    for (uint64_t r = begin; r < end; ++r) {
      if (done.empty() || done[r] == 0) {
        scores[r] += trees.leaf_values[static_cast<size_t>(walk.leaf_of(data.bins, r))];
      }
    }
  };
  constexpr uint64_t kRows = 16384;
  if (data.bins.rows <= kRows * 2) {  // waking threads costs more than the work
    add(0, data.bins.rows);
    return;
  }
  pool.parallel_for((data.bins.rows + kRows - 1) / kRows, [&](size_t task) {
    add(task * kRows, std::min<uint64_t>(data.bins.rows, (task + 1) * kRows));
  });
}

}  // namespace

void run_boosting_rounds(const BoostingOptions& o, const BinCuts& cuts, BoostingData& train,
                         BoostingData* valid, std::vector<int8_t> monotone,
                         std::span<const double> base, TreeSet& trees,
                         std::vector<double>& valid_losses, FitContext& context) {
  const uint64_t outputs = train.loss->outputs();
  const uint64_t rows = train.bins.rows;
  BoostingGrower grower(cuts, train.bins,
                        {o.max_leaves, o.max_depth, o.min_samples_leaf, o.min_child_weight,
                         o.min_gain, o.l1, o.l2, of_kept(cuts, std::move(monotone))},
                        context.pool);
  for (BoostingData* data : {&train, valid}) {
    for (uint64_t k = 0; data != nullptr && k < outputs; ++k) {
      data->scores.insert(data->scores.end(), data->bins.rows, base[k]);
    }
  }
  Slopes slopes{std::vector<double>(rows), std::vector<double>(rows)};
  std::vector<uint8_t> done(o.rows < 1 ? rows : 0);
  double best = std::numeric_limits<double>::infinity();
  uint64_t best_round = 0;
  for (uint64_t round = 0; round < static_cast<uint64_t>(o.rounds); ++round) {
    context.progress(static_cast<double>(round) / static_cast<double>(o.rounds));
    const auto active = columns_of(o, cuts, round, context.seed);
    const auto sample = rows_of(o, rows, round, context.seed);
    train.loss->begin_round(train.scores, context.pool);
    std::fill(done.begin(), done.end(), 0);
    for (const uint32_t row : sample) {
      if (!done.empty()) {
        done[row] = 1;
      }
    }
    for (uint64_t k = 0; k < outputs; ++k) {
      train.loss->slopes(k, train.scores, slopes, context.pool);
      std::vector<uint32_t> order = sample;
      double* scores = train.scores.data() + k * rows;
      grower.grow(slopes, order, active, o.learning_rate, trees,
                  [&](std::span<const uint32_t> leaf, double& value) {
                    if (train.loss->renews_leaves()) {
                      value = o.learning_rate * train.loss->leaf_value(leaf, {scores, rows});
                    }
                    for (const uint32_t row : leaf) {
                      scores[row] += value;
                    }
                  });
      if (!done.empty()) {
        add_tree(trees, cuts, train, k, done, context.pool);
      }
      if (valid != nullptr) {
        add_tree(trees, cuts, *valid, k, {}, context.pool);
      }
    }
    if (valid == nullptr) {
      continue;
    }
    valid_losses.push_back(valid->loss->mean_loss(valid->scores));
    if (valid_losses.back() < best) {
      best = valid_losses.back();
      best_round = round;
    }
    if (round - best_round >= static_cast<uint64_t>(o.early_stopping)) {
      break;
    }
  }
  if (valid != nullptr) {
    trees.drop_trees_from((best_round + 1) * outputs);
  }
}

}  // namespace athanor
