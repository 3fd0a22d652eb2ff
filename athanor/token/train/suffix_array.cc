#include "athanor/token/train/suffix_array.h"

#include <algorithm>

namespace athanor::token {

namespace {

constexpr int32_t kEmpty = -1;

// One level: S-type suffixes are less than their successor, L-type ones greater; "leftmost S" ones begin a run
// of S.
class Level {
 public:
  Level(std::span<const int32_t> text, int32_t alphabet_size, std::span<int32_t> sa)
      : text_(text),
        sa_(sa),
        n_(static_cast<int32_t>(text.size())),
        is_small_(text.size()),
        counts_(alphabet_size + 1) {
    for (int32_t i = n_ - 1; i >= 0;
         --i) {  // the end of the text is less than every symbol: the last suffix is L
      is_small_[i] = i + 1 < n_ && (text_[i] < text_[i + 1] || (text_[i] == text_[i + 1] && is_small_[i + 1]));
    }
    for (const int32_t symbol : text_) {
      ++counts_[symbol + 1];
    }
    for (size_t i = 1; i < counts_.size(); ++i) {
      counts_[i] += counts_[i - 1];
    }
  }

  void sort() {
    std::vector<int32_t> marks;
    for (int32_t i = 1; i < n_; ++i) {
      if (is_mark(i)) {
        marks.push_back(i);
      }
    }
    induce(marks);
    const int32_t num_names = name_marks(marks);
    if (num_names < static_cast<int32_t>(marks.size())) {
      sort_reduced(marks, num_names);
    } else {
      size_t found = 0;
      std::vector<int32_t> sorted(marks.size());
      for (const int32_t at : sa_) {
        if (at > 0 && is_mark(at)) {
          sorted[found++] = at;
        }
      }
      marks.swap(sorted);
    }
    induce(marks);
  }

 private:
  bool is_mark(int32_t i) const { return i > 0 && is_small_[i] && !is_small_[i - 1]; }

  // Sorts all suffixes from the marks in their order.
  void induce(const std::vector<int32_t>& marks) {
    std::fill(sa_.begin(), sa_.end(), kEmpty);
    std::vector<int32_t> at(counts_.begin() + 1, counts_.end());  // ends of the buckets
    for (size_t i = marks.size(); i-- > 0;) {
      sa_[--at[text_[marks[i]]]] = marks[i];
    }
    at.assign(counts_.begin(), counts_.end() - 1);
    sa_[at[text_[n_ - 1]]++] = n_ - 1;
    for (int32_t i = 0; i < n_; ++i) {
      const int32_t before = sa_[i] - 1;
      if (sa_[i] > 0 && !is_small_[before]) {
        sa_[at[text_[before]]++] = before;
      }
    }
    at.assign(counts_.begin() + 1, counts_.end());
    for (int32_t i = n_ - 1; i >= 0; --i) {
      const int32_t before = sa_[i] - 1;
      if (sa_[i] > 0 && is_small_[before]) {
        sa_[--at[text_[before]]] = before;
      }
    }
  }

  bool equal_marked(int32_t a, int32_t b) const {
    for (int32_t k = 0;; ++k) {
      if (a + k >= n_ || b + k >= n_) {
        return false;
      }
      const bool end_a = k > 0 && is_mark(a + k), end_b = k > 0 && is_mark(b + k);
      if (text_[a + k] != text_[b + k] || end_a != end_b || is_small_[a + k] != is_small_[b + k]) {
        return false;
      }
      if (end_a) {
        return true;
      }
    }
  }

  // names_[i / 2] for a mark at i: the place of its substring among the different ones. Marks are never
  // neighbours.
  int32_t name_marks(const std::vector<int32_t>& marks) {
    names_.assign(static_cast<size_t>(n_) / 2 + 1, kEmpty);
    int32_t names = 0, last = kEmpty;
    for (const int32_t at : sa_) {
      if (at > 0 && is_mark(at)) {
        if (last != kEmpty && !equal_marked(last, at)) {
          ++names;
        }
        names_[at / 2] = names;
        last = at;
      }
    }
    return marks.empty() ? 0 : names + 1;
  }

  void sort_reduced(std::vector<int32_t>& marks, int32_t num_names) {
    std::vector<int32_t> reduced(marks.size());
    for (size_t i = 0; i < marks.size(); ++i) {
      reduced[i] = names_[marks[i] / 2];
    }
    std::vector<int32_t>().swap(names_);
    const std::vector<int32_t> order = suffix_array(reduced, num_names);
    std::vector<int32_t> sorted(marks.size());
    for (size_t i = 0; i < order.size(); ++i) {
      sorted[i] = marks[order[i]];
    }
    marks.swap(sorted);
  }

  std::span<const int32_t> text_;
  std::span<int32_t> sa_;
  int32_t n_;
  std::vector<bool> is_small_;
  std::vector<int32_t> counts_;  // symbols less than the index
  std::vector<int32_t> names_;
};

}  // namespace

std::vector<int32_t> suffix_array(std::span<const int32_t> text, int32_t alphabet_size) {
  std::vector<int32_t> sa(text.size(), 0);
  if (text.size() > 1) {
    Level(text, alphabet_size, sa).sort();
  }
  return sa;
}

std::vector<int32_t> common_prefixes(std::span<const int32_t> text, std::span<const int32_t> sa) {
  const auto n = static_cast<int32_t>(text.size());
  std::vector<int32_t> before(text.size());  // the suffix that precedes, by place in the text
  for (int32_t i = 0; i < n; ++i) {
    before[sa[i]] = i == 0 ? kEmpty : sa[i - 1];
  }
  int32_t shared = 0;
  for (int32_t i = 0; i < n; ++i) {  // `before` becomes the lengths, in the order of the text
    const int32_t other = before[i];
    if (other == kEmpty) {
      before[i] = shared = 0;
      continue;
    }
    while (i + shared < n && other + shared < n && text[i + shared] == text[other + shared]) {
      ++shared;
    }
    before[i] = shared;
    shared = std::max(0, shared - 1);
  }
  std::vector<int32_t> lcp(text.size());
  for (int32_t i = 0; i < n; ++i) {
    lcp[i] = before[sa[i]];
  }
  return lcp;
}

}  // namespace athanor::token
