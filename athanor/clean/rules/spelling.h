// Corrects misspelt words by a dictionary file: opt-in, careful, and never silent.
//
//   - spelling: {dictionary: words-en.txt}     # one word a line, with its count behind it or none: "the 23135851162"
//
// A word is corrected only when
//   - it is a run of lower-case ASCII letters of at least min_length, with no letter, digit, mark, "_" or "'" at either
//     side (so no names, no identifiers, no parts of contractions), and the dictionary does not have it;
//   - the dictionary has words within max_distance edits (insert, delete, replace, swap neighbours); a single edit for
//     words of up to 7 letters;
//   - among the nearest of these one is clearly best: it is the only one, or its count is at least `margin` times
//     the next one's. Without counts only an only candidate will do.
//
// Metrics: words corrected, words unknown that were left, and the corrections themselves ("teh>the, ..."; the first 20).
// The search is by deletions (as SymSpell does): memory some 30 entries of 12 bytes for a word of the dictionary.
// Spelling that is a style (dialect, poetry, old books) is not what this step is for: look at `samples` first.
#pragma once

#include <unordered_map>

#include "athanor/clean/on_first_use.h"
#include "athanor/clean/step.h"

namespace athanor {

// Words with counts, and their neighbours.
class SpellingIndex {
 public:
  // lines: "word" or "word count". Words are taken in lower case; those with other than ASCII letters are left out.
  SpellingIndex(const std::vector<std::string>& lines, size_t max_distance);
  SpellingIndex(const SpellingIndex&) = delete;  // index_ points into words_
  SpellingIndex& operator=(const SpellingIndex&) = delete;

  bool knows(std::string_view word) const;
  // The clearly best correction; empty when there is none.
  std::string_view correct(std::string_view word, double margin) const;

 private:
  struct Entry {
    uint64_t hash;  // of a word with up to max_distance letters deleted
    uint32_t word;
  };
  size_t max_distance_;
  std::vector<std::string> words_;
  std::vector<double> counts_;
  std::unordered_map<std::string_view, uint32_t> index_;
  std::vector<Entry> deletes_;  // by hash
};

// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment); limit + 1 when above limit.
size_t edit_distance(std::string_view a, std::string_view b, size_t limit);

class SpellingRepair : public CleanStep {
 public:
  explicit SpellingRepair(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void open() const override { index_.get(); }
  void measure(DocumentView& document, Measures& out) const override;
  bool rewrites() const override { return correct_; }

 private:
  OnFirstUse<SpellingIndex> index_;
  size_t min_length_;
  double margin_;
  bool correct_;
};

}  // namespace athanor
