// What the two ways of BPE training share.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include "athanor/token/train/merge_loop.h"
#include "athanor/token/train/piece_source.h"
#include "athanor/token/train/trainer.h"

namespace athanor::token {

struct TextTotals {
  uint64_t bytes = 0;   // counted
  uint64_t pieces = 0;  // different
};

std::string utf8(char32_t c);
std::unordered_map<char32_t, uint64_t> count_characters(const CountSource& counts);

// {"token": id}
Json vocabulary_of(const std::vector<std::string>& tokens);
// A BPE model of tokenizer.json without "vocab" and "merges".
Json bpe_json(const BpeTrainOptions& options);
// What BpeTrainer::report() promises. not_unused: tokens that are never counted as unused, though no text holds
// them.
Json bpe_report(const MergeLoop& loop, const TextTotals& totals, size_t not_unused, size_t vocab_size);

std::string train_sentencepiece_bpe(const BpeTrainOptions& options, const PieceSource& source,
                                    const CountSource& counts, const TrainProgress& progress, Json& report);

}  // namespace athanor::token
