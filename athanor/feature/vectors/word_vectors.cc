#include "athanor/feature/vectors/word_vectors.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace athanor {

namespace {

constexpr size_t kLongest = 10'000;  // words of a sentence, as in the original

std::vector<double> unit(const float* row, int64_t size) {
  std::vector<double> out(row, row + size);
  double squares = 0;
  for (const double value : out) {
    squares += value * value;
  }
  for (double& value : out) {
    value /= std::max(1e-30, std::sqrt(squares));
  }
  return out;
}

}  // namespace

void WordCorpus::Builder::add(std::string_view word) {
  const auto [found, fresh] = index_.emplace(std::string(word), static_cast<uint32_t>(words_.size()));
  if (fresh) {
    words_.emplace_back(word);
    counts_.push_back(0);
  }
  ++counts_[found->second];
  ids_.push_back(found->second);
  if (ids_.size() - (ends_.empty() ? 0 : ends_.back()) >= kLongest) {
    end_sentence();
  }
}

void WordCorpus::Builder::end_sentence() {
  if (ids_.size() > (ends_.empty() ? 0 : ends_.back())) {
    ends_.push_back(ids_.size());
  }
}

WordCorpus WordCorpus::Builder::finish(int64_t min_count) {
  end_sentence();
  std::vector<uint32_t> order;
  for (uint32_t i = 0; i < words_.size(); ++i) {
    if (counts_[i] >= static_cast<uint64_t>(min_count)) {
      order.push_back(i);
    }
  }
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return counts_[a] != counts_[b] ? counts_[a] > counts_[b] : words_[a] < words_[b];
  });
  WordCorpus out;
  std::vector<uint32_t> place(words_.size(), UINT32_MAX);
  for (const uint32_t word : order) {
    place[word] = static_cast<uint32_t>(out.words.size());
    out.words.push_back(std::move(words_[word]));
    out.counts.push_back(counts_[word]);
  }
  uint64_t begin = 0;
  for (const uint64_t end : ends_) {
    for (uint64_t i = begin; i < end; ++i) {
      if (place[ids_[i]] != UINT32_MAX) {
        out.ids.push_back(place[ids_[i]]);
      }
    }
    out.ends.push_back(out.ids.size());
    begin = end;
  }
  return out;
}

void WordVectors::index_words() {
  index_.clear();
  for (uint32_t i = 0; i < words.size(); ++i) {
    index_.emplace(words[i], i);
  }
}

uint32_t WordVectors::find(std::string_view word) const {
  const auto found = index_.find(std::string(word));
  return found == index_.end() ? kNone : found->second;
}

std::vector<std::pair<uint32_t, double>> WordVectors::nearest(uint32_t word, size_t count) const {
  const std::vector<double> target = unit(row(word), size);
  std::vector<std::pair<uint32_t, double>> all;
  for (uint32_t other = 0; other < words.size(); ++other) {
    if (other != word) {
      const std::vector<double> one = unit(row(other), size);
      all.emplace_back(other, std::inner_product(one.begin(), one.end(), target.begin(), 0.0));
    }
  }
  count = std::min(count, all.size());
  std::partial_sort(all.begin(), all.begin() + static_cast<ptrdiff_t>(count), all.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  all.resize(count);
  return all;
}

uint32_t WordVectors::analogy(uint32_t a, uint32_t b, uint32_t c) const {
  const std::vector<double> from = unit(row(a), size);
  const std::vector<double> to = unit(row(b), size);
  std::vector<double> target = unit(row(c), size);
  for (size_t i = 0; i < target.size(); ++i) {
    target[i] += to[i] - from[i];
  }
  uint32_t best = kNone;
  double highest = -INFINITY;
  for (uint32_t word = 0; word < words.size(); ++word) {
    if (word == a || word == b || word == c) {
      continue;
    }
    const std::vector<double> one = unit(row(word), size);
    const double product = std::inner_product(one.begin(), one.end(), target.begin(), 0.0);
    if (product > highest) {
      highest = product;
      best = word;
    }
  }
  return best;
}

Phrases find_phrases(const std::vector<std::vector<std::string_view>>& sentences, int64_t min_count, double threshold) {
  std::unordered_map<std::string, int64_t> single;
  std::unordered_map<std::string, int64_t> pairs;
  for (const auto& sentence : sentences) {
    for (size_t i = 0; i < sentence.size(); ++i) {
      ++single[std::string(sentence[i])];
      if (i > 0) {
        ++pairs[std::string(sentence[i - 1]) + " " + std::string(sentence[i])];
      }
    }
  }
  Phrases phrases;
  const auto words = static_cast<double>(single.size());
  for (const auto& [pair, count] : pairs) {
    if (count < min_count) {
      continue;
    }
    const size_t blank = pair.find(' ');
    const auto one = static_cast<double>(single[pair.substr(0, blank)]);
    const auto other = static_cast<double>(single[pair.substr(blank + 1)]);
    const double score = static_cast<double>(count - min_count) / one / other * words;
    if (score > threshold) {
      phrases.scores.emplace(pair, score);
    }
  }
  return phrases;
}

std::vector<std::string> join_phrases(const std::vector<std::string_view>& sentence, const Phrases& phrases) {
  std::vector<std::string> out;
  for (size_t i = 0; i < sentence.size(); ++i) {
    if (i + 1 < sentence.size() && phrases.scores.count(std::string(sentence[i]) + " " + std::string(sentence[i + 1])) > 0) {
      out.push_back(std::string(sentence[i]) + "_" + std::string(sentence[i + 1]));
      ++i;
    } else {
      out.emplace_back(sentence[i]);
    }
  }
  return out;
}

}  // namespace athanor
