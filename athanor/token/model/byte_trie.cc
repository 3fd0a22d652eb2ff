#include "athanor/token/model/byte_trie.h"

#include <algorithm>

namespace athanor::token {

namespace {

constexpr uint32_t kBlock = 256;
constexpr uint32_t kOpenBlocks = 16;  // only the last few blocks are searched for room, so building is linear
constexpr uint32_t kFree = ByteTrie::kNone;
constexpr uint32_t kNoParent = kFree - 1;  // the root's

}  // namespace

// Free units of the open blocks form a ring, so that full ones cost nothing.
class ByteTrie::Builder {
 public:
  explicit Builder(std::vector<Unit>& units) : units_(units) { add_block(); }

  // Takes base ^ byte for each byte; returns base.
  uint32_t place(const std::vector<uint8_t>& bytes) {
    for (uint32_t at = head_; at != kFree; at = next_[at]) {
      const uint32_t base = at ^ bytes[0];
      const bool fits = std::all_of(bytes.begin(), bytes.end(),
                                    [&](uint8_t byte) { return is_free(base ^ byte); });
      if (fits) {
        take(base, bytes);
        return base;
      }
    }
    const uint32_t base = static_cast<uint32_t>(units_.size());
    add_block();
    take(base, bytes);
    return base;
  }

  void take_root() { unlink(kRoot); }

 private:
  bool is_free(uint32_t at) const { return units_[at].parent == kFree && at != kRoot; }

  void take(uint32_t base, const std::vector<uint8_t>& bytes) {
    for (const uint8_t byte : bytes) {
      unlink(base ^ byte);
    }
  }

  void unlink(uint32_t at) {
    (previous_[at] == kFree ? head_ : next_[previous_[at]]) = next_[at];
    (next_[at] == kFree ? tail_ : previous_[next_[at]]) = previous_[at];
    linked_[at] = false;
  }

  void add_block() {
    const uint32_t first = static_cast<uint32_t>(units_.size());
    units_.resize(first + kBlock, {0, kFree, -1});
    next_.resize(units_.size());
    previous_.resize(units_.size());
    linked_.resize(units_.size(), true);
    for (uint32_t at = first; at < units_.size(); ++at) {
      next_[at] = at + 1 < units_.size() ? at + 1 : kFree;
      previous_[at] = at > first ? at - 1 : tail_;
    }
    (tail_ == kFree ? head_ : next_[tail_]) = first;
    tail_ = static_cast<uint32_t>(units_.size()) - 1;
    if (first >= kOpenBlocks * kBlock) {
      const uint32_t closed = first - kOpenBlocks * kBlock;
      for (uint32_t at = closed; at < closed + kBlock; ++at) {
        if (linked_[at]) {
          unlink(at);
        }
      }
    }
  }

  std::vector<Unit>& units_;
  std::vector<uint32_t> next_, previous_;
  std::vector<bool> linked_;
  uint32_t head_ = kFree, tail_ = kFree;
};

ByteTrie::ByteTrie(Strings strings, std::vector<Node>* nodes) {
  std::sort(strings.begin(), strings.end());
  Builder builder(units_);
  builder.take_root();
  units_[kRoot].parent = kNoParent;
  struct Range {
    uint32_t node;
    size_t begin, end, depth;  // strings[begin, end) go through node, which is this deep
  };
  std::vector<Range> queue{{kRoot, 0, strings.size(), 0}};
  std::vector<uint8_t> bytes;
  std::vector<size_t> starts;
  for (size_t done = 0; done < queue.size(); ++done) {
    auto [node, begin, end, depth] = queue[done];
    for (; begin < end && strings[begin].first.size() == depth; ++begin) {
      units_[node].value = depth == 0 ? -1 : strings[begin].second;
    }
    if (begin == end) {
      continue;
    }
    bytes.clear();
    starts.clear();
    for (size_t i = begin; i < end; ++i) {
      const uint8_t byte = static_cast<uint8_t>(strings[i].first[depth]);
      if (bytes.empty() || bytes.back() != byte) {
        bytes.push_back(byte);
        starts.push_back(i);
      }
    }
    starts.push_back(end);
    const uint32_t base = builder.place(bytes);
    units_[node].base = base;
    for (size_t i = 0; i < bytes.size(); ++i) {
      const uint32_t child = base ^ bytes[i];
      units_[child].parent = node;
      queue.push_back({child, starts[i], starts[i + 1], depth + 1});
      if (nodes != nullptr) {
        nodes->push_back({child, node, bytes[i]});
      }
    }
    if (done > size_t{1} << 16) {  // what is done is let go now and then
      queue.erase(queue.begin(), queue.begin() + static_cast<ptrdiff_t>(done) + 1);
      done = size_t{0} - 1;
    }
  }
}

}  // namespace athanor::token
