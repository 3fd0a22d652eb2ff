#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/split/split.h"
#include "athanor/token/train/trainer.h"

namespace athanor {

namespace {

constexpr const char* kUnknown = "<unk>";
constexpr char32_t kNumCodePoints = 0x110000;

}  // namespace

CharTrainer::CharTrainer(std::vector<std::string> special_tokens)
    : special_tokens_(std::move(special_tokens)), seen_(kNumCodePoints) {
  if (std::find(special_tokens_.begin(), special_tokens_.end(), kUnknown) == special_tokens_.end()) {
    special_tokens_.insert(special_tokens_.begin(), kUnknown);
  }
}

void CharTrainer::add(std::string_view text) {
  num_bytes_ += text.size();
  for (const char *p = text.data(), *end = p + text.size(); p != end;) {
    seen_[decode_utf8(p, end)] = true;
    ++num_characters_;
  }
}

Tokenizer CharTrainer::train() {
  if (num_characters_ == 0) {
    throw Error(ErrorKind::kInput, "there is no text to train on", "tokenizer training");
  }
  using token::Json;
  Json vocab = Json::object();
  Json added = Json::array();
  int32_t next = 0;
  for (const std::string& content : special_tokens_) {
    if (!vocab.contains(content)) {
      vocab[content] = next;
      added.push_back(token::added_token_json(next++, content));
    }
  }
  for (char32_t code = 0; code < kNumCodePoints; ++code) {
    if (seen_[code]) {
      std::string character;
      append_utf8(character, code);
      if (!vocab.contains(character)) {
        vocab[character] = next++;
      }
    }
  }
  report_ = {{"vocab_size", next},
             {"num_merges", 0},
             {"num_bytes", num_bytes_},
             {"num_tokens", num_characters_},
             {"bytes_per_token", static_cast<double>(num_bytes_) / static_cast<double>(num_characters_)},
             {"num_pieces", num_characters_},
             {"num_unused_tokens", 0}};
  Json json = token::frame_json(token::split_kind("char"));
  json["added_tokens"] = std::move(added);
  json["model"] = {{"type", "WordLevel"}, {"unk_token", kUnknown}, {"vocab", std::move(vocab)}};
  return Tokenizer::from_json(json.dump(), "the trained tokenizer");
}

}  // namespace athanor
