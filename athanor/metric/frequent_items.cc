#include "athanor/metric/frequent_items.h"

#include <algorithm>

#include "athanor/base/hash.h"

namespace athanor {

FrequentItems::FrequentItems(size_t capacity)
    : capacity_(capacity), mask_(2 * capacity - 1), slots_(2 * capacity) {}

std::vector<FrequentItems::Item> FrequentItems::items() const {
  std::vector<Item> items;
  items.reserve(size_);
  for (const Item& slot : slots_) {
    if (slot.count > 0) {
      items.push_back(slot);
    }
  }
  return items;
}

void FrequentItems::clear() {
  std::fill(slots_.begin(), slots_.end(), Item{});
  size_ = 0;
  total_ = 0;
  error_ = 0;
}

void FrequentItems::shrink() {
  std::vector<Item> all = items();
  // The middle of every 16th is near enough to the middle of all: about half of the counters go.
  std::vector<uint32_t> counts;
  for (size_t i = 0; i < all.size(); i += 16) {
    counts.push_back(all[i].count);
  }
  std::nth_element(counts.begin(), counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2), counts.end());
  const uint32_t cut = counts[counts.size() / 2];
  error_ += cut;
  std::fill(slots_.begin(), slots_.end(), Item{});
  size_ = 0;
  for (const Item& item : all) {
    if (item.count <= cut) {
      continue;
    }
    size_t at = item.key & mask_;
    while (slots_[at].count != 0) {
      at = (at + 1) & mask_;
    }
    slots_[at] = {item.key, item.count - cut, item.place};
    ++size_;
  }
}

void FrequentTexts::add(std::string_view text, uint64_t weight) {
  add_hashed(xxh3_64(text), weight, [&] { return std::string(text); });
}

void FrequentTexts::merge(const FrequentTexts& other) {
  total_ += other.total_;
  error_ += other.error_;
  if (counters_.empty() && other.counters_.size() <= capacity_) {
    counters_ = other.counters_;
    return;
  }
  // In the order of the keys: where the table is full in between, the order decides what stays.
  std::vector<uint64_t> keys;
  for (const auto& [key, counter] : other.counters_) {
    keys.push_back(key);
  }
  std::sort(keys.begin(), keys.end());
  for (const uint64_t key : keys) {
    const Counter& counter = other.counters_.at(key);
    add_counter(key, counter.count, [&] { return counter.text; });
  }
}

void FrequentTexts::shrink() {
  std::vector<uint64_t> counts;
  for (const auto& [key, counter] : counters_) {
    counts.push_back(counter.count);
  }
  const auto middle = counts.begin() + static_cast<std::ptrdiff_t>(counts.size() / 2);
  std::nth_element(counts.begin(), middle, counts.end());
  const uint64_t cut = *middle;
  error_ += cut;
  for (auto at = counters_.begin(); at != counters_.end();) {
    if (at->second.count <= cut) {
      at = counters_.erase(at);
    } else {
      at->second.count -= cut;
      ++at;
    }
  }
}

std::vector<FrequentTexts::Item> FrequentTexts::top(size_t count) const {
  std::vector<Item> items;
  for (const auto& [key, counter] : counters_) {
    items.push_back({counter.text, counter.count});
  }
  const auto before = [](const Item& a, const Item& b) { return a.count != b.count ? a.count > b.count : a.text < b.text; };
  const size_t kept = std::min(count, items.size());
  std::partial_sort(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(kept), items.end(), before);
  items.resize(kept);
  return items;
}

}  // namespace athanor
