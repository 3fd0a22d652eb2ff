// The terms of all stretches as one list in the order of their bytes. Private to this room.
#pragma once

#include "athanor/base/thread_pool.h"
#include "athanor/feature/text/stretch_terms.h"

namespace athanor {

class JoinedTerms {
 public:
  // from: runs of fewer words are no terms, only the beginnings of some. The result is the same for
  // any number of threads.
  JoinedTerms(const std::vector<StretchTerms>& stretches, size_t from, ThreadPool& pool);

  size_t size() const { return documents_.size(); }
  const std::vector<int64_t>& documents() const { return documents_; }  // texts that hold each
  const std::vector<int64_t>& total() const { return total_; }          // times it stands in them
  // Numbers of a stretch as places in this list; kNoTerm: a beginning only.
  const std::vector<uint32_t>& places(size_t stretch) const { return places_[stretch]; }
  // out is room for it.
  std::string_view text_of(size_t place, std::string& out) const;

 private:
  // Runs of as many words, in the order of their bytes.
  struct Level {
    std::vector<uint32_t> before;  // in the level above
    std::vector<uint32_t> word;
    std::vector<uint32_t> place;
  };

  void join_words(const std::vector<StretchTerms>& stretches, ThreadPool& pool);
  void begin_runs(const std::vector<StretchTerms>& stretches, ThreadPool& pool);
  void join_runs(const std::vector<StretchTerms>& stretches, uint32_t length, ThreadPool& pool);
  void place_runs(const std::vector<StretchTerms>& stretches, size_t from);
  void append_run(size_t level, uint32_t rank, std::string& out) const;
  void count(const std::vector<StretchTerms>& stretches, ThreadPool& pool);

  std::vector<TermTable> tables_;              // of parts of the alphabet; what words_ points into
  std::vector<std::string_view> words_;        // in order
  std::vector<std::vector<uint32_t>> ranks_;   // of a stretch's words
  std::vector<std::vector<uint32_t>> places_;  // a stretch each
  std::vector<Level> levels_;                  // of one word, two ...; empty where terms are words
  std::vector<uint64_t> at_place_;             // level above, rank below
  std::vector<int64_t> documents_, total_;
};

}  // namespace athanor
