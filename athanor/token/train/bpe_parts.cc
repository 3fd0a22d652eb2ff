#include "athanor/token/train/bpe_parts.h"

#include "athanor/base/unicode.h"

namespace athanor::token {

std::string utf8(char32_t c) { return utf8_of(&c, &c + 1); }

std::unordered_map<char32_t, uint64_t> count_characters(const CountSource& counts) {
  std::vector<uint64_t> all(0x110000);
  counts([&](std::string_view piece, int64_t count) {
    for (const char *p = piece.data(), *end = p + piece.size(); p != end;) {
      all[decode_utf8(p, end)] += static_cast<uint64_t>(count);
    }
  });
  std::unordered_map<char32_t, uint64_t> seen;
  for (char32_t c = 0; c < all.size(); ++c) {
    if (all[c] > 0) {
      seen[c] = all[c];
    }
  }
  return seen;
}

Json vocabulary_of(const std::vector<std::string>& tokens) {
  Json vocab = Json::object();
  for (size_t id = 0; id < tokens.size(); ++id) {
    vocab[tokens[id]] = id;
  }
  return vocab;
}

Json bpe_json(const BpeTrainOptions& o) {
  const auto text_or_null = [](const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); };
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", text_or_null(o.unk_token)},
          {"continuing_subword_prefix", text_or_null(o.continuing_prefix)},
          {"end_of_word_suffix", text_or_null(o.end_of_word_suffix)},
          {"fuse_unk", o.style == BpeStyle::kSentencePiece},
          {"byte_fallback", o.byte_fallback},
          {"ignore_merges", false}};
}

Json bpe_report(const MergeLoop& loop, const TextTotals& totals, size_t not_unused, size_t vocab_size) {
  uint64_t num_tokens = 0, unused = 0;
  for (const uint64_t count : loop.token_counts()) {
    num_tokens += count;
    unused += count == 0 ? 1 : 0;
  }
  return {{"vocab_size", vocab_size},
          {"num_merges", loop.merges().size()},
          {"num_bytes", totals.bytes},
          {"num_tokens", num_tokens},
          {"bytes_per_token",
           num_tokens == 0 ? 0.0 : static_cast<double>(totals.bytes) / static_cast<double>(num_tokens)},
          {"num_pieces", totals.pieces},
          {"num_unused_tokens", unused - not_unused}};
}

}  // namespace athanor::token
