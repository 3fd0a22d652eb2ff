// Tokens by id and ids by token, as they are spelt in tokenizer.json.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "athanor/token/file/json_field.h"

namespace athanor::token {

// Ids fit 21 bits, so that a merge is one 64-bit word (bpe.h). The largest vocabularies in use have 2^18.
inline constexpr int32_t kMaxVocabulary = (1 << 21) - 1;

class Vocabulary {
 public:
  // A {"token": id} object. Ids must be distinct and not sparse (a hostile id must not cost memory).
  void read(const Field& vocab);
  // False when the token or the id is taken already by another.
  bool add(std::string_view token, int32_t id);

  std::optional<int32_t> find(std::string_view token) const;
  int32_t size() const { return static_cast<int32_t>(tokens_.size()); }  // largest id + 1
  bool has(int32_t id) const { return id >= 0 && id < size() && present_[id]; }
  const std::string& token(int32_t id) const { return tokens_[id]; }  // empty for a hole

  // `"vocab": {...}`, in the order of ids, one token a line.
  void write(std::string& out) const;

 private:
  std::deque<std::string> tokens_;  // a deque keeps the map's views alive as it grows
  std::vector<bool> present_;
  std::unordered_map<std::string_view, int32_t> ids_;
};

}  // namespace athanor::token
