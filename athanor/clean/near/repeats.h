// Repeated paragraphs, lines and passages across a corpus: all places but one are found, to be cut out.
//
//   RepeatSigner signer(options);            // of a part of the documents, on all threads
//   RepeatPart part = signer.sign(rows, pool);  part.save(path)
//   RepeatCuts cuts = find_repeats(paths, options, pool, texts);
//   cut_repeats(text, cuts.places(row), options, scanner)   // the text without them; rows in order
//
// paragraph, line: pieces between blank lines, or between newlines, of at least min_chars characters that are equal in
//          lower case with white space collapsed (shingle.h), by a 128-bit XXH3 of that.
// passage: every run of min_words tokens (token_spans.h) that stands somewhere else too. As ExactSubstr of Lee et al.
//          2022 (50 tokens there: BPE; here words), but one place is kept, and instead of a suffix array over the whole
//          corpus (5 to 9 times the text in memory) the 64-bit hashes of all runs are sorted on disk: a filter of two
//          bits a hash leaves only those that may come twice. Every repeat is found, and every cut is compared word for
//          word with the place that stays (repeat_check.h): the cuts are exactly those of a search over the texts. Where
//          different runs share a hash (in 1e9 words 3 % for a single pair) these are told apart by their words.
// Kept:    the place in the document whose id is smallest; in a document the first one. Ids of 32 hex digits go by their
//          first 16, others by their XXH3: so the place does not depend on the order of files.
// Memory:  options.memory_bytes, and 8 bytes a row.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/base/thread_pool.h"
#include "athanor/clean/near/record_file.h"
#include "athanor/clean/near/signer.h"
#include "athanor/clean/near/sort_runs.h"
#include "athanor/clean/near/token_spans.h"

namespace athanor {

enum class RepeatUnit { kParagraph, kLine, kPassage };

struct RepeatOptions {
  RepeatUnit unit = RepeatUnit::kParagraph;
  int64_t min_chars = 100;                    // paragraph, line
  int64_t min_words = 50;                     // passage
  uint64_t memory_bytes = uint64_t{1} << 30;  // changes no result
  std::string scratch;
  uint64_t hash_mask = ~uint64_t{0};  // passage: for tests, so that different runs share hashes; changes no result
};

// Calls fn(row, text) for the rows with wanted[row], in order. Rows are the documents numbered through the parts.
using RepeatTexts = std::function<void(const std::vector<bool>& wanted,
                                       const std::function<void(uint64_t row, std::string_view text)>& fn)>;

// The hashes of a part's rows: two words a paragraph or line (zero, zero: too short), one a passage.
struct RepeatPart {
  std::vector<uint64_t> id_keys;
  std::vector<uint64_t> ends;  // of each row in hashes
  std::vector<uint64_t> hashes;
  void save(const fs::path& path) const;
  // Throws Error(kInput) for a file that does not fit itself.
  static RepeatPart load(const fs::path& path);
};

class RepeatSigner {
 public:
  explicit RepeatSigner(const RepeatOptions& options) : options_(options), window_(static_cast<size_t>(options.min_words)) {}
  RepeatPart sign(std::span<const TextRow> rows, ThreadPool& pool) const;

 private:
  RepeatOptions options_;
  TokenScanner scanner_;
  TokenWindow window_;
};

// A piece of a text, with what separates it from the next.
struct TextPiece {
  std::string_view content;  // without white space at its ends
  size_t begin, end;         // bytes, the separator counted in
};
std::vector<TextPiece> split_pieces(std::string_view text, RepeatUnit unit);

// What is to be cut, on disk; read once, row after row.
class RepeatCuts {
 public:
  struct Cut {
    uint32_t row, place;
    bool operator<(const Cut& other) const { return row != other.row ? row < other.row : place < other.place; }
  };
  explicit RepeatCuts(const std::string& scratch) : cuts_(scratch) {}

  uint64_t num_repeated = 0;  // different pieces or runs that stand in more than one place
  uint64_t num_cuts() const { return cuts_.size(); }
  RecordFile<Cut>& cuts() { return cuts_; }  // in order
  // The places of a row, in order. Rows must be asked for in order too; those left out lose their places.
  const std::vector<uint32_t>& places(uint64_t row);

 private:
  RecordFile<Cut> cuts_;
  std::vector<uint32_t> places_;
};

// texts: for passages, those that were signed; read three times at most. Throws Error(kResource).
RepeatCuts find_repeats(const std::vector<fs::path>& parts, const RepeatOptions& options, ThreadPool& pool,
                        const RepeatTexts& texts);

// The text without the pieces (their numbers), or without the tokens of the runs that begin at places.
std::string cut_repeats(std::string_view text, const std::vector<uint32_t>& places, const RepeatOptions& options,
                        const TokenScanner& scanner);

}  // namespace athanor
