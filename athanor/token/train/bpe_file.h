// The BPE of a tokenizer.json as adapt.h works on it.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "athanor/token/file/json_field.h"

namespace athanor::token {

// The vocabulary of a BPE model with its merges as pairs of ids.
struct BpeFile {
  Json json;
  std::vector<std::string> tokens;  // by id; empty for a hole
  std::vector<bool> present;
  std::unordered_map<std::string, int32_t> ids;
  std::vector<std::pair<int32_t, int32_t>> merges;
  std::vector<int32_t> results;  // of merges
  std::string prefix;            // continuing_subword_prefix
};

// Error(kInput) when it is no BPE, or not sound.
BpeFile read_bpe(const std::string& text, const std::string& where);

// Of an item of "merges": "left right", or [left, right].
std::pair<std::string, std::string> merge_parts(const Field& item);

// token_map.json for a tokenizer of old_size ids, before anything is said of them.
Json empty_map(size_t old_size);

}  // namespace athanor::token
