// Bytes that are no text go another way through the encoder than text does: the ids are those of plain merging.
#include "athanor/token/piece_encoder.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "athanor/token/model/byte_map.h"
#include "athanor/token/model/model_test.h"
#include "athanor/token/split/scan.h"
#include "athanor/token/split/window_scan.h"

namespace athanor::token {
namespace {

std::string spelt(std::string_view bytes) { return bytes_to_token(bytes); }

// A BPE over all bytes with random merges, each of what came before it, some of the pairs twice made.
Json random_model(Rng& rng, size_t num_merges) {
  std::vector<std::string> tokens;
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(std::string(1, static_cast<char>(byte)));
  }
  Json merges = Json::array(), vocab = Json::object();
  std::set<std::string> known(tokens.begin(), tokens.end());
  std::set<std::pair<std::string, std::string>> seen;
  while (merges.size() < num_merges) {
    const bool longer = rng.below(3) == 0;
    const std::string left = tokens[longer ? rng.below(tokens.size()) : rng.below(256)];
    const std::string right = tokens[longer ? rng.below(tokens.size()) : rng.below(256)];
    if (left.size() + right.size() > 9 || !seen.emplace(left, right).second) {
      continue;
    }
    merges.push_back(Json::array({spelt(left), spelt(right)}));
    if (known.insert(left + right).second) {
      tokens.push_back(left + right);
    }
  }
  for (const std::string& token : tokens) {
    vocab[spelt(token)] = vocab.size();
  }
  return {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}};
}

std::vector<std::string> merge_plainly(std::string_view piece, const std::map<std::pair<std::string, std::string>, size_t>& ranks) {
  std::vector<std::string> parts;
  for (const char byte : piece) {
    parts.push_back(spelt(std::string(1, byte)));
  }
  while (true) {
    size_t best = ~size_t{0}, at = 0;
    for (size_t i = 0; i + 1 < parts.size(); ++i) {
      const auto found = ranks.find({parts[i], parts[i + 1]});
      if (found != ranks.end() && found->second < best) {
        best = found->second;
        at = i;
      }
    }
    if (best == ~size_t{0}) {
      return parts;
    }
    parts[at] += parts[at + 1];
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

std::string random_bytes(Rng& rng, size_t size) {
  std::string text;
  while (text.size() < size) {
    switch (rng.below(12)) {
      case 0: text += "\u4f60\u597d"; break;
      case 1: text += " word"; break;
      default: text += static_cast<char>(rng.below(256)); break;
    }
  }
  return text;
}

TEST(PieceEncoder, RandomBytesAreMergedAsText) {
  Rng rng(21);
  for (int round = 0; round < 60; ++round) {
    const Json json = random_model(rng, 20 + rng.below(round % 3 == 0 ? 8000 : 1500));
    std::map<std::pair<std::string, std::string>, size_t> ranks;
    for (const Json& merge : json["merges"]) {
      ranks.emplace(std::pair{merge[0].get<std::string>(), merge[1].get<std::string>()}, ranks.size());
    }
    const Made made(json, true);
    const PieceEncoder encoder(&scan_gpt2, *made.model);
    const std::string text = random_bytes(rng, 1 + rng.below(6000));
    std::vector<int32_t> ids;
    encoder.encode(text, ids);
    std::vector<std::string> wanted;
    for (size_t begin = 0, end; begin < text.size(); begin = end) {
      scan<Gpt2Scanner>(text, begin, &end, 1);
      const std::vector<std::string> parts = merge_plainly(std::string_view(text).substr(begin, end - begin), ranks);
      wanted.insert(wanted.end(), parts.begin(), parts.end());
    }
    ASSERT_EQ(made.spell(ids), wanted) << "round " << round;
    ASSERT_EQ(encoder.count(text), ids.size());
  }
}

// Where merges may reach further than the bits around a join show.
TEST(PieceEncoder, LongRunsAmongShortPieces) {
  const std::string x = "\xFE", y = "\xFD";
  Json vocab = Json::object(), merges = Json::array();
  for (int byte = 0; byte < 256; ++byte) {
    vocab[spelt(std::string(1, static_cast<char>(byte)))] = vocab.size();
  }
  std::map<std::pair<std::string, std::string>, size_t> ranks;
  for (const auto& [left, right] : std::vector<std::pair<std::string, std::string>>{
           {x, x}, {x + x, y}, {x + x + y, x + x}, {y, x + x + y}, {x + x + y + x + x, y + x + x + y}}) {
    merges.push_back(Json::array({spelt(left), spelt(right)}));
    ranks.emplace(std::pair{spelt(left), spelt(right)}, ranks.size());
    vocab.emplace(spelt(left + right), vocab.size());
  }
  const Made made({{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}}, true);
  const PieceEncoder encoder(&scan_gpt2, *made.model);
  Rng rng(5);
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 300; ++i) {
      text += i % 2 == 0 ? "1" : "!";
      for (size_t bytes = rng.below(60) == 0 ? rng.below(140) : 0; bytes > 0; --bytes) {
        text += rng.below(9) == 0 ? (rng.below(2) == 0 ? x : y) : bytes % 2 == 0 ? x : y;
      }
    }
    std::vector<int32_t> ids;
    encoder.encode(text, ids);
    std::vector<std::string> wanted;
    for (size_t begin = 0, end; begin < text.size(); begin = end) {
      scan<Gpt2Scanner>(text, begin, &end, 1);
      const std::vector<std::string> parts = merge_plainly(std::string_view(text).substr(begin, end - begin), ranks);
      wanted.insert(wanted.end(), parts.begin(), parts.end());
    }
    ASSERT_EQ(made.spell(ids), wanted) << "round " << round;
  }
}

}  // namespace
}  // namespace athanor::token
