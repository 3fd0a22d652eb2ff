// Evaluation items and where they stand in a text: the search of decontamination. docs/data/decontaminate.md says why
// it is done this way.
//
//   const EvalIndex index(items, options);
//   EvalIndex::Found found;
//   index.find(text, scratch, found);        // candidates, before weights
//   ItemWeights weights(index, document_counts, num_documents);
//   weights.score(match)  >=  options.overlap
//
// An item of at least options.ngram tokens is long: every run of kSeed of its tokens is looked for, and what counts is
// the share of its tokens that such runs cover within a stretch of the text about as long as the item. So one changed
// word does not hide an item, as it does when whole 13-grams are asked for. A shorter item must stand there whole, and
// when it has less than kAlone tokens one of its answers must stand near it (if it has answers).
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "athanor/clean/near/token_spans.h"

namespace athanor {

struct EvalItem {
  std::string id;
  std::string text;                  // the question: what must be found
  std::vector<std::string> answers;  // may be empty
};

// question_fields, answer_fields: names in meta (a JSON object); their texts and numbers, those of lists too. Without
// any question field there, text is the question.
EvalItem make_eval_item(std::string id, std::string text, const std::string& meta,
                        const std::vector<std::string>& question_fields,
                        const std::vector<std::string>& answer_fields);

struct DecontaminateOptions {
  int64_t ngram = 13;      // tokens from which an item is long; 5..64
  double overlap = 0.6;    // weighted share of a long item's tokens, 0..1
  int64_t long_run = 50;   // so many tokens in a row are enough by themselves
};

// A place in a text that looks like an item.
struct ItemMatch {
  uint32_t item = 0;
  uint32_t begin = 0, end = 0;   // bytes of the text, from the first covered token to the last
  uint32_t run = 0;              // tokens in a row
  bool whole = false;            // a short item, all of it
  bool answer = false;           // one of its answers stands within kAnswerReach tokens
  std::vector<bool> covered;     // of the item's tokens
};

// A line of JSON with the number of its document, and back.
std::string match_to_line(const ItemMatch& match, uint64_t row);
ItemMatch match_of_json(const nlohmann::json& json);

class EvalIndex {
 public:
  static constexpr size_t kSeed = 5;
  static constexpr size_t kAlone = 8;
  static constexpr size_t kLeast = 4;         // items with less tokens and no answers are not searched for
  static constexpr size_t kAnswerReach = 50;  // tokens before and after the question
  static constexpr size_t kMaxItemsASeed = 50;  // a seed of more items tells of none, and is not looked for

  // Throws Error(kUsage) for an option out of range. Memory: about 40 bytes a token of the items.
  EvalIndex(std::vector<EvalItem> items, const DecontaminateOptions& options);

  struct Item {
    std::vector<uint64_t> tokens;
    std::vector<std::vector<uint64_t>> answers;
    std::vector<uint32_t> seeds;  // the number of the seed at each token; of a short item one, that of its whole
    size_t num_coverable = 0;     // of a long item: tokens in a seed that is looked for
    bool is_long = false;
    bool searched = false;
  };
  const std::vector<EvalItem>& items() const { return items_; }
  const Item& item(uint32_t number) const { return parsed_[number]; }
  const DecontaminateOptions& options() const { return options_; }
  size_t num_seeds() const { return postings_.size(); }
  uint32_t items_of_seed(uint32_t seed) const { return items_of_seed_[seed]; }
  size_t num_too_short() const { return num_too_short_; }
  const TokenScanner& scanner() const { return scanner_; }

  struct Scratch {
    std::vector<TokenSpan> tokens;
    struct Hit {
      uint32_t item, at, place;  // place: of the seed in the item; at: in the text
    };
    std::vector<Hit> hits;
  };
  struct Found {
    std::vector<ItemMatch> matches;  // at most one an item, by item
    std::vector<uint32_t> seeds;     // that occur in the text, each once, sorted
  };
  // Thread-safe. What is found: long items with at least half of options.overlap of their tokens covered or a long run;
  // short ones that stand there whole.
  void find(std::string_view text, Scratch& scratch, Found& found) const;

 private:
  struct Posting {
    uint32_t item, place;
  };
  void add_long(uint32_t number);
  void add_short(uint32_t number);
  uint32_t seed_number(uint64_t hash, size_t width);
  void match_long(uint32_t number, const Scratch& scratch, size_t first, size_t last, Found& found) const;
  void match_short(uint32_t number, const Scratch& scratch, size_t first, size_t last, Found& found) const;
  bool answer_near(const Item& item, const std::vector<TokenSpan>& tokens, size_t begin, size_t end) const;

  std::vector<EvalItem> items_;
  DecontaminateOptions options_;
  TokenScanner scanner_;
  std::vector<Item> parsed_;
  size_t num_too_short_ = 0;
  std::vector<TokenWindow> windows_;  // of the widths that are asked for
  std::unordered_map<uint64_t, uint32_t> seed_of_hash_;
  std::vector<std::vector<Posting>> postings_;
  std::vector<uint32_t> items_of_seed_;
  std::vector<uint64_t> filter_;  // a bit for every seed's hash: most windows of a text end here
  uint64_t filter_mask_ = 0;
};

// How much each seed tells: 1 for what is rare in the corpus; less for what stands in many documents, or in many items.
class ItemWeights {
 public:
  // document_counts[seed]: in how many documents it occurs.
  ItemWeights(const EvalIndex& index, const std::vector<uint64_t>& document_counts, uint64_t num_documents);

  // 0..1. A long item: the weight of its covered tokens over that of all. A short one: the weight of its whole.
  // 0 for an item that is common as a whole (mean weight below kCommon), and for a short one whose answer is missing.
  double score(const ItemMatch& match) const;
  // Whether the match is contamination.
  bool flags(const ItemMatch& match) const;
  bool is_common(uint32_t item) const { return mean_[item] < kCommon; }
  static constexpr double kCommon = 0.25;

 private:
  const EvalIndex& index_;
  std::vector<std::vector<float>> token_weights_;  // of each item
  std::vector<double> mean_;
};

}  // namespace athanor
