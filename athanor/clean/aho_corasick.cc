#include "athanor/clean/aho_corasick.h"

#include <algorithm>
#include <numeric>

namespace athanor {

AhoCorasick::AhoCorasick(const std::vector<std::string>& patterns) {
  lengths_.reserve(patterns.size());
  for (const std::string& pattern : patterns) {
    lengths_.push_back(static_cast<uint32_t>(pattern.size()));
  }
  build_trie(patterns);
  build_fails();
}

// Breadth first over the sorted patterns: a node is a run of patterns with an equal prefix.
void AhoCorasick::build_trie(const std::vector<std::string>& patterns) {
  std::vector<uint32_t> order(patterns.size());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) { return patterns[a] < patterns[b]; });
  struct Run {
    size_t begin, end, depth;
  };
  std::vector<Run> runs = {{0, order.size(), 0}};
  nodes_.push_back({});
  for (size_t node = 0; node < nodes_.size(); ++node) {
    Run run = runs[node];
    while (run.begin < run.end && patterns[order[run.begin]].size() == run.depth) {
      if (run.depth > 0 && nodes_[node].pattern == kNone) {
        nodes_[node].pattern = order[run.begin];
      }
      ++run.begin;
    }
    nodes_[node].first_edge = static_cast<uint32_t>(edge_bytes_.size());
    while (run.begin < run.end) {
      const char byte = patterns[order[run.begin]][run.depth];
      size_t end = run.begin;
      while (end < run.end && patterns[order[end]][run.depth] == byte) {
        ++end;
      }
      edge_bytes_.push_back(static_cast<uint8_t>(byte));
      edge_to_.push_back(static_cast<uint32_t>(nodes_.size()));
      ++nodes_[node].num_edges;
      nodes_.push_back({});
      runs.push_back({run.begin, end, run.depth + 1});
      run.begin = end;
    }
  }
  for (uint32_t i = 0; i < nodes_[0].num_edges; ++i) {
    root_[edge_bytes_[i]] = edge_to_[i];
  }
}

void AhoCorasick::build_fails() {
  for (uint32_t node = 0; node < nodes_.size(); ++node) {  // breadth first: a fail is nearer to the root
    const Node& parent = nodes_[node];
    for (uint32_t i = 0; i < parent.num_edges; ++i) {
      Node& next = nodes_[edge_to_[parent.first_edge + i]];
      next.fail = node == 0 ? 0 : step(parent.fail, edge_bytes_[parent.first_edge + i]);
      next.hit = next.pattern != kNone ? edge_to_[parent.first_edge + i] : nodes_[next.fail].hit;
    }
  }
}

uint32_t AhoCorasick::child(uint32_t state, uint8_t byte) const {
  const Node& node = nodes_[state];
  const uint8_t* const begin = edge_bytes_.data() + node.first_edge;
  const uint8_t* const end = begin + node.num_edges;
  const uint8_t* const found = node.num_edges <= 8 ? std::find(begin, end, byte) : std::lower_bound(begin, end, byte);
  return found != end && *found == byte ? edge_to_[static_cast<size_t>(found - edge_bytes_.data())] : kNone;
}

}  // namespace athanor
