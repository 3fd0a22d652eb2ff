#include "athanor/token/model/backtrack.h"

#include <bit>

namespace athanor::token {

namespace {

constexpr uint32_t kNone = MergeTable::kNone;
constexpr size_t kMaxBytes = size_t{1} << 23;  // of all tokens: some 16 times what the largest vocabularies have
constexpr int kPairBits = 13;                  // pairs of neighbours that a workspace remembers
constexpr uint64_t kMultiplier = 0x9e3779b97f4a7c15ULL;

}  // namespace

Backtracker::Backtracker(std::span<const Merge> merges, const MergeTable& table,
                         const std::array<int32_t, 256>& byte_ids, int32_t num_ids)
    : table_(table), tokens_(num_ids), begins_(num_ids), byte_ids_(byte_ids) {
  for (int byte = 0; byte < 256; ++byte) {
    tokens_[byte_ids_[byte]].length = 1;
    begins_[byte_ids_[byte]] = bytes_.size();
    bytes_ += static_cast<char>(byte);
  }
  usable_ = read_merges(merges) && in_order(merges);
  if (usable_) {
    make_trie(merges);
  }
  bytes_ = {};
  begins_ = {};
}

// In the order of ranks: of a token's merges, the one by which its own bytes become it.
bool Backtracker::read_merges(std::span<const Merge> merges) {
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto [left, right, result] = merges[rank];
    Token& token = tokens_[result];
    const bool whole = tokens_[left].length != 0 && tokens_[right].length != 0;
    if (token.length != 0 || !whole || table_.find(left, right) != rank ||
        !apart(left, right, static_cast<uint32_t>(rank))) {
      continue;
    }
    token.left = left;
    token.right = right;
    token.rank = static_cast<int32_t>(rank);
    token.length = tokens_[left].length + tokens_[right].length;
    begins_[result] = bytes_.size();
    if (bytes_.size() + token.length > kMaxBytes) {
      return false;
    }
    bytes_.append(bytes_, begins_[left], tokens_[left].length);
    bytes_.append(bytes_, begins_[right], tokens_[right].length);
  }
  return true;
}

// Whether the parts of every merge come from merges before it: what the proof needs.
bool Backtracker::in_order(std::span<const Merge> merges) const {
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const auto later = [&](int32_t id) { return tokens_[id].rank > static_cast<int32_t>(rank); };
    if (later(merges[rank].left) || later(merges[rank].right)) {
      return false;
    }
  }
  return true;
}

// In the order of ranks: a token's left part is there, and its path goes on from that one's node.
void Backtracker::make_trie(std::span<const Merge> merges) {
  const size_t slots = std::bit_ceil(bytes_.size() + 512);
  edges_.assign(slots, Edge{0, 0});
  shift_ = 64 - std::countr_zero(slots);
  node_ids_.reserve(slots / 2);
  node_ids_.assign(257, -1);
  std::vector<uint32_t> nodes(tokens_.size());
  for (int byte = 0; byte < 256; ++byte) {
    nodes[byte_ids_[byte]] = static_cast<uint32_t>(byte) + 1;
    node_ids_[byte + 1] = byte_ids_[byte];
  }
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const int32_t id = merges[rank].result;
    const Token& token = tokens_[id];
    if (token.rank != static_cast<int32_t>(rank)) {
      continue;
    }
    uint32_t node = nodes[token.left];
    const size_t end = begins_[id] + token.length;
    for (size_t i = begins_[id] + tokens_[token.left].length; i < end; ++i) {
      node = add_node(node, static_cast<uint8_t>(bytes_[i]));
    }
    nodes[id] = node;
    node_ids_[node] = id;
  }
}

uint32_t Backtracker::add_node(uint32_t node, uint8_t byte) {
  const uint32_t key = node << 8 | byte;
  size_t at = key * kMultiplier >> shift_;
  while (edges_[at].from != 0 && edges_[at].from != key) {
    at = (at + 1) & (edges_.size() - 1);
  }
  if (edges_[at].from == 0) {
    edges_[at] = {key, static_cast<uint32_t>(node_ids_.size())};
    node_ids_.push_back(-1);
  }
  return edges_[at].to;
}

uint32_t Backtracker::next_node(uint32_t node, uint8_t byte) const {
  const uint32_t key = node << 8 | byte;
  for (size_t at = key * kMultiplier >> shift_;; at = (at + 1) & (edges_.size() - 1)) {
    if (edges_[at].from == key || edges_[at].from == 0) {
      return edges_[at].to;
    }
  }
}

int32_t Backtracker::longest(std::string_view text) const {
  if (text.empty()) {
    return -1;
  }
  uint32_t node = static_cast<uint8_t>(text[0]) + 1u;
  int32_t found = node_ids_[node];
  for (size_t i = 1; i < text.size() && (node = next_node(node, static_cast<uint8_t>(text[i]))) != 0; ++i) {
    found = node_ids_[node] >= 0 ? node_ids_[node] : found;
  }
  return found;
}

// Undoes the merges of the two sides, the latest first. What stands at the boundary then has stood there together at
// some time: if the two have a merge, and it came before what happened to them instead, it would have been made.
bool Backtracker::apart(int32_t left, int32_t right, uint32_t limit) const {
  uint32_t left_until = limit, right_until = limit;
  for (;;) {
    const uint32_t rank = table_.find(left, right);
    if (rank < left_until && rank <= right_until && rank != kNone) {
      return false;
    }
    const Token &a = tokens_[left], &b = tokens_[right];
    if (a.rank < 0 && b.rank < 0) {
      return true;
    }
    if (a.rank > b.rank) {  // of equals the left one came first
      left_until = static_cast<uint32_t>(a.rank);
      left = a.right;
    } else {
      right_until = static_cast<uint32_t>(b.rank);
      right = b.left;
    }
  }
}

bool Backtracker::neighbours(int32_t left, int32_t right, Workspace& work) const {
  const uint64_t key = static_cast<uint64_t>(left) << 32 | static_cast<uint64_t>(right) << 1;
  uint64_t& known = work.pairs[key * kMultiplier >> (64 - kPairBits)];
  if ((known & ~uint64_t{1}) != key) {
    known = key | (apart(left, right, kNone) ? 1 : 0);
  }
  return (known & 1) != 0;
}

void Backtracker::encode(std::string_view piece, Workspace& work, std::vector<int32_t>& ids) const {
  if (work.pairs.empty()) {
    work.pairs.assign(size_t{1} << kPairBits, ~uint64_t{0});
  }
  work.dead.assign(piece.size() / 64 + 1, 0);
  const size_t first = ids.size();
  size_t at = 0;
  int32_t id = longest(piece);
  for (;;) {
    const size_t next = at + tokens_[id].length;
    if ((work.dead[next >> 6] >> (next & 63) & 1) == 0 &&
        (ids.size() == first || neighbours(ids.back(), id, work))) {
      ids.push_back(id);
      at = next;
      if (at == piece.size()) {
        return;
      }
      id = longest(piece.substr(at));
      continue;
    }
    id = longest(piece.substr(at, tokens_[id].length - 1));
    if (id < 0) {  // nothing goes on from here: the last token is not one
      work.dead[at >> 6] |= uint64_t{1} << (at & 63);
      id = ids.back();
      ids.pop_back();
      at -= tokens_[id].length;
    }
  }
}

}  // namespace athanor::token
