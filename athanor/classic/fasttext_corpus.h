// The training set of a classifier in memory: every distinct token once, every document as a list of token numbers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/classic/fasttext_format.h"
#include "athanor/classic/fasttext_line.h"

namespace athanor {

// Distinct strings numbered in the order in which they were first seen, with counts.
class StringCounts {
 public:
  StringCounts();
  int32_t add(std::string_view text, uint32_t hash);  // counts one more; gives its number
  size_t size() const { return entries_.size(); }
  const std::string& text(size_t i) const { return entries_[i].text; }
  int64_t count(size_t i) const { return entries_[i].count; }
  uint32_t hash(size_t i) const { return entries_[i].hash; }
  // Numbers of those with at least min_count, most frequent first, ties in the order seen.
  std::vector<int32_t> by_count(int64_t min_count) const;

 private:
  struct Entry {
    std::string text;
    int64_t count = 0;
    uint32_t hash = 0;
  };
  size_t place(std::string_view text, uint32_t hash) const;
  std::vector<Entry> entries_;
  std::vector<int32_t> slots_;  // number + 1; 0: free
};

class FastTextCorpus {
 public:
  void add(std::span<const std::string_view> labels, std::string_view text);

  size_t num_documents() const { return label_ends_.size(); }
  uint64_t num_tokens() const { return num_tokens_; }  // labels and "</s>" included, as fastText counts
  std::span<const int32_t> tokens(size_t document) const { return part(tokens_, token_ends_, document); }
  std::span<const int32_t> labels(size_t document) const { return part(labels_, label_ends_, document); }
  const StringCounts& words() const { return words_; }
  const StringCounts& label_names() const { return names_; }

 private:
  static std::span<const int32_t> part(const std::vector<int32_t>& list, const std::vector<uint64_t>& ends, size_t i) {
    const uint64_t begin = i == 0 ? 0 : ends[i - 1];
    return {list.data() + begin, static_cast<size_t>(ends[i] - begin)};
  }

  StringCounts words_;
  StringCounts names_;
  std::vector<int32_t> tokens_;
  std::vector<uint64_t> token_ends_;
  std::vector<int32_t> labels_;
  std::vector<uint64_t> label_ends_;
  uint64_t num_tokens_ = 0;
};

// Which rows of the input matrix each token and document names.
class FastTextRows {
 public:
  // word_row[token]: its row, or -1 when it is too rare. bucket_row(bucket): row, or -1.
  template <class BucketRow>
  FastTextRows(const StringCounts& words, const std::vector<int32_t>& word_row, const FastTextNgrams& ngrams,
               BucketRow bucket_row) {
    std::string padded;
    for (size_t i = 0; i < words.size(); ++i) {
      if (word_row[i] >= 0) {
        rows_.push_back(word_row[i]);
      }
      if (words.text(i) != kFastTextEnd) {
        ngrams.each_subword(words.text(i), padded, [&](uint32_t bucket) {
          if (const int32_t row = bucket_row(bucket); row >= 0) {
            rows_.push_back(row);
          }
        });
      }
      ends_.push_back(rows_.size());
    }
  }
  std::span<const int32_t> of(int32_t token) const {
    const auto i = static_cast<size_t>(token);
    const uint64_t begin = i == 0 ? 0 : ends_[i - 1];
    return {rows_.data() + begin, static_cast<size_t>(ends_[i] - begin)};
  }

 private:
  std::vector<int32_t> rows_;
  std::vector<uint64_t> ends_;
};

}  // namespace athanor
