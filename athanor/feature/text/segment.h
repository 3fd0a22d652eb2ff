// Chinese text cut into words: the most likely path through a dictionary of 349,000 words and how
// often each is written (words_zh.zst; where it is from: docs/dependencies.md), a word that it does
// not hold becomes single characters. Private to this room.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "athanor/feature/text/term_table.h"

namespace athanor {

class WordSegmenter {
 public:
  // Unpacks the dictionary.
  static std::shared_ptr<const WordSegmenter> chinese();

  // Ends of the words of a run of Chinese characters (valid UTF-8), in bytes.
  void cut(std::string_view run, std::vector<size_t>& ends) const;

 private:
  explicit WordSegmenter(std::string_view list);  // lines "word count"

  TermTable words_;             // words and all their beginnings
  std::vector<float> weights_;  // log of the share; kPrefix: only a beginning
  float unknown_ = 0;           // of a character that is in no word
};

// Unpacked when the first Chinese text comes: an estimator is loaded without it.
class LazySegmenter {
 public:
  const WordSegmenter& get() const {
    std::call_once(once_, [this] { segmenter_ = WordSegmenter::chinese(); });
    return *segmenter_;
  }

 private:
  mutable std::once_flag once_;
  mutable std::shared_ptr<const WordSegmenter> segmenter_;
};

}  // namespace athanor
