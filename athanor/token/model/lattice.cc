#include "athanor/token/model/lattice.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>

namespace athanor::token {

namespace {

constexpr size_t kMaxAgenda = 100000;  // of the n-best search; beyond it only the best few go on
constexpr size_t kKeptAgenda = 512;
constexpr double kNothing = -std::numeric_limits<double>::infinity();

double log_add(double a, double b) {
  const double high = std::max(a, b), low = std::min(a, b);
  return low == kNothing ? high : high + std::log1p(std::exp(low - high));
}

// Which of the weights (logarithms) is drawn.
size_t draw(const std::vector<double>& weights, Rng& rng) {
  const double top = *std::max_element(weights.begin(), weights.end());
  double sum = 0;
  for (const double weight : weights) {
    sum += std::exp(weight - top);
  }
  double left = rng.uniform() * sum;
  for (size_t i = 0; i + 1 < weights.size(); ++i) {
    left -= std::exp(weights[i] - top);
    if (left < 0) {
      return i;
    }
  }
  return weights.size() - 1;
}

}  // namespace

void Lattice::add(size_t begin, size_t end, int32_t id, double score) {
  ends_[end].push_back(static_cast<uint32_t>(nodes_.size()));
  nodes_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(end), id, score});
}

std::vector<Lattice::Step> Lattice::sample(double alpha, Rng& rng) const {
  std::vector<double> forward(ends_.size(), kNothing);  // log of the weight of all paths to a place
  forward[0] = 0;
  for (const Node& node : nodes_) {  // nodes come by begin, so forward[node.begin] is complete
    forward[node.end] = log_add(forward[node.end], forward[node.begin] + alpha * node.score);
  }
  std::vector<Step> path;
  std::vector<double> weights;
  for (size_t end = ends_.size() - 1; end > 0;) {
    weights.clear();
    for (const uint32_t index : ends_[end]) {
      weights.push_back(forward[nodes_[index].begin] + alpha * nodes_[index].score);
    }
    const Node& node = nodes_[ends_[end][draw(weights, rng)]];
    path.push_back({node.begin, node.end, node.id});
    end = node.begin;
  }
  std::reverse(path.begin(), path.end());
  return path;
}

// A* from the end: Viterbi scores are exact estimates of what is left (Kudo 2018, forward-DP backward-A*).
std::vector<Lattice::Path> Lattice::best(int n) const {
  std::vector<double> forward(ends_.size(), kNothing);
  forward[0] = 0;
  for (const Node& node : nodes_) {
    forward[node.end] = std::max(forward[node.end], forward[node.begin] + node.score);
  }
  struct Partial {
    double total, score;  // with the estimate, without
    size_t begin;
    uint32_t trail;       // in trails
    bool operator<(const Partial& other) const { return total < other.total; }
  };
  struct Trail {
    uint32_t node, next;
  };
  constexpr uint32_t kEnd = ~uint32_t{0};
  std::vector<Trail> trails;
  std::priority_queue<Partial> agenda;
  agenda.push({forward.back(), 0, ends_.size() - 1, kEnd});
  std::vector<Path> paths;
  while (!agenda.empty() && static_cast<int>(paths.size()) < n) {
    const Partial top = agenda.top();
    agenda.pop();
    if (top.begin == 0) {
      Path path{{}, top.score};
      for (uint32_t at = top.trail; at != kEnd; at = trails[at].next) {
        const Node& node = nodes_[trails[at].node];
        path.steps.push_back({node.begin, node.end, node.id});
      }
      paths.push_back(std::move(path));
      continue;
    }
    for (const uint32_t index : ends_[top.begin]) {
      const Node& node = nodes_[index];
      const double score = top.score + node.score;
      agenda.push({score + forward[node.begin], score, node.begin, static_cast<uint32_t>(trails.size())});
      trails.push_back({index, top.trail});
    }
    if (agenda.size() > kMaxAgenda) {
      std::priority_queue<Partial> kept;
      for (size_t i = 0; i < std::min<size_t>(kKeptAgenda, static_cast<size_t>(n) * 10); ++i) {
        kept.push(agenda.top());
        agenda.pop();
      }
      agenda = std::move(kept);
    }
  }
  return paths;
}

std::vector<Lattice::Step> Lattice::sample_best(int n, double alpha, Rng& rng) const {
  std::vector<Path> paths = best(n);
  std::vector<double> weights;
  for (const Path& path : paths) {
    weights.push_back(alpha * path.score);
  }
  return paths.empty() ? std::vector<Step>() : std::move(paths[draw(weights, rng)].steps);
}

}  // namespace athanor::token
