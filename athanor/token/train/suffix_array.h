// Suffix array by induced sorting (SA-IS: Nong, Zhang, Chan 2009), and the repeated substrings that it shows.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace athanor::token {

// Where the suffixes of text begin, in the order of the suffixes (a suffix that ends comes before its
// continuations). text: values in [0, alphabet_size); size() < 2^31. Memory: 4 bytes a symbol for the result,
// about 5 more at work.
std::vector<int32_t> suffix_array(std::span<const int32_t> text, int32_t alphabet_size);

// lcp[i]: symbols that the suffixes at sa[i - 1] and sa[i] share; lcp[0] is 0 (Kasai and others 2001).
std::vector<int32_t> common_prefixes(std::span<const int32_t> text, std::span<const int32_t> sa);

// A substring that occurs at sa[left .. right - 1] and is followed there by at least two different symbols: an
// inner node of the suffix tree.
struct RepeatedSubstring {
  int32_t left, right;
  int32_t length;
};

// Calls fn for each, children before their parents, in the order of their last occurrence in sa (that is the
// order in which the enhanced suffix array of Abouelhoda, Kurtz, Ohlebusch 2004 is walked from below).
template <class Fn>
void for_each_repeat(std::span<const int32_t> lcp, Fn fn) {
  struct Open {
    int32_t length, left;
  };
  std::vector<Open> open;
  const auto n = static_cast<int32_t>(lcp.size());
  for (int32_t i = 1; i <= n; ++i) {
    const int32_t shared = i < n ? lcp[i] : 0;
    int32_t left = i - 1;
    while (!open.empty() && open.back().length > shared) {
      left = open.back().left;
      fn(RepeatedSubstring{left, i, open.back().length});
      open.pop_back();
    }
    if (shared > 0 && (open.empty() || open.back().length < shared)) {
      open.push_back({shared, left});
    }
  }
}

}  // namespace athanor::token
