// What Tokenizer::encode_full gives: ids with everything that leads back to the text, as HF tokenizers has it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace athanor {

// [begin, end) of a text: bytes, or characters where that was asked for.
struct TextSpan {
  uint32_t begin = 0, end = 0;
  bool operator==(const TextSpan&) const = default;
};

// Which added tokens are looked for in a text.
enum class AddedTokens {
  kNone,      // the text is nothing but text
  kOrdinary,  // only those with "special": false (HF: encode_special_tokens)
  kAll        // all of them (HF's default)
};

// All vectors have one entry a token.
struct Encoding {
  std::vector<int32_t> ids;
  std::vector<int32_t> type_ids;             // 0 first text, 1 second, or what the template says
  std::vector<TextSpan> offsets;             // of the original text; {0, 0} for tokens that are not from a text
  std::vector<int32_t> word_ids;             // which piece of the pre-tokenizer, -1 for none
  std::vector<uint8_t> special_tokens_mask;  // 1: put there by the post-processor or by padding
  std::vector<uint8_t> attention_mask;       // 0: padding
  std::vector<Encoding> overflowing;         // what truncation cut off, in windows of max_length

  size_t size() const { return ids.size(); }
};

struct EncodeOptions {
  AddedTokens added_tokens = AddedTokens::kAll;
  bool add_special_tokens = true;  // the post-processor's
  bool characters = false;         // offsets in characters, not bytes
  bool truncate = true;            // by the file's "truncation", if it has one
  bool pad = true;                 // by the file's "padding"
  // Byte ranges of the (first) text in which special tokens are not interpreted, in order and apart: what users wrote
  // inside a rendered chat template.
  std::span<const TextSpan> data;
};

}  // namespace athanor
