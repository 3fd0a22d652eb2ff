#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/token/train/piece_source.h"
#include "athanor/token/train/trained_json.h"
#include "athanor/token/train/trainer.h"

namespace athanor {

std::string train_words(const BpeTrainOptions& options, const CountSource& counts, nlohmann::json& report) {
  using token::Json;
  std::vector<std::pair<std::string, uint64_t>> words;
  uint64_t num_bytes = 0, num_counted = 0;
  counts([&](std::string_view piece, int64_t count) {
    words.emplace_back(piece, static_cast<uint64_t>(count));
    num_bytes += piece.size() * static_cast<uint64_t>(count);
    num_counted += static_cast<uint64_t>(count);
  });
  if (words.empty()) {
    throw Error(ErrorKind::kInput, "there is no text to train on", "tokenizer training");
  }
  const token::PieceSource source(options.normalizer, options.pre_tokenizer);
  if (source.byte_level()) {
    throw Error(ErrorKind::kUsage, "whole words need a cut into characters, not bytes", "",
                "pre_tokenizer: whitespace, whitespace_split, bert or metaspace");
  }
  std::vector<std::string> specials = options.special_tokens;
  const std::string unknown = options.unk_token.empty() ? "<unk>" : options.unk_token;
  if (std::find(specials.begin(), specials.end(), unknown) == specials.end()) {
    specials.insert(specials.begin(), unknown);
  }
  token::check_special_tokens(specials, 1);
  std::stable_sort(words.begin(), words.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  Json vocab = Json::object();
  for (const std::string& token : specials) {
    vocab[token] = vocab.size();
  }
  uint64_t covered = 0;
  for (const auto& [word, count] : words) {
    if (static_cast<int64_t>(vocab.size()) >= options.vocab_size ||
        count < static_cast<uint64_t>(std::max<int64_t>(1, options.min_frequency))) {
      break;
    }
    if (!vocab.contains(word)) {
      vocab[word] = vocab.size();
      covered += count;
    }
  }
  report = {{"vocab_size", vocab.size()},
            {"num_merges", 0},
            {"num_bytes", num_bytes},
            {"num_tokens", num_counted},
            {"num_pieces", words.size()},
            {"covered", static_cast<double>(covered) / static_cast<double>(num_counted)}};
  Json json = token::trained_frame(source, specials);
  json["model"] = {{"type", "WordLevel"}, {"unk_token", unknown}, {"vocab", std::move(vocab)}};
  return json.dump();
}

}  // namespace athanor
