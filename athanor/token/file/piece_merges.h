// The merges that a vocabulary with scores implies: SentencePiece's and tiktoken's BPE join whatever makes a known
// piece, best score first; HF's BPE wants the list of pairs. Every way to cut a piece into two known ones is a merge.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/file/json_field.h"

namespace athanor::token {

struct ScoredPiece {
  std::string_view text;
  float score;
  bool merges;  // false: neither made by a merge nor part of one (control, byte, user-defined pieces)
};
struct PieceMerge {
  uint32_t left, right;  // ids
};

// Pieces by id; UTF-8, cut at characters. In the order of transformers' generate_merges with scores: best score
// first, then the longest left part (in characters), the longest right part, the lowest id.
std::vector<PieceMerge> merges_by_score(const std::vector<ScoredPiece>& pieces, const std::string& where);

// By rank: tokens[rank], bytes, cut anywhere; empty where a rank is not used. As transformers' TikTokenConverter:
// by rank, then the ranks of the parts.
std::vector<PieceMerge> merges_by_rank(const std::vector<std::string>& tokens, const std::string& where);

// What a merge of tokenizer.json, a pair or "left right", makes.
std::string merge_result(const Json& merge);
// The tokens that a BPE model's merges make, in the order of their first merge.
std::vector<std::string> merge_results(const Json& model);

// The strings "left right" of tokenizer.json, or pairs when a part has a space in it. tokens: by id, as spelt there.
Json merges_json(const std::vector<PieceMerge>& merges, const std::vector<std::string>& tokens);

}  // namespace athanor::token
