// A tokenizer made from another one: with further merges learnt on new text, or without the tokens that nobody
// uses. What models do with it: AdaptedTokenizer::map goes to token_map.json (docs/formats/token_map.md) beside
// tokenizer.json.
//
//   TokenizerExtender extender(json, "gpt2/tokenizer.json");
//   extender.count(text, counter);                                    // thread-safe
//   AdaptedTokenizer more = extender.extend(counts_of_run(path), 1000);
//
// Extending is exact for BPE: every old id and merge stays, new merges have later ranks, so a text is first cut as ever
// and then joined further. BPE of characters and Unigram: piece_extender.h. Of other kinds it is an Error(kInput) that
// says so.
#pragma once

#include <memory>

#include "athanor/token/train/piece_counter.h"
#include "athanor/token/train/trainer.h"

namespace athanor {

struct AdaptedTokenizer {
  std::string json;    // tokenizer.json
  nlohmann::json map;  // {"old_vocab_size", "new_vocab_size", "old_to_new": [new id or -1 for each old id],
                       //  "new_tokens": {"new id": [old ids that it is made of]}}
};

class TokenizerExtender {
 public:
  // json: a tokenizer.json; where: the name that errors give.
  TokenizerExtender(const std::string& json, const std::string& where);
  ~TokenizerExtender();
  TokenizerExtender(TokenizerExtender&&) noexcept;

  // Cuts as the tokenizer does.
  void count(std::string_view text, token::PieceCounter& counter) const;
  // At most num_tokens further ones; fewer when no pair stands min_frequency times.
  AdaptedTokenizer extend(const CountSource& counts, int64_t num_tokens, int64_t min_frequency = 2,
                          const TrainProgress& progress = nullptr) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Keeps of a BPE, Unigram or WordPiece tokenizer the tokens with counts[id] >= least, added and unknown tokens, single
// bytes and characters, byte tokens <0x00>, and (BPE) whatever a kept token is merged from; ids are given anew, in the
// old order. A text is then cut as before wherever only kept tokens stood in it. Other kinds: Error(kInput).
AdaptedTokenizer prune_tokenizer(const std::string& json, const std::string& where,
                                 const std::vector<uint64_t>& counts, uint64_t least);

}  // namespace athanor
