// Unigram against all ways to write a piece, over random vocabularies.
#include <algorithm>
#include <cmath>
#include <map>

#include "athanor/base/error.h"
#include "athanor/token/model/lattice.h"
#include "athanor/token/model/model_test.h"

namespace athanor::token {
namespace {

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
      const std::vector<Way> ways = random.ways(piece);
      for (const std::string& token : ways[0].tokens) {
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

}  // namespace
}  // namespace athanor::token
