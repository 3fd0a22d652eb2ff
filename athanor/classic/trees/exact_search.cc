// The best place to cut a node's rows as one feature orders them, for each way of measuring what a
// cut wins.
#include <algorithm>
#include <cmath>

#include "athanor/classic/trees/exact_tree.h"

namespace athanor {

namespace {

using Node = ExactGrower::Node;
using Scratch = ExactGrower::Scratch;
using Event = ExactGrower::Scratch::Event;
using Found = ExactGrower::Found;

// Calls add(event) for each row in order, and score() at each boundary that leaves enough rows on
// both sides.
template <class Add, class Score>
Found walk(const Node& node, const ExactTreeOptions& options, const Scratch& scratch,
           bool missing_left, Add add, Score score) {
  const std::vector<Event>& events = scratch.events;
  const size_t present = events.size() - scratch.missing;
  const auto least = static_cast<uint32_t>(std::min<int64_t>(options.min_samples_leaf, UINT32_MAX));
  uint32_t left = 0;
  for (size_t i = present; missing_left && i < events.size(); ++i) {
    add(events[i]);
    left += events[i].rows;
  }
  Found best;
  for (size_t i = 0; i < present; ++i) {
    add(events[i]);
    left += events[i].rows;
    const bool last = i + 1 == present;
    if (last ? (missing_left || scratch.missing == 0) : events[i + 1].rank == events[i].rank) {
      continue;
    }
    if (left < least || node.rows() - left < least) {
      continue;
    }
    const double won = score();
    if (won > best.score) {
      best.score = won;
      best.rank = events[i].rank;
    }
  }
  best.column = best.score >= 0 ? 0 : -1;
  best.missing_left = missing_left;
  best.has_missing = scratch.missing > 0;
  return best;
}

// One number a row. What the cut wins is (mean of the left - mean of the right)^2 WL WR / W.
Found best_of_number(const Node& node, const ExactTreeOptions& options, const Scratch& scratch,
                     bool missing_left) {
  const double all = node.sums[0];
  double sum = 0, weight = 0;
  return walk(
      node, options, scratch, missing_left,
      [&](const Event& event) {
        sum += event.value;
        weight += event.weight;
      },
      [&] {
        const double apart = sum * node.weight - all * weight;
        const double both = weight * (node.weight - weight) * node.weight;
        return both > 0 ? apart * apart / both : -1;
      });
}

// Several numbers a row (labels): the sum over them.
Found best_of_numbers(const Node& node, const ExactTruth& truth, const ExactTreeOptions& options,
                      Scratch& scratch, bool missing_left) {
  scratch.left.assign(truth.outputs, 0);
  double weight = 0;
  return walk(
      node, options, scratch, missing_left,
      [&](const Event& event) {
        weight += event.weight;
        for (uint64_t k = 0; k < truth.outputs; ++k) {
          scratch.left[k] += event.weight * node.values[event.place * truth.outputs + k];
        }
      },
      [&] {
        const double both = weight * (node.weight - weight) * node.weight;
        double sum = 0;
        for (uint64_t k = 0; k < truth.outputs; ++k) {
          const double apart = scratch.left[k] * node.weight - node.sums[k] * weight;
          sum += apart * apart;
        }
        return both > 0 ? sum / both : -1;
      });
}

// Classes by gini: sums of squares that one row changes in one place.
Found best_of_classes(const Node& node, const ExactTruth& truth, const ExactTreeOptions& options,
                      Scratch& scratch, bool missing_left) {
  scratch.left.assign(truth.classes, 0);
  double left_squares = 0, right_squares = 0, weight = 0;
  for (const double sum : node.sums) {
    right_squares += sum * sum;
  }
  const double before = right_squares / node.weight;
  return walk(
      node, options, scratch, missing_left,
      [&](const Event& event) {
        const auto k = static_cast<size_t>(event.value);
        const double left = scratch.left[k];
        const double right = node.sums[k] - left;
        left_squares += event.weight * (2 * left + event.weight);
        right_squares -= event.weight * (2 * right - event.weight);
        scratch.left[k] = left + event.weight;
        weight += event.weight;
      },
      [&] {
        const double rest = node.weight - weight;
        return weight > 0 && rest > 0
                   ? std::max(0.0, left_squares / weight + right_squares / rest - before)
                   : -1;
      });
}

double x_log_x(double x) {
  return x > 0 ? x * std::log2(x) : 0;
}

Found best_by_entropy(const Node& node, const ExactTruth& truth, const ExactTreeOptions& options,
                      Scratch& scratch, bool missing_left) {
  scratch.left.assign(truth.classes, 0);
  double left_sum = 0, right_sum = 0, weight = 0;
  for (const double sum : node.sums) {
    right_sum += x_log_x(sum);
  }
  const double before = right_sum - x_log_x(node.weight);
  return walk(
      node, options, scratch, missing_left,
      [&](const Event& event) {
        const auto k = static_cast<size_t>(event.value);
        const double left = scratch.left[k];
        const double right = node.sums[k] - left;
        left_sum += x_log_x(left + event.weight) - x_log_x(left);
        right_sum += x_log_x(right - event.weight) - x_log_x(right);
        scratch.left[k] = left + event.weight;
        weight += event.weight;
      },
      [&] {
        const double rest = node.weight - weight;
        return weight > 0 && rest > 0
                   ? std::max(0.0, left_sum - x_log_x(weight) + right_sum - x_log_x(rest) - before)
                   : -1;
      });
}

// Weights and weighted values at places in the order of values; finds the median by descent
// (Fenwick 1994).
class MedianTree {
 public:
  explicit MedianTree(const Node& node) : node_(node), sums_(node.by_value.size() + 1, {0, 0}) {
    for (top_ = 1; top_ * 2 < sums_.size(); top_ *= 2) {
    }
  }
  void add(size_t at, double weight, double value) {
    weight_ += weight;
    sum_ += weight * value;
    for (++at; at < sums_.size(); at += at & (~at + 1)) {
      sums_[at].first += weight;
      sums_[at].second += weight * value;
    }
  }
  // The weighted distance of all that is in it from their median.
  double loss() const {
    size_t at = 0;
    double weight = 0, sum = 0;
    for (size_t step = top_; step > 0; step /= 2) {
      if (at + step < sums_.size() && weight + sums_[at + step].first < weight_ / 2) {
        at += step;
        weight += sums_[at].first;
        sum += sums_[at].second;
      }
    }
    if (at >= node_.by_value.size()) {
      return 0;
    }
    const double median = node_.values[node_.by_value[at]];
    return (median * weight - sum) + (sum_ - sum - median * (weight_ - weight));
  }

 private:
  const Node& node_;
  std::vector<std::pair<double, double>> sums_;
  size_t top_ = 1;
  double weight_ = 0, sum_ = 0;
};

Found best_of_distances(const Node& node, const ExactTreeOptions& options, const Scratch& scratch,
                        bool missing_left) {
  std::vector<size_t> place(node.by_value.size());
  MedianTree left(node), right(node);
  for (size_t i = 0; i < place.size(); ++i) {
    place[node.by_value[i]] = i;
    right.add(i, node.weights[node.by_value[i]], node.values[node.by_value[i]]);
  }
  const double before = right.loss();
  return walk(
      node, options, scratch, missing_left,
      [&](const Event& event) {
        left.add(place[event.place], event.weight, node.values[event.place]);
        right.add(place[event.place], -event.weight, node.values[event.place]);
      },
      [&] { return std::max(0.0, before - left.loss() - right.loss()); });
}

}  // namespace

Found best_boundary(const Node& node, const ExactTruth& truth, const ExactTreeOptions& options,
                    Scratch& scratch, bool missing_left) {
  if (options.criterion == Criterion::kAbsolute) {
    return best_of_distances(node, options, scratch, missing_left);
  }
  if (truth.is_codes()) {
    return options.criterion == Criterion::kEntropy
               ? best_by_entropy(node, truth, options, scratch, missing_left)
               : best_of_classes(node, truth, options, scratch, missing_left);
  }
  return truth.outputs == 1 ? best_of_number(node, options, scratch, missing_left)
                            : best_of_numbers(node, truth, options, scratch, missing_left);
}

}  // namespace athanor
