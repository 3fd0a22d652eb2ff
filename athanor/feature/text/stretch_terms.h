// The terms of one stretch of texts as numbers: words by a TermTable, runs of words as pairs (run
// before, next word), so that no term's text is put together while counting. Private to this room.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "athanor/feature/text/analyzer.h"

namespace athanor {

inline constexpr uint32_t kNoTerm = UINT32_MAX;

struct StretchTerms {
  // A run of words: the run without its last word (kNoTerm: it is one word), that word.
  struct Run {
    uint32_t before = kNoTerm;
    uint32_t word = 0;
    uint32_t length = 1;
  };

  TermTable words;            // words; all terms where these are no runs of words
  std::vector<Run> runs;      // terms by number; empty where terms are `words`
  std::vector<uint32_t> ids;  // terms of the texts by number, one behind another
  std::vector<uint64_t> ends;  // of texts, in ids

  size_t size() const {  // terms
    return runs.empty() ? static_cast<size_t>(words.size()) : runs.size();
  }
  // The term's text; out is room for it.
  std::string_view text_of(uint32_t number, std::string& out) const;
};

StretchTerms read_stretch(std::span<const std::string> texts, const Analyzer& analyzer);

// Rows of a stretch put one behind another.
struct RowsPart {
  std::vector<uint64_t> ends;
  std::vector<uint32_t> indices;
  std::vector<double> values;
};

// How often each term stands in each text, by columns: column_of each number (kNoTerm: left out);
// terms of one column are added up, where below[number] is set as -1 (below may be empty). Columns
// ascend; sums of 0 are left out. In time that does not grow with a sort of every row.
RowsPart rows_of(const StretchTerms& stretch, const std::vector<uint32_t>& column_of,
                 const std::vector<uint8_t>& below);

}  // namespace athanor
