// Whether runs of tokens that have one hash are one text: what find_repeats() cuts is compared word for word.
//
// Pairs of a place and the place that stays are joined to stretches, sorted by the row that stays, whose words are
// written to disk in one pass over the texts, and compared with the other row's in a second. Disk: about the bytes that
// are cut. Memory: options.memory_bytes, and a bit a row.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "athanor/clean/near/record_file.h"
#include "athanor/clean/near/repeats.h"

namespace athanor {

// A stretch of `length` runs of one row that are, one after the other, those of the row that keeps them.
struct RepeatStretch {
  uint32_t row, place, keeper_row, keeper_place, length;
};

// Writes into words the `count` tokens from `first` on, one behind another. Error when the text has fewer.
void run_words(const TokenScanner& scanner, std::string_view text, const std::vector<TokenSpan>& tokens, size_t first,
               size_t count, std::string& words);

class RepeatCheck {
 public:
  RepeatCheck(const RepeatOptions& options, ThreadPool& pool);
  // In the order of (row, place).
  void add(uint32_t row, uint32_t place, uint32_t keeper_row, uint32_t keeper_place);
  // The hashes (as RepeatPart has them) that runs of different words share. Once, after all add().
  std::unordered_set<uint64_t> shared_hashes(const RepeatTexts& texts, uint64_t num_rows);

 private:
  struct ByKeeper : RepeatStretch {
    bool operator<(const ByKeeper& other) const;
  };
  // A stretch, and where the words that it must have lie on disk.
  struct Expected {
    uint32_t row, place, length;
    uint64_t offset, bytes;
    bool operator<(const Expected& other) const { return row != other.row ? row < other.row : place < other.place; }
  };
  void end_stretch();
  void write_words(const RepeatTexts& texts, uint64_t num_rows, RunSorter<Expected>& expected);
  void add_hashes(const std::vector<TokenSpan>& tokens, const Expected& stretch, std::string_view has,
                  std::string_view wanted, std::unordered_set<uint64_t>& shared) const;

  RepeatOptions options_;
  ThreadPool& pool_;
  std::string scratch_;
  TokenScanner scanner_;
  TokenWindow window_;
  RepeatStretch stretch_{};
  RunSorter<ByKeeper> stretches_;
  ScratchFile words_;
};

}  // namespace athanor
