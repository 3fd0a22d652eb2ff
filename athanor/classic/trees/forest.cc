#include "athanor/classic/trees/forest.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/trees/decision_tree.h"
#include "athanor/classic/trees/tree_kinds.h"

namespace athanor {

namespace {

constexpr uint64_t kBagSalt = 0x626167;
constexpr uint64_t kTreeSalt = 0x74726565;

}  // namespace

void ForestOptions::fields(Fields<ForestOptions>& f) {
  f.add("trees", &ForestOptions::trees, "number of trees").range(1, 100'000);
  f.add("criterion", &ForestOptions::criterion,
        "what a split lowers; auto: gini, or squared error of values")
      .choices({"auto", "gini", "entropy", "squared", "absolute"});
  f.add("max_depth", &ForestOptions::max_depth, "splits on a path at most; 0: no limit but 512")
      .range(0, kMaxTreeDepth);
  f.add("max_leaves", &ForestOptions::max_leaves,
        "leaves of a tree at most, the best splits first; 0: no limit")
      .range(0, 1e9);
  f.add("min_samples_split", &ForestOptions::min_samples_split,
        "rows that a node must have to be split")
      .range(2, 1e9);
  f.add("min_samples_leaf", &ForestOptions::min_samples_leaf, "rows of a leaf at least")
      .range(1, 1e9);
  f.add("min_gain", &ForestOptions::min_gain,
        "impurity that a split must win, weighted by its share of rows")
      .range(0, 1e300);
  f.add("columns", &ForestOptions::columns,
        "features tried a split: auto (sqrt for classes, all for values), sqrt, log2, all, a share "
        "below 1, or a number");
  f.add("bootstrap", &ForestOptions::bootstrap,
        "each tree learns from rows drawn with replacement");
  f.add("rows", &ForestOptions::rows, "rows drawn for a tree, as a share").range(1e-6, 1);
  f.add("out_of_bag", &ForestOptions::out_of_bag,
        "score each row by the trees that did not see it");
}

void ExtraTreesOptions::fields(Fields<ExtraTreesOptions>& f) {
  for (const auto& entry : fields_of<ForestOptions>().entries) {
    Fields<ExtraTreesOptions>::Entry own;
    own.info = entry.info;
    own.parse = [entry](ExtraTreesOptions& o, const Node& node, const std::string& path,
                        const FieldInfo& info) { entry.parse(o, node, path, info); };
    own.dump = [entry](const ExtraTreesOptions& o, bool with_speed) {
      return entry.dump(o, with_speed);
    };
    own.load = [entry](ExtraTreesOptions& o, const nlohmann::json& value) { entry.load(o, value); };
    own.info.default_value = entry.dump(ExtraTreesOptions{}, true);
    f.entries.push_back(std::move(own));
  }
}

int64_t columns_to_try(const nlohmann::json& given, Task task, uint64_t columns) {
  const auto all = static_cast<double>(columns);
  double wanted = 0;
  if (given == "all" || (given == "auto" && task == Task::kRegression)) {
    wanted = all;
  } else if (given == "sqrt" || given == "auto") {
    wanted = std::sqrt(all);
  } else if (given == "log2") {
    wanted = std::log2(all);
  } else if (given.is_number() && given.get<double>() > 0 && given.get<double>() < 1e9) {
    wanted = given.get<double>() < 1 ? given.get<double>() * all : given.get<double>();
  } else {
    throw Error(ErrorKind::kUsage, "'columns' cannot be " + given.dump(), "columns",
                "auto, sqrt, log2, all, a share below 1, or a number of features");
  }
  return std::clamp<int64_t>(static_cast<int64_t>(wanted), 1, static_cast<int64_t>(columns));
}

Forest::Forest(const ForestOptions& options, Task task, bool random_thresholds)
    : options_(options), task_(task), random_thresholds_(random_thresholds) {
  const Criterion criterion = criterion_of(options.criterion, task);
  columns_to_try(options.columns, task, 1);
  if (criterion == Criterion::kAbsolute && random_thresholds) {
    throw Error(ErrorKind::kUsage, "extra trees have no criterion 'absolute'", "criterion",
                "use squared, or a forest");
  }
  if (options.out_of_bag && !options.bootstrap) {
    throw Error(ErrorKind::kUsage, "without bootstrap every tree sees every row", "out_of_bag",
                "set bootstrap: true");
  }
}

Forest::Bag Forest::draw(uint64_t tree, uint64_t seed, const Target& target, uint64_t rows) const {
  Bag bag;
  std::vector<uint32_t> times(rows, options_.bootstrap ? 0 : 1);
  if (options_.bootstrap) {
    Rng rng(random_at(seed, kBagSalt, tree));
    const auto draws =
        std::max<uint64_t>(1, static_cast<uint64_t>(options_.rows * static_cast<double>(rows)));
    for (uint64_t i = 0; i < draws; ++i) {
      ++times[rng.below(rows)];
    }
  }
  bag.weights.resize(rows);
  for (uint64_t r = 0; r < rows; ++r) {
    bag.weights[r] = times[r] * target.weight(r);
    if (times[r] > 0) {
      bag.rows.push_back(static_cast<uint32_t>(r));
    }
  }
  return bag;
}

void Forest::fit(const Matrix& all_x, const Target& all_target, FitContext& context) {
  const FitRows given(all_x, all_target);
  const Target& target = given.target();
  labels_ = target.labels.size();
  const Criterion criterion = criterion_of(options_.criterion, task_);
  const RankedMatrix ranked = RankedMatrix::of(given.x(), context.pool);
  const ExactTruth truth(target, criterion);
  const int64_t columns = columns_to_try(options_.columns, task_, ranked.columns);
  const ExactGrower grower(
      ranked, truth,
      {criterion, options_.max_depth, options_.max_leaves, options_.min_samples_split,
       options_.min_samples_leaf, options_.min_gain, columns, random_thresholds_});
  trees_ = TreeSet{};
  trees_.columns = ranked.columns;
  trees_.width = truth.width;
  trees_.gain_unit = gain_unit_of(target, criterion == Criterion::kAbsolute ? 1 : 2);
  const auto wanted = static_cast<uint64_t>(options_.trees);
  const auto wave = static_cast<uint64_t>(context.pool.num_threads()) * 8;
  for (uint64_t first = 0; first < wanted; first += wave) {
    context.progress(static_cast<double>(first) / static_cast<double>(wanted));
    std::vector<TreeSet> grown(std::min(wave, wanted - first));
    context.pool.parallel_for(grown.size(), [&](size_t i) {
      grown[i].width = truth.width;
      grown[i].gain_unit = trees_.gain_unit;
      const Bag bag = draw(first + i, context.seed, target, ranked.rows);
      grower.grow(bag.rows, bag.weights, random_at(context.seed, kTreeSalt, first + i), nullptr,
                  grown[i]);
    });
    for (const TreeSet& tree : grown) {
      if (trees_.nodes.size() + tree.nodes.size() > static_cast<size_t>(INT32_MAX) / 2) {
        throw Error(ErrorKind::kResource, "the forest has more than 2^30 nodes", "",
                    "fewer trees, or max_depth, or min_samples_leaf");
      }
      trees_.append(tree);
    }
  }
  trees_.share_values();
  out_of_bag_ = options_.out_of_bag ? score_out_of_bag(given.x(), target, context) : std::nan("");
}

double Forest::score_out_of_bag(const Matrix& x, const Target& target, FitContext& context) const {
  std::vector<std::vector<uint8_t>> seen(trees_.trees(), std::vector<uint8_t>(x.rows, 0));
  context.pool.parallel_for(trees_.trees(), [&](size_t t) {
    for (const uint32_t row : draw(t, context.seed, target, x.rows).rows) {
      seen[t][row] = 1;
    }
  });
  Matrix sums = Matrix::dense(x.rows, trees_.width);
  std::vector<uint32_t> voters(x.rows, 0);
  for_row_blocks(
      x, trees_.columns, context.pool, [&](uint64_t first, uint64_t count, const double* rows) {
        for (uint64_t i = 0; i < count; ++i) {
          for (uint64_t t = 0; t < trees_.trees(); ++t) {
            if (seen[t][first + i] == 0) {
              ++voters[first + i];
              const double* value = trees_.value_of(trees_.leaf_for(t, rows + i * trees_.columns));
              for (uint64_t k = 0; k < trees_.width; ++k) {
                sums.at(first + i, k) += value[k];
              }
            }
          }
        }
      });
  double right = 0, weight = 0, truth_sum = 0, truth_squares = 0, errors = 0;
  for (uint64_t r = 0; r < x.rows; ++r) {
    if (voters[r] == 0) {
      continue;
    }
    const double w = target.weight(r);
    const double* row = sums.row(r);
    weight += w;
    if (task_ == Task::kClasses) {
      right += std::max_element(row, row + trees_.width) - row == target.classes[r] ? w : 0;
    } else if (task_ == Task::kMultiLabel) {
      for (uint64_t k = 0; k < trees_.width; ++k) {
        right += (row[k] * 2 > voters[r]) == (target.marks[r * trees_.width + k] != 0)
                     ? w / static_cast<double>(trees_.width)
                     : 0;
      }
    } else {
      truth_sum += w * target.values[r];
      truth_squares += w * target.values[r] * target.values[r];
      errors += w * std::pow(row[0] / voters[r] - target.values[r], 2);
    }
  }
  if (weight == 0) {
    return std::nan("");
  }
  const double spread = truth_squares - truth_sum * truth_sum / weight;
  return task_ == Task::kRegression ? (spread > 0 ? 1 - errors / spread : std::nan(""))
                                    : right / weight;
}

Matrix Forest::predict(const Matrix& x, ThreadPool& pool) const {
  return sum_of_trees(trees_, x, contribution_scale(), {}, pool);
}

nlohmann::json Forest::description(const std::vector<std::string>& names) const {
  nlohmann::json out = trees_description(names);
  if (std::isfinite(out_of_bag_)) {
    out["out_of_bag"] = out_of_bag_;
  }
  return out;
}

void Forest::save(SavedWriter& out) const {
  out.json()["labels"] = labels_;
  out.json()["out_of_bag"] =
      std::isfinite(out_of_bag_) ? nlohmann::json(out_of_bag_) : nlohmann::json();
  SavedWriter part = out.part("trees");
  trees_.save(part);
}

void Forest::load(const SavedReader& in) {
  labels_ = in.get<uint64_t>("labels");
  const auto& score = in.json().value("out_of_bag", nlohmann::json());
  out_of_bag_ = score.is_number() ? score.get<double>() : std::nan("");
  trees_.load(in.part("trees"));
  if (trees_.trees() == 0 || trees_.groups != 1 ||
      trees_.width != (task_ == Task::kRegression ? 1 : labels_)) {
    in.fail("the trees do not give what the model predicts");
  }
}

namespace {

template <class Options, bool random_thresholds>
ModelKind kind_of(const char* name, const char* doc) {
  return {name,
          doc,
          {Task::kClasses, Task::kMultiLabel, Task::kRegression},
          true,
          true,
          schema_of<Options>(),
          [](const nlohmann::json& options, Task task) -> std::unique_ptr<ClassicModel> {
            return std::make_unique<Forest>(load_options<Options>(options), task,
                                            random_thresholds);
          }};
}

}  // namespace

ModelKind forest_kind() {
  return kind_of<ForestOptions, false>("forest", "random forest: the mean of many deep trees");
}
ModelKind extra_trees_kind() {
  return kind_of<ExtraTreesOptions, true>(
      "extra_trees", "extra trees: a forest with thresholds at random, faster and smoother");
}

}  // namespace athanor
