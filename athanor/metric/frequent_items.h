// The most frequent items of a stream in bounded memory, with a bound on the error: Misra and Gries's counters (1982), as
// the frequent-items sketch of Anderson et al. (2017) keeps them: when the table is full, a count in its middle is taken from all
// counters at once, and the empty ones go. An item's true count lies in [count, count + error()]; with fewer different
// items than the table holds, error() is 0 and all is exact. Sketches merge; the same stream gives the same counters.
//
//   FrequentItems items(1 << 15);
//   items.add(hash, place);
//   for (const auto& item : items.items()) { item.key, item.count, item.place }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace athanor {

// For the inner loop: keys are hashes (well mixed), `place` says where an item was when its counter began.
class FrequentItems {
 public:
  struct Item {
    uint64_t key = 0;
    uint32_t count = 0;  // 0: a free slot
    uint32_t place = 0;
  };

  // capacity: counters at most; a power of two.
  explicit FrequentItems(size_t capacity);

  void add(uint64_t key, uint32_t place) {
    ++total_;
    size_t at = key & mask_;
    while (slots_[at].count != 0) {
      if (slots_[at].key == key) {
        ++slots_[at].count;
        return;
      }
      at = (at + 1) & mask_;
    }
    slots_[at] = {key, 1, place};
    if (++size_ >= capacity_) {
      shrink();
    }
  }

  uint64_t total() const { return total_; }
  uint64_t error() const { return error_; }
  std::vector<Item> items() const;  // in no order
  void clear();

 private:
  void shrink();

  size_t capacity_;
  size_t mask_;
  std::vector<Item> slots_;
  size_t size_ = 0;
  uint64_t total_ = 0;
  uint64_t error_ = 0;
};

// The same for few additions, with weights and the items' own names.
class FrequentTexts {
 public:
  explicit FrequentTexts(size_t capacity) : capacity_(capacity) {}

  void add(std::string_view text, uint64_t weight = 1);
  // With the key that tells texts apart; text is asked for a new one only.
  template <class TextOf>
  void add_hashed(uint64_t key, uint64_t weight, const TextOf& text_of) {
    total_ += weight;
    add_counter(key, weight, text_of);
  }
  // What another sketch counted: its items were added by add_hashed, its total and error are taken over here.
  void add_bound(uint64_t total_not_added, uint64_t error) {
    total_ += total_not_added;
    error_ += error;
  }
  void merge(const FrequentTexts& other);

  struct Item {
    std::string text;
    uint64_t count;
  };
  // Most frequent first; ties by text.
  std::vector<Item> top(size_t count) const;
  size_t num_counters() const { return counters_.size(); }
  uint64_t total() const { return total_; }
  uint64_t error() const { return error_; }

  // Hands every field but the capacity to `a`, to be written or read (stage/describe_parts.h).
  template <typename Archive>
  void archive(Archive& a) {
    a(counters_);
    a(total_);
    a(error_);
  }

 private:
  struct Counter {
    uint64_t count = 0;
    std::string text;
    template <typename Archive>
    void archive(Archive& a) {
      a(count);
      a(text);
    }
  };
  template <class TextOf>
  void add_counter(uint64_t key, uint64_t weight, const TextOf& text_of) {
    if (weight == 0) {
      return;
    }
    auto [found, is_new] = counters_.try_emplace(key);
    found->second.count += weight;
    if (is_new) {
      found->second.text = text_of();
      if (counters_.size() > capacity_) {
        shrink();
      }
    }
  }
  void shrink();

  size_t capacity_;
  std::unordered_map<uint64_t, Counter> counters_;
  uint64_t total_ = 0;
  uint64_t error_ = 0;
};

}  // namespace athanor
