#include "athanor/classic/trees/shap.h"

#include "athanor/base/error.h"
#include "athanor/base/format.h"

namespace athanor {

namespace {

constexpr double kMostBytes = 4e9;

// One feature of the path from the root: the share of paths that lead on when it is unknown (zero)
// and when it is known (one), and the weight of subsets of the path's features by size.
struct Step {
  int32_t column;
  double zero, one, weight;
};

void extend(std::vector<Step>& path, double zero, double one, int32_t column) {
  const auto depth = static_cast<int64_t>(path.size());
  path.push_back({column, zero, one, depth == 0 ? 1.0 : 0.0});
  for (int64_t i = depth - 1; i >= 0; --i) {
    const auto at = static_cast<size_t>(i);
    path[at + 1].weight +=
        one * path[at].weight * static_cast<double>(i + 1) / static_cast<double>(depth + 1);
    path[at].weight *= zero * static_cast<double>(depth - i) / static_cast<double>(depth + 1);
  }
}

void unwind(std::vector<Step>& path, size_t which) {
  const auto depth = static_cast<int64_t>(path.size()) - 1;
  const double one = path[which].one;
  const double zero = path[which].zero;
  double next = path.back().weight;
  for (int64_t i = depth - 1; i >= 0; --i) {
    const auto at = static_cast<size_t>(i);
    if (one != 0) {
      const double held = path[at].weight;
      path[at].weight = next * static_cast<double>(depth + 1) / (static_cast<double>(i + 1) * one);
      next = held - path[at].weight * zero * static_cast<double>(depth - i) /
                        static_cast<double>(depth + 1);
    } else {
      path[at].weight = path[at].weight * static_cast<double>(depth + 1) /
                        (zero * static_cast<double>(depth - i));
    }
  }
  for (size_t i = which; i + 1 < path.size(); ++i) {
    path[i].column = path[i + 1].column;
    path[i].zero = path[i + 1].zero;
    path[i].one = path[i + 1].one;
  }
  path.pop_back();
}

double unwound_sum(const std::vector<Step>& path, size_t which) {
  const auto depth = static_cast<int64_t>(path.size()) - 1;
  const double one = path[which].one;
  const double zero = path[which].zero;
  double next = path.back().weight;
  double sum = 0;
  for (int64_t i = depth - 1; i >= 0; --i) {
    const double weight = path[static_cast<size_t>(i)].weight;
    if (one != 0) {
      const double part =
          next * static_cast<double>(depth + 1) / (static_cast<double>(i + 1) * one);
      sum += part;
      next = weight - part * zero * static_cast<double>(depth - i) / static_cast<double>(depth + 1);
    } else {
      sum += weight / zero * static_cast<double>(depth + 1) / static_cast<double>(depth - i);
    }
  }
  return sum;
}

class Walker {
 public:
  // out: outputs x (columns + 1), added to.
  Walker(const TreeSet& trees, double scale, std::vector<double>& out)
      : trees_(trees), scale_(scale), out_(out) {}

  void explain(uint64_t tree, const double* row) {
    row_ = row;
    group_ = tree % trees_.groups * trees_.width;
    walk(trees_.roots[tree], {}, 1, 1, -1);
  }

 private:
  void walk(int32_t at, std::vector<Step> path, double zero, double one, int32_t column) {
    extend(path, zero, one, column);
    const TreeNode& node = trees_.nodes[static_cast<size_t>(at)];
    if (node.is_leaf()) {
      const double* value = trees_.value_of(node);
      for (size_t i = 1; i < path.size(); ++i) {
        const double share = unwound_sum(path, i) * (path[i].one - path[i].zero) * scale_;
        for (uint64_t k = 0; k < trees_.width; ++k) {
          out_[(group_ + k) * (trees_.columns + 1) + static_cast<uint64_t>(path[i].column)] +=
              share * value[k];
        }
      }
      return;
    }
    double known_zero = 1, known_one = 1;
    for (size_t i = 1; i < path.size(); ++i) {
      if (path[i].column == node.column()) {
        known_zero = path[i].zero;
        known_one = path[i].one;
        unwind(path, i);
        break;
      }
    }
    const int32_t hot = trees_.next(node, row_[node.column()]);
    const int32_t cold = hot == node.child ? node.child + 1 : node.child;
    const double hot_cover = trees_.cover[static_cast<size_t>(hot)];
    const double cold_cover = trees_.cover[static_cast<size_t>(cold)];
    const double both = hot_cover + cold_cover;
    const double hot_share = both > 0 ? hot_cover / both : 0.5;
    // A side that no training row went to adds nothing, unless this row goes there.
    if (hot_share * known_zero > 0 || known_one > 0) {
      walk(hot, path, known_zero * hot_share, known_one, node.column());
    }
    if ((1 - hot_share) * known_zero > 0) {
      walk(cold, std::move(path), known_zero * (1 - hot_share), 0, node.column());
    }
  }

  const TreeSet& trees_;
  double scale_;
  std::vector<double>& out_;
  const double* row_ = nullptr;
  uint64_t group_ = 0;
};

// What a tree says of a row of which nothing is known: the mean over leaves, by cover.
void add_expected(const TreeSet& trees, uint64_t tree, double scale, std::vector<double>& out) {
  const int32_t begin = trees.roots[tree];
  std::vector<double> share(static_cast<size_t>(trees.end_of(tree) - begin), 0);
  share[0] = 1;
  for (int32_t i = begin; i < trees.end_of(tree); ++i) {
    const TreeNode& node = trees.nodes[static_cast<size_t>(i)];
    const double here = share[static_cast<size_t>(i - begin)];
    if (node.is_leaf()) {
      for (uint64_t k = 0; k < trees.width; ++k) {
        out[(tree % trees.groups * trees.width + k)] += scale * here * trees.value_of(node)[k];
      }
      continue;
    }
    const double left = trees.cover[static_cast<size_t>(node.child)];
    const double both = left + trees.cover[static_cast<size_t>(node.child) + 1];
    const double left_share = both > 0 ? left / both : 0.5;
    share[static_cast<size_t>(node.child - begin)] = here * left_share;
    share[static_cast<size_t>(node.child + 1 - begin)] = here * (1 - left_share);
  }
}

}  // namespace

Contributions tree_contributions(const TreeModel& model, const Matrix& x, ThreadPool& pool) {
  const TreeSet& trees = model.trees();
  const uint64_t outputs = trees.outputs();
  const uint64_t width = trees.columns + 1;
  const double bytes = static_cast<double>(x.rows) * static_cast<double>(width) *
                       static_cast<double>(outputs) * sizeof(double);
  if (bytes > kMostBytes) {
    throw Error(ErrorKind::kResource, "the contributions would take " + human_bytes(bytes), "",
                "explain fewer rows at a time");
  }
  trees.check_explained();
  std::vector<double> expected = model.base_scores();
  for (uint64_t tree = 0; tree < trees.trees(); ++tree) {
    add_expected(trees, tree, model.contribution_scale(), expected);
  }
  Contributions result;
  for (uint64_t k = 0; k < outputs; ++k) {
    result.of_output.push_back(Matrix::dense(x.rows, width));
    result.of_output.back().names = x.names;
    if (!x.names.empty()) {
      result.of_output.back().names.push_back("(base)");
    }
  }
  for_row_blocks(x, trees.columns, pool, [&](uint64_t first, uint64_t count, const double* rows) {
    std::vector<double> sums(outputs * width);
    for (uint64_t i = 0; i < count; ++i) {
      std::fill(sums.begin(), sums.end(), 0.0);
      Walker walker(trees, model.contribution_scale(), sums);
      for (uint64_t tree = 0; tree < trees.trees(); ++tree) {
        walker.explain(tree, rows + i * trees.columns);
      }
      for (uint64_t k = 0; k < outputs; ++k) {
        std::copy_n(sums.begin() + static_cast<std::ptrdiff_t>(k * width), width,
                    result.of_output[k].row(first + i));
        result.of_output[k].at(first + i, width - 1) = expected[k];
      }
    }
  });
  return result;
}

}  // namespace athanor
