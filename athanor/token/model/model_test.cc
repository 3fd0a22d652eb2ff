// Each model against a slow one that does what its definition says, over random vocabularies and pieces.
#include "athanor/token/model/model.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <map>
#include <queue>
#include <set>

#include "athanor/base/error.h"
#include "athanor/token/model/byte_trie.h"
#include "athanor/token/model/lattice.h"
#include "athanor/token/model/merge_queue.h"

namespace athanor::token {
namespace {

const std::string kWhere = "here.json";

struct Made {
  Vocabulary vocabulary;
  std::unique_ptr<TokenModel> model;

  explicit Made(const Json& json, bool byte_level = false) {
    model = make_model(Field(json, "model", kWhere), byte_level, vocabulary);
  }
  std::vector<std::string> encode(std::string_view piece) const {
    std::vector<int32_t> ids;
    Workspace work;
    model->encode(piece, work, ids);
    return spell(ids);
  }
  std::vector<std::string> spell(const std::vector<int32_t>& ids) const {
    std::vector<std::string> tokens;
    for (const int32_t id : ids) {
      tokens.push_back(vocabulary.token(id));
    }
    return tokens;
  }
  // The spans, after a check that the ids are those of encode.
  std::vector<Span> spans(std::string_view piece) const {
    std::vector<int32_t> ids, same;
    std::vector<Span> spans;
    Workspace work;
    model->encode(piece, work, ids);
    model->encode_spans(piece, work, same, spans);
    EXPECT_EQ(ids, same);
    EXPECT_EQ(ids.size(), spans.size());
    return spans;
  }
};

std::string random_text(Rng& rng, std::string_view alphabet, size_t max_size) {
  std::string text;
  for (size_t left = 1 + rng.below(max_size); left > 0; --left) {
    text += alphabet[rng.below(alphabet.size())];
  }
  return text;
}

Json numbered(const std::set<std::string>& tokens) {
  Json vocab = Json::object();
  for (const std::string& token : tokens) {
    vocab[token] = vocab.size();
  }
  return vocab;
}

// Unigram's "vocab".
Json scored(std::initializer_list<std::pair<const char*, double>> tokens) {
  Json vocab = Json::array();
  for (const auto& [token, score] : tokens) {
    vocab.push_back(Json::array({token, score}));
  }
  return vocab;
}

using Tokens = std::vector<std::string>;

TEST(ByteTrie, HoldsJustItsStrings) {
  Rng rng(1);
  for (int round = 0; round < 20; ++round) {
    std::set<std::string> strings;
    for (int i = 0; i < 3000; ++i) {
      std::string text;
      for (size_t left = 1 + rng.below(round < 10 ? 3 : 9); left > 0; --left) {
        text += static_cast<char>(round % 2 == 0 ? rng.below(256) : 'a' + rng.below(4));
      }
      strings.insert(text);
    }
    ByteTrie::Strings list;
    std::map<std::string, int32_t> numbers;
    for (const std::string& text : strings) {
      numbers[text] = static_cast<int32_t>(list.size());
      list.emplace_back(text, numbers[text]);
    }
    std::vector<ByteTrie::Node> nodes;
    const ByteTrie trie(list, &nodes);
    std::map<uint32_t, std::string> names{{ByteTrie::kRoot, ""}};
    for (const ByteTrie::Node& node : nodes) {
      ASSERT_TRUE(names.contains(node.parent));
      ASSERT_TRUE(names.emplace(node.node, names[node.parent] + static_cast<char>(node.byte)).second);
    }
    for (const auto& [node, name] : names) {
      const auto known = numbers.find(name);
      ASSERT_EQ(trie.value(node), known == numbers.end() ? -1 : known->second);
      for (int byte = 0; byte < 256; byte += 1 + static_cast<int>(rng.below(40))) {
        const uint32_t child = trie.child(node, static_cast<uint8_t>(byte));
        ASSERT_EQ(child != ByteTrie::kNone, child != ByteTrie::kNone && names[child] == name + static_cast<char>(byte));
      }
    }
  }
}

TEST(MergeQueue, GivesWhatAHeapGives) {
  Rng rng(2);
  MergeQueue queue;
  for (int round = 0; round < 200; ++round) {
    const size_t ranks = 1 + rng.below(round % 2 == 0 ? 3 : 500);
    queue.reset(ranks);
    std::priority_queue<std::pair<uint32_t, uint32_t>, std::vector<std::pair<uint32_t, uint32_t>>, std::greater<>> heap;
    const uint64_t steps = rng.below(2000);
    for (uint64_t step = 0; step < steps; ++step) {
      if (heap.empty() || rng.below(3) != 0) {
        const std::pair<uint32_t, uint32_t> entry(rng.below(ranks), rng.below(1000));
        heap.push(entry);
        queue.push(entry.first, entry.second);
      } else {
        const MergeQueue::Entry entry = queue.pop();
        ASSERT_EQ(std::pair(entry.rank, entry.place), heap.top());
        heap.pop();
      }
    }
    ASSERT_EQ(queue.empty(), heap.empty());  // the rest is thrown away by the next reset
  }
}

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

// All ways to write the piece, with their scores; unknown characters (one byte here) cost 10 less than the worst.
struct Way {
  Tokens tokens;
  double score;
};
void all_ways(const std::map<std::string, double>& scores, double unknown, std::string_view rest, Way way,
              std::vector<Way>& out) {
  if (rest.empty()) {
    out.push_back(way);
    return;
  }
  for (size_t size = 1; size <= rest.size(); ++size) {
    const auto known = scores.find(std::string(rest.substr(0, size)));
    if (known != scores.end() || (size == 1 && !scores.contains(std::string(rest.substr(0, 1))))) {
      Way longer = way;
      longer.tokens.push_back(std::string(rest.substr(0, size)));
      longer.score += known != scores.end() ? known->second : unknown;
      all_ways(scores, unknown, rest.substr(size), longer, out);
    }
  }
}

struct RandomUnigram {
  Json json;
  std::map<std::string, double> scores;
  double unknown = 0;

  explicit RandomUnigram(Rng& rng) {
    json = {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", scored({{"<unk>", 0}})}};
    for (int i = 0; i < 25; ++i) {
      const std::string token = random_text(rng, "abc", 4);
      const double score = -1 - 5 * rng.uniform();
      if (scores.emplace(token, score).second) {
        json["vocab"].push_back(Json::array({token, score}));
        unknown = std::min(unknown, score);
      }
    }
    unknown -= 10;
  }
  std::vector<Way> ways(std::string_view piece) const {
    std::vector<Way> out;
    all_ways(scores, unknown, piece, {{}, 0}, out);
    std::sort(out.begin(), out.end(), [](const Way& a, const Way& b) { return a.score > b.score; });
    return out;
  }
};

TEST(Unigram, IsTheBestWay) {
  Rng rng(4);
  for (int round = 0; round < 60; ++round) {
    const RandomUnigram random(rng);
    const Made made(random.json);
    for (int i = 0; i < 15; ++i) {
      const std::string piece = random_text(rng, "abcd", 7);
      Tokens best;
      bool after_unknown = false;
      for (const std::string& token : random.ways(piece)[0].tokens) {
        const bool unknown = !random.scores.contains(token);
        if (!unknown || !after_unknown) {
          best.push_back(unknown ? "<unk>" : token);
        }
        after_unknown = unknown;
      }
      ASSERT_EQ(made.encode(piece), best) << piece;
      made.spans(piece);
    }
  }
}

TEST(Unigram, LongPiecesAreAsShortOnes) {
  Rng rng(5);
  const RandomUnigram random(rng);
  const Made made(random.json);
  const std::string text = random_text(rng, "abcd", 60);
  std::string copies;
  for (int i = 0; i < 50; ++i) {
    copies += text;
  }
  uint32_t end = 0;
  for (const Span& span : made.spans(copies)) {
    EXPECT_EQ(span.begin, end);
    end = span.end;
  }
  EXPECT_EQ(end, copies.size());
}

TEST(Unigram, BytesOfAnUnknownRunAllHaveItsSpan) {
  Json json = {{"type", "Unigram"}, {"unk_id", 0}, {"byte_fallback", true},
               {"vocab", scored({{"<unk>", 0}, {"a", -1}})}};
  for (int byte = 0; byte < 256; ++byte) {
    char token[8];
    std::snprintf(token, sizeof(token), "<0x%02X>", byte);
    json["vocab"].push_back(Json::array({token, 0.0}));
  }
  const Made made(json);
  EXPECT_EQ(made.encode("aéb"), (Tokens{"a", "<0xC3>", "<0xA9>", "<0x62>"}));
  EXPECT_EQ(made.spans("aéb"), (std::vector<Span>{{0, 1}, {1, 4}, {1, 4}, {1, 4}}));
}

TEST(Unigram, OfEqualWaysTheFirstFoundWins) {
  const Made made({{"type", "Unigram"}, {"unk_id", 0},
                   {"vocab", scored({{"<unk>", 0}, {"a", -1}, {"aa", -2}, {"aaa", -3}})}});
  EXPECT_EQ(made.encode("aaa"), (Tokens{"aaa"}));
  EXPECT_EQ(made.encode("aaaa"), (Tokens{"a", "aaa"}));
}

TEST(Unigram, WithoutAnUnknownTokenSaysSo) {
  const Made made({{"type", "Unigram"}, {"unk_id", nullptr}, {"vocab", scored({{"a", -1}})}});
  EXPECT_EQ(made.encode("aa"), (Tokens{"a", "a"}));
  EXPECT_THROW(made.encode("ab"), Error);
}

TEST(Unigram, SamplesByTheirProbability) {
  Rng rng(6);
  const RandomUnigram random(rng);
  const Made made(random.json);
  const std::string piece = "abcabc";
  const std::vector<Way> ways = random.ways(piece);
  for (const int nbest : {0, 4}) {
    const double alpha = 0.3;
    const size_t drawn_from = nbest == 0 ? ways.size() : std::min<size_t>(nbest, ways.size());
    double sum = 0;
    for (size_t i = 0; i < drawn_from; ++i) {
      sum += std::exp(alpha * ways[i].score);
    }
    std::map<Tokens, int> counts;
    constexpr int kDraws = 20000;
    Workspace work;
    for (int i = 0; i < kDraws; ++i) {
      std::vector<int32_t> ids;
      made.model->encode_sampled(piece, {.alpha = alpha, .nbest = nbest}, rng, work, ids);
      ++counts[made.spell(ids)];
    }
    for (size_t i = 0; i < std::min<size_t>(drawn_from, 8); ++i) {
      const bool all_known = std::all_of(ways[i].tokens.begin(), ways[i].tokens.end(),
                                         [&](const std::string& token) { return random.scores.contains(token); });
      if (all_known) {
        const double expected = std::exp(alpha * ways[i].score) / sum * kDraws;
        EXPECT_NEAR(counts[ways[i].tokens], expected, 5 * std::sqrt(expected) + 1);
      }
    }
    EXPECT_LE(counts.size(), drawn_from);
  }
}

TEST(Lattice, TheBestPathsComeInOrder) {
  Rng rng(7);
  const RandomUnigram random(rng);
  const std::string piece = "abcabca";
  Lattice lattice(piece.size());
  for (size_t begin = 0; begin < piece.size(); ++begin) {
    for (size_t end = begin + 1; end <= piece.size(); ++end) {
      const auto known = random.scores.find(piece.substr(begin, end - begin));
      if (known != random.scores.end() || (end == begin + 1)) {
        lattice.add(begin, end, 0, known == random.scores.end() ? random.unknown : known->second);
      }
    }
  }
  const std::vector<Way> ways = random.ways(piece);
  const std::vector<Lattice::Path> best = lattice.best(10);
  ASSERT_EQ(best.size(), std::min<size_t>(10, ways.size()));
  for (size_t i = 0; i < best.size(); ++i) {
    EXPECT_NEAR(best[i].score, ways[i].score, 1e-9);
  }
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
