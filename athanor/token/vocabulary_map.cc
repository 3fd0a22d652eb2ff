#include "athanor/token/vocabulary_map.h"

#include <string>
#include <unordered_map>

namespace athanor {

std::vector<std::vector<int32_t>> map_vocabulary(const Tokenizer& old, const Tokenizer& fresh) {
  // By the bytes that a token stands for, so that two spellings of one byte string meet. The lower id where two are equal.
  std::unordered_map<std::string, int32_t> plain;
  std::unordered_map<std::string, int32_t> special;
  for (int32_t id = 0; id < old.vocab_size(); ++id) {
    if (!old.token_bytes(id).empty()) {
      (old.is_special(id) ? special : plain).emplace(old.token_bytes(id), id);
    }
  }
  std::vector<std::vector<int32_t>> sources(static_cast<size_t>(fresh.vocab_size()));
  for (int32_t id = 0; id < fresh.vocab_size(); ++id) {
    const std::string& bytes = fresh.token_bytes(id);
    std::vector<int32_t>& from = sources[static_cast<size_t>(id)];
    const auto& table = fresh.is_special(id) ? special : plain;
    const auto found = table.find(bytes);
    if (found != table.end()) {
      from = {found->second};
    } else if (!bytes.empty() && !fresh.is_special(id)) {
      old.encode(bytes, from);
    }
  }
  return sources;
}

}  // namespace athanor
