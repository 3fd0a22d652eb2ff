// Seed pieces: the characters and the repeated substrings by count times length.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/token/train/suffix_array.h"
#include "athanor/token/train/unigram_words.h"

namespace athanor::token {

namespace {

struct Candidate {
  int64_t score;
  int32_t number;  // in the order of the walk
  RepeatedSubstring node;
};

// Shared lengths stop after the symbol that ends a word: what is repeated beyond it is no substring of a word.
void stop_at_words(const UnigramText& text, std::span<const int32_t> sa, std::vector<int32_t>& lcp) {
  std::vector<int32_t> left(text.text.size());  // symbols to the word's end, that one included
  for (int32_t i = static_cast<int32_t>(text.text.size()) - 1, run = 0; i >= 0; --i) {
    run = text.text[i] < 2 ? 1 : run + 1;
    left[i] = run;
  }
  for (size_t i = 0; i < sa.size(); ++i) {
    lcp[i] = std::min(lcp[i], left[sa[i]]);
  }
}

// Sums of weights of suffixes, so that an interval's count is a difference.
std::vector<int64_t> weight_sums(const UnigramText& text, std::span<const int32_t> sa) {
  std::vector<int32_t> word(text.text.size());
  size_t number = 0;
  for (size_t i = 0; i < text.text.size(); ++i) {
    if (static_cast<int32_t>(i) == text.word_ends[number]) {
      ++number;
    }
    word[i] = static_cast<int32_t>(number);
  }
  std::vector<int64_t> sums(sa.size() + 1, 0);
  for (size_t i = 0; i < sa.size(); ++i) {
    sums[i + 1] = sums[i] + text.weights[word[sa[i]]];
  }
  return sums;
}

std::vector<Candidate> find_candidates(const UnigramText& text, const PieceRules& rules,
                                       std::span<const int32_t> sa) {
  std::vector<int32_t> lcp = common_prefixes(text.text, sa);
  stop_at_words(text, sa, lcp);
  const std::vector<int64_t> sums = weight_sums(text, sa);
  std::vector<Candidate> found;
  std::vector<char32_t> characters;
  int32_t number = 0;
  const int64_t longest = std::min(rules.max_piece_length, PieceGrid::kMaxLength);
  for_each_repeat(lcp, [&](const RepeatedSubstring& node) {
    ++number;
    if (node.length < 2 || node.length > longest) {
      return;
    }
    characters.clear();
    for (int32_t i = 0; i < node.length; ++i) {
      characters.push_back(text.characters[text.text[sa[node.left] + i]]);
    }
    if (valid_piece(characters.data(), characters.data() + characters.size(), rules)) {
      found.push_back({(sums[node.right] - sums[node.left]) * node.length, number, node});
    }
  });
  return found;
}

void add_characters(const UnigramText& text, std::vector<SeedPiece>& pieces, std::vector<float>& values) {
  std::vector<int32_t> first(text.characters.size(), -1);
  for (int32_t i = text.num_training - 1; i >= 0; --i) {
    first[text.text[i]] = i;
  }
  std::vector<std::pair<uint64_t, char32_t>> order;
  std::vector<std::pair<char32_t, int32_t>> places;
  for (size_t i = 0; i < text.alphabet.characters.size(); ++i) {
    order.emplace_back(~text.alphabet.counts[i], text.alphabet.characters[i]);
  }
  std::sort(order.begin(), order.end());
  for (const auto& [count, c] : order) {
    const auto found = std::lower_bound(text.characters.begin() + 2, text.characters.end(), c);
    const int32_t place = first[found - text.characters.begin()];
    if (place >= 0 && c != kUncovered) {
      pieces.push_back({place, 1, 0, 0, 0});
      values.push_back(static_cast<float>(~count));
    }
  }
}

}  // namespace

Seeds make_seeds(const UnigramText& text, const PieceRules& rules, size_t seed_size) {
  Seeds seeds;
  seeds.sa = suffix_array(text.text, static_cast<int32_t>(text.characters.size()));
  std::vector<Candidate> found = find_candidates(text, rules, seeds.sa);
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.score != b.score ? a.score > b.score : a.number < b.number;
  };
  if (found.size() > seed_size) {
    std::nth_element(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(seed_size), found.end(),
                     better);
    found.resize(seed_size);
  }
  std::sort(found.begin(), found.end(), better);
  std::vector<float> values;
  add_characters(text, seeds.pieces, values);
  for (const Candidate& candidate : found) {
    const auto& node = candidate.node;
    const int32_t place = *std::min_element(seeds.sa.begin() + node.left, seeds.sa.begin() + node.right);
    seeds.pieces.push_back({place, node.length, node.left, node.right, 0});
    values.push_back(static_cast<float>(candidate.score));
  }
  float sum =
      0;  // as SentencePiece adds them, small ones lost: it is the weight of a piece against that of two
  for (const float value : values) {
    sum += value;
  }
  const float log_sum = static_cast<float>(std::log(static_cast<double>(sum)));
  for (size_t i = 0; i < values.size(); ++i) {
    seeds.pieces[i].score =
        static_cast<float>(std::log(static_cast<double>(values[i])) - static_cast<double>(log_sum));
  }
  return seeds;
}

}  // namespace athanor::token
