// Tokens by id and ids by token, as they are spelt in tokenizer.json.
#pragma once

#include <optional>
#include <string>
#include <string_view>
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
  bool has(int32_t id) const { return id >= 0 && id < size() && present_[id] != 0; }
  const std::string& token(int32_t id) const { return tokens_[id]; }  // empty for a hole

  // `"vocab": {...}`, in the order of ids, one token a line.
  void write(std::string& out) const;

 private:
  struct Slot {  // of a hash table with open addressing, at most half full
    uint32_t hash;
    int32_t id;  // -1: free
  };

  bool read_raw(std::string_view text);
  void make_slots(size_t num_tokens);
  size_t slot_of(std::string_view token, uint64_t hash) const;  // where it is, or the free slot where it would go

  std::vector<std::string> tokens_;
  std::vector<uint8_t> present_;
  std::vector<Slot> slots_;
  size_t num_tokens_ = 0;
  int shift_ = 64;
};

}  // namespace athanor::token
