// Each model against a slow one that does what its definition says, over random vocabularies and pieces.
#include <algorithm>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/token/model/model_test.h"

namespace athanor::token {
namespace {

Tokens slow_word_piece(const std::set<std::string>& vocab, const std::string& prefix, std::string_view word,
                       size_t max_chars) {
  Tokens tokens;
  for (size_t begin = 0; begin < word.size();) {
    size_t end = word.size();
    const auto token = [&] { return (begin == 0 ? "" : prefix) + std::string(word.substr(begin, end - begin)); };
    while (end > begin && !vocab.contains(token())) {
      --end;
    }
    if (end == begin || word.size() > max_chars) {
      return {"[UNK]"};
    }
    tokens.push_back(token());
    begin = end;
  }
  return tokens;
}

TEST(WordPiece, IsTheLongestMatch) {
  Rng rng(3);
  for (int round = 0; round < 300; ++round) {
    const std::string prefix = round % 5 == 0 ? "" : round % 5 == 1 ? "a" : "##";
    std::set<std::string> vocab{"[UNK]"};
    for (int i = 0; i < 30; ++i) {
      vocab.insert((rng.below(2) == 0 ? "" : prefix) + random_text(rng, "abc#", 5));
    }
    const Made made({{"type", "WordPiece"}, {"vocab", numbered(vocab)}, {"unk_token", "[UNK]"},
                     {"continuing_subword_prefix", prefix}, {"max_input_chars_per_word", 12}});
    for (int i = 0; i < 50; ++i) {
      const std::string word = random_text(rng, "abc#", 14);
      ASSERT_EQ(made.encode(word), slow_word_piece(vocab, prefix, word, 12)) << word;
      const std::vector<Span> spans = made.spans(word);
      uint32_t end = 0;
      for (const Span& span : spans) {
        EXPECT_EQ(span.begin, end);
        end = span.end;
      }
      EXPECT_EQ(end, word.size());
    }
  }
}

TEST(WordPiece, CountsCharactersAndNotBytes) {
  const Made made({{"type", "WordPiece"}, {"vocab", {{"[UNK]", 0}, {"é", 1}, {"##é", 2}}},
                   {"unk_token", "[UNK]"}, {"max_input_chars_per_word", 3}});
  EXPECT_EQ(made.encode("ééé"), (Tokens{"é", "##é", "##é"}));
  EXPECT_EQ(made.encode("éééé"), (Tokens{"[UNK]"}));
  EXPECT_EQ(made.spans("éé"), (std::vector<Span>{{0, 2}, {2, 4}}));
}

TEST(WordPiece, SaysWhenTheUnknownTokenIsNeededAndMissing) {
  const Made made({{"type", "WordPiece"}, {"vocab", {{"a", 0}}}, {"unk_token", "[UNK]"}});
  EXPECT_EQ(made.encode("a"), (Tokens{"a"}));
  EXPECT_THROW(made.encode("b"), Error);
}

// Again and again the pair of the lowest rank, the leftmost of equals.
Tokens slow_merges(const std::vector<std::pair<std::string, std::string>>& merges, Tokens symbols) {
  for (;;) {
    size_t best = merges.size(), at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      for (size_t rank = 0; rank < best; ++rank) {
        if (merges[rank] == std::pair(symbols[i], symbols[i + 1])) {
          best = rank;
          at = i;
        }
      }
    }
    if (best == merges.size()) {
      return symbols;
    }
    symbols[at] += symbols[at + 1];
    symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(at) + 1);
  }
}

struct RandomBpe {
  Json json;
  std::vector<std::pair<std::string, std::string>> merges;

  explicit RandomBpe(Rng& rng) {
    std::vector<std::string> tokens{"a", "b", "c", "▁"};
    for (int i = 0; i < 25; ++i) {
      const std::pair pair(tokens[rng.below(tokens.size())], tokens[rng.below(tokens.size())]);
      if (std::find(merges.begin(), merges.end(), pair) == merges.end()) {
        merges.push_back(pair);
        tokens.push_back(pair.first + pair.second);
      }
    }
    std::set<std::string> vocab(tokens.begin(), tokens.end());
    vocab.insert("<unk>");
    json = {{"type", "BPE"}, {"vocab", numbered(vocab)}, {"merges", merges}, {"unk_token", "<unk>"}, {"fuse_unk", true}};
  }
};

TEST(BpeChars, MergesAsDefined) {
  Rng rng(8);
  for (int round = 0; round < 150; ++round) {
    const RandomBpe random(rng);
    const Made made(random.json);
    for (const size_t size : {3, 12, 47, 49, 120}) {
      const std::string text = random_text(rng, "abc_", size);
      std::string piece;
      Tokens symbols;
      for (const char c : text) {
        symbols.push_back(c == '_' ? "▁" : std::string(1, c));
        piece += symbols.back();
      }
      ASSERT_EQ(made.encode(piece), slow_merges(random.merges, symbols)) << piece;
      uint32_t end = 0;
      for (const Span& span : made.spans(piece)) {
        EXPECT_EQ(span.begin, end);
        end = span.end;
      }
      EXPECT_EQ(end, piece.size());
    }
  }
}

TEST(BpeChars, UnknownCharactersBytesAndNothing) {
  Json json = {{"type", "BPE"}, {"vocab", {{"<unk>", 0}, {"a", 1}, {"<0xC3>", 2}, {"<0xA9>", 3}}},
               {"merges", Json::array()}, {"unk_token", "<unk>"}, {"fuse_unk", true}};
  EXPECT_EQ(Made(json).encode("aéxa"), (Tokens{"a", "<unk>", "a"}));
  json["fuse_unk"] = false;
  EXPECT_EQ(Made(json).encode("aéxa"), (Tokens{"a", "<unk>", "<unk>", "a"}));
  json["byte_fallback"] = true;
  EXPECT_EQ(Made(json).encode("aéa"), (Tokens{"a", "<0xC3>", "<0xA9>", "a"}));
  EXPECT_EQ(Made(json).spans("aéa"), (std::vector<Span>{{0, 1}, {1, 2}, {2, 3}, {3, 4}}));
  json["unk_token"] = nullptr;
  EXPECT_EQ(Made(json).encode("axa"), (Tokens{"a", "a"}));
  EXPECT_EQ(Made(json).spans("axa"), (std::vector<Span>{{0, 1}, {1, 2}}));  // HF does not count what it leaves out
}

TEST(BpeChars, PrefixAndSuffix) {
  const Made made({{"type", "BPE"}, {"continuing_subword_prefix", "##"}, {"end_of_word_suffix", "</w>"},
                   {"vocab", {{"a", 0}, {"##b", 1}, {"##c</w>", 2}, {"ab", 3}, {"abc</w>", 4}, {"a</w>", 5}}},
                   {"merges", {"a ##b", "ab ##c</w>"}}});
  EXPECT_EQ(made.encode("abc"), (Tokens{"abc</w>"}));
  EXPECT_EQ(made.encode("a"), (Tokens{"a</w>"}));
  EXPECT_EQ(made.spans("abc"), (std::vector<Span>{{0, 3}}));
}

TEST(BpeChars, DropoutIsSeededAndBounded) {
  Rng rng(9);
  const RandomBpe random(rng);
  const Made made(random.json);
  const std::string piece = "abcabcabcaabbccabcabc";
  Workspace work;
  std::vector<int32_t> all, first, second;
  Rng same(77);
  made.model->encode_sampled(piece, {.dropout = 1}, same, work, all);
  EXPECT_EQ(all.size(), piece.size());
  for (std::vector<int32_t>* ids : {&first, &second}) {
    Rng seeded(5);
    made.model->encode_sampled(piece, {.dropout = 0.5}, seeded, work, *ids);
  }
  EXPECT_EQ(first, second);
  std::set<std::vector<int32_t>> drawn;
  for (int i = 0; i < 50; ++i) {
    std::vector<int32_t> ids;
    made.model->encode_sampled(piece, {.dropout = 0.5}, rng, work, ids);
    std::string joined;
    for (const std::string& token : made.spell(ids)) {
      joined += token;
    }
    EXPECT_EQ(joined, piece);
    drawn.insert(ids);
  }
  EXPECT_GT(drawn.size(), 5u);
}

void expect_refused(const Json& json, const std::string& word) {
  try {
    const Made made(json);
    ADD_FAILURE() << "accepted; wanted a complaint about " << word;
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what() << "\nwanted: " << word;
  }
}

TEST(BadModel, IsNamed) {
  const Json unigram = {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", scored({{"<unk>", 0}, {"a", -1}})}};
  const auto with = [](Json json, const char* pointer, const Json& value) {
    json[Json::json_pointer(pointer)] = value;
    return json;
  };
  expect_refused(with(unigram, "/vocab/1/1", std::numeric_limits<double>::infinity()), "model.vocab[1][1]");
  expect_refused(with(unigram, "/vocab/1/1", std::numeric_limits<double>::quiet_NaN()), "model.vocab[1][1]");
  expect_refused(with(unigram, "/vocab/1/1", "x"), "model.vocab[1][1]");
  expect_refused(with(unigram, "/vocab/1/0", "<unk>"), "model.vocab[1]");
  expect_refused(with(unigram, "/vocab/1", Json::array({"a"})), "model.vocab[1]");
  expect_refused(with(unigram, "/vocab", Json::object()), "model.vocab");
  expect_refused(with(unigram, "/unk_id", 2), "model.unk_id");
  expect_refused(with(unigram, "/unk_id", -1), "model.unk_id");
  expect_refused({{"type", "Unigram"}, {"unk_id", 0}, {"vocab", Json::array()}}, "model.unk_id");
  const Json word_piece = {{"type", "WordPiece"}, {"unk_token", "[UNK]"}, {"vocab", {{"[UNK]", 0}, {"a", 1}}}};
  expect_refused(with(word_piece, "/vocab/a", 0), "model.vocab.");
  expect_refused(with(word_piece, "/vocab/a", 1 << 30), "model.vocab.");
  expect_refused(with(word_piece, "/max_input_chars_per_word", -1), "model.max_input_chars_per_word");
  expect_refused(with(word_piece, "/continuing_subword_prefix", 3), "model.continuing_subword_prefix");
  const Json bpe = {{"type", "BPE"}, {"vocab", {{"a", 0}, {"b", 1}, {"ab", 2}}}, {"merges", {"a b"}}};
  expect_refused(with(bpe, "/merges/0", "a c"), "model.merges[0]");
  expect_refused(with(bpe, "/merges/0", "b a"), "model.merges[0]");
  expect_refused(with(bpe, "/merges/0", "ab"), "model.merges[0]");
  expect_refused(with(bpe, "/dropout", 0.5), "model.dropout");
  expect_refused(with(bpe, "/continuing_subword_prefix", "##"), "model.merges[0]");
}

}  // namespace
}  // namespace athanor::token
