#include "athanor/classic/trees/shap.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/classic/trees/shap_block.h"

namespace athanor {

namespace {

constexpr double kMostBytes = 4e9;
constexpr uint64_t kChunkRows = 2 * ShapBlock::kLanes;

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

// Rows [first, first + count): a tree after another, so that its nodes are near.
void explain_chunk(const ShapPlan& plan, double scale, const Matrix& x, uint64_t first, uint64_t count, Contributions& result) {
  constexpr uint64_t kLanes = ShapBlock::kLanes;
  const TreeSet& trees = plan.trees;
  const uint64_t used = plan.columns.size();
  std::vector<double> dense(x.is_sparse ? kChunkRows * trees.columns : 0, 0.0);
  std::vector<const double*> rows(kChunkRows);
  for (uint64_t r = 0; r < count; ++r) {
    rows[r] = x.is_sparse ? &dense[r * trees.columns] : x.row(first + r);
    if (x.is_sparse) {
      x.for_each_in_row(first + r, [&](uint32_t column, double value) { dense[r * trees.columns + column] = value; });
    }
  }
  std::fill(rows.begin() + static_cast<ptrdiff_t>(count), rows.end(), rows[0]);
  ShapBlock block(plan);
  std::vector<std::vector<double>> sums(kChunkRows / kLanes);
  for (uint64_t tree = 0; tree < trees.trees(); ++tree) {
    for (uint64_t part = 0; part * kLanes < count; ++part) {
      sums[part].resize(trees.outputs() * used * kLanes);
      std::array<const double*, kLanes> lanes;
      std::copy_n(rows.begin() + static_cast<ptrdiff_t>(part * kLanes), kLanes, lanes.begin());
      block.explain(tree, lanes, scale, sums[part]);
    }
  }
  for (uint64_t r = 0; r < count; ++r) {
    const std::vector<double>& of = sums[r / kLanes];
    for (uint64_t output = 0; output < trees.outputs(); ++output) {
      const uint64_t k = output % trees.width;
      double* out = result.of_output[output].row(first + r);
      for (uint64_t i = 0; i < used; ++i) {
        double value = 0;
        if (k < plan.told) {
          value = of[(output * used + i) * kLanes + r % kLanes];
        }
        for (uint64_t other = 0; k >= plan.told && other < k; ++other) {  // what the others gain it loses
          value -= of[((output - k + other) * used + i) * kLanes + r % kLanes];
        }
        out[plan.columns[i]] = value;
      }
    }
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
  if (x.columns != trees.columns) {
    throw Error(ErrorKind::kUsage,
                "the model was fitted on " + std::to_string(trees.columns) + " features, these rows have " + std::to_string(x.columns),
                "", "predict with the pipeline that the model was fitted with");
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
  const ShapPlan plan(trees);
  if (plan.bytes() > kMostBytes) {
    throw Error(ErrorKind::kResource, "to explain trees of " + std::to_string(trees.width) + " outputs takes " + human_bytes(plan.bytes()), "",
                "fewer classes, or trees of less depth");
  }
  const uint64_t chunks = (x.rows + kChunkRows - 1) / kChunkRows;
  pool.parallel_for(chunks, [&](size_t chunk) {
    const uint64_t first = chunk * kChunkRows;
    explain_chunk(plan, model.contribution_scale(), x, first, std::min(kChunkRows, x.rows - first), result);
  });
  for (uint64_t k = 0; k < outputs; ++k) {
    for (uint64_t row = 0; row < x.rows; ++row) {
      result.of_output[k].at(row, width - 1) = expected[k];
    }
  }
  return result;
}

}  // namespace athanor
