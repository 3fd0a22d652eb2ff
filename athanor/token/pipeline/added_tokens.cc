#include "athanor/token/pipeline/added_tokens.h"

#include <algorithm>
#include <cstring>

namespace athanor::token {

void AddedTokenMatcher::add(std::string_view text, uint32_t index) {
  uint32_t node = 0;
  for (const char c : text) {
    const uint8_t byte = static_cast<uint8_t>(c);
    uint32_t next = kNone;
    for (const Edge& edge : building_[node]) {
      next = edge.byte == byte ? edge.node : next;
    }
    if (next == kNone) {
      next = static_cast<uint32_t>(nodes_.size());
      building_[node].push_back({byte, next});
      nodes_.emplace_back().depth = nodes_[node].depth + 1;
      building_.emplace_back();
    }
    node = next;
  }
  if (nodes_[node].index == kNone) {
    nodes_[node].index = index;
  }
}

void AddedTokenMatcher::build() {
  for (size_t node = 0; node < nodes_.size(); ++node) {
    std::vector<Edge>& edges = building_[node];
    std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) { return a.byte < b.byte; });
    nodes_[node].first_edge = static_cast<uint32_t>(edges_.size());
    nodes_[node].num_edges = static_cast<uint32_t>(edges.size());
    edges_.insert(edges_.end(), edges.begin(), edges.end());
  }
  building_.clear();
  int num_starts = 0;
  for (uint32_t i = 0; i < nodes_[0].num_edges; ++i) {
    starts_[edges_[i].byte] = true;
    only_start_ = edges_[i].byte;
    ++num_starts;
  }
  only_start_ = num_starts == 1 ? only_start_ : -1;
  std::vector<uint32_t> queue = {0};  // by depth, so that suffixes are ready before those that need them
  for (size_t i = 0; i < queue.size(); ++i) {
    const uint32_t parent = queue[i];
    for (uint32_t e = nodes_[parent].first_edge; e < nodes_[parent].first_edge + nodes_[parent].num_edges; ++e) {
      const uint32_t at = edges_[e].node;
      Node& node = nodes_[at];
      uint32_t fail = nodes_[parent].fail;
      uint32_t next = parent == 0 ? 0 : child(fail, edges_[e].byte);
      while (next == kNone && fail != 0) {
        fail = nodes_[fail].fail;
        next = child(fail, edges_[e].byte);
      }
      node.fail = next == kNone ? 0 : next;
      const uint32_t suffix = nodes_[node.fail].ending;
      node.ending = node.index != kNone ? at : suffix;
      node.inner_index = nodes_[parent].inner_index;
      node.inner_begin = nodes_[parent].inner_begin;
      node.inner_length = nodes_[parent].inner_length;
      if (node.ending != 0) {
        const Node& last = nodes_[node.ending];
        const uint32_t begin = node.depth - last.depth;
        if (node.inner_index == kNone || begin <= node.inner_begin) {
          node.inner_begin = begin;
          node.inner_length = last.depth;
          node.inner_index = last.index;
        }
      }
      queue.push_back(at);
    }
  }
}

uint32_t AddedTokenMatcher::child(uint32_t node, uint8_t byte) const {
  const Edge* const first = edges_.data() + nodes_[node].first_edge;
  const Edge* const last = first + nodes_[node].num_edges;
  const Edge* const found =
      std::lower_bound(first, last, byte, [](const Edge& edge, uint8_t wanted) { return edge.byte < wanted; });
  return found != last && found->byte == byte ? found->node : kNone;
}

size_t AddedTokenMatcher::skip(std::string_view text, size_t at) const {
  if (only_start_ >= 0) {
    const void* const found = std::memchr(text.data() + at, only_start_, text.size() - at);
    return found == nullptr ? text.size() : static_cast<size_t>(static_cast<const char*>(found) - text.data());
  }
  while (at < text.size() && !starts_[static_cast<uint8_t>(text[at])]) {
    ++at;
  }
  return at;
}

bool AddedTokenMatcher::find(std::string_view text, size_t from, Match& match) const {
  if (empty()) {
    return false;
  }
  uint32_t state = 0;
  for (size_t at = from; at <= text.size();) {
    if (state == 0) {
      at = skip(text, at);
    }
    const uint32_t next = at < text.size() ? child(state, static_cast<uint8_t>(text[at])) : kNone;
    if (next != kNone) {
      state = next;
      ++at;
      continue;
    }
    if (state == 0) {
      return false;  // the end of the text: skip() stops only where a child exists
    }
    const Node& node = nodes_[state];
    const Node& fail = nodes_[node.fail];
    // A token inside what was read is final unless a longer suffix of it may still become one that begins before.
    if (node.inner_index != kNone && node.inner_begin < node.depth - fail.depth) {
      match = {at - node.depth + node.inner_begin, at - node.depth + node.inner_begin + node.inner_length,
               node.inner_index};
      return true;
    }
    state = node.fail;
  }
  return false;
}

}  // namespace athanor::token
