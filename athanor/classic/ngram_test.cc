#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/base/text.h"
#include "athanor/classic/ngram_image.h"
#include "athanor/classic/ngram_model.h"
#include "athanor/classic/test_data.h"

namespace athanor {
namespace {

using Words = std::vector<std::string>;

std::vector<std::string> made_up_sentences(int count, uint64_t seed = 3) {
  Rng rng(seed);
  std::vector<std::string> sentences;
  for (int i = 0; i < count; ++i) {
    std::string text;
    uint64_t word = rng.below(12);
    for (uint64_t length = 1 + rng.below(9); length > 0; --length) {
      text += "w" + std::to_string(word) + " ";
      word = (word * 5 + rng.below(3) * rng.below(6)) % 40;
    }
    sentences.push_back(text);
  }
  return sentences;
}

NgramTables train(const std::vector<std::string>& sentences, NgramTrainOptions options, const fs::path& scratch,
                  int threads = 1) {
  ThreadPool pool(threads);
  NgramTrainer trainer(options, scratch, pool);
  for (const auto& sentence : sentences) {
    trainer.add_sentence(sentence);
  }
  return trainer.finish([](double) {});
}

// The definition, word for word (Chen and Goodman 1998, with the plain counts of what begins a sentence).
class Reference {
 public:
  Reference(const std::vector<std::string>& sentences, int order) : order_(order), counts_(static_cast<size_t>(order) + 1) {
    std::vector<std::map<Words, double>> raw(counts_.size());
    for (const auto& sentence : sentences) {
      Words words{"<s>"};
      for (const auto& word : split_text(sentence, ' ')) {
        if (!word.empty()) {
          words.push_back(word);
        }
      }
      words.push_back("</s>");
      vocabulary_.insert(words.begin() + 1, words.end());
      for (size_t end = 2; end <= words.size(); ++end) {
        for (size_t n = 1; n <= static_cast<size_t>(order) && n <= end; ++n) {
          ++raw[n][Words(words.begin() + static_cast<ptrdiff_t>(end - n), words.begin() + static_cast<ptrdiff_t>(end))];
        }
      }
    }
    counts_.back() = raw.back();
    for (size_t n = 1; n < static_cast<size_t>(order); ++n) {
      for (const auto& [gram, count] : raw[n + 1]) {
        ++counts_[n][Words(gram.begin() + 1, gram.end())];
      }
      for (const auto& [gram, count] : raw[n]) {
        if (gram[0] == "<s>") {
          counts_[n][gram] = count;
        }
      }
    }
    for (size_t n = 1; n < counts_.size(); ++n) {
      double t[5] = {};
      for (const auto& [gram, count] : counts_[n]) {
        if (count <= 4) {
          ++t[static_cast<int>(count)];
        }
      }
      std::array<double, 3> d{0.5, 1, 1.5};
      if (t[1] > 0 && t[2] > 0 && t[3] > 0) {
        const double y = t[1] / (t[1] + 2 * t[2]);
        const std::array<double, 3> found{1 - 2 * y * t[2] / t[1], 2 - 3 * y * t[3] / t[2], 3 - 4 * y * t[4] / t[3]};
        if (found[0] > 0 && found[1] > 0 && found[2] > 0 && found[0] <= 1 && found[1] <= 2 && found[2] <= 3) {
          d = found;
        }
      }
      discounts_.push_back(d);
    }
  }
  double p(Words context, const std::string& word) const {
    if (static_cast<int>(context.size()) >= order_) {
      context.erase(context.begin(), context.end() - (order_ - 1));
    }
    const size_t n = context.size() + 1;
    const double lower = n == 1 ? 1.0 / static_cast<double>(vocabulary_.size() + 1)
                                : p(Words(context.begin() + 1, context.end()), word);
    double total = 0;
    double taken = 0;
    double own = 0;
    for (const auto& [gram, count] : counts_[n]) {
      if (std::equal(context.begin(), context.end(), gram.begin())) {
        const double d = discounts_[n - 1][static_cast<size_t>(std::min(count, 3.0)) - 1];
        total += count;
        taken += d;
        own = gram.back() == word ? count - d : own;
      }
    }
    return total == 0 ? lower : own / total + taken / total * lower;
  }
  const std::set<std::string>& vocabulary() const { return vocabulary_; }

 private:
  int order_;
  std::vector<std::map<Words, double>> counts_;
  std::set<std::string> vocabulary_;
  std::vector<std::array<double, 3>> discounts_;
};

TEST(NgramTrainer, EqualsTheDefinition) {
  const auto sentences = made_up_sentences(300);
  const fs::path dir = classic_test::scratch("ngram-definition");
  for (int order = 1; order <= 5; ++order) {
    const Reference reference(sentences, order);
    const NgramModel model = NgramModel::from_tables(train(sentences, {.order = order}, dir));
    EXPECT_EQ(model.vocabulary_size(), reference.vocabulary().size() + 2);
    for (size_t i = 0; i < 40; ++i) {
      Words context{"<s>"};
      for (const auto& word : split_text(sentences[i] + "</s>", ' ')) {
        EXPECT_NEAR(model.log10_probability(context, word), std::log10(reference.p(context, word)), 2e-5)
            << order << ": " << sentences[i] << " at " << word;
        context.push_back(word);
      }
    }
  }
  fs::remove_all(dir);
}

TEST(NgramTrainer, ProbabilitiesOfEveryContextSumToOne) {
  const auto sentences = made_up_sentences(300);
  const fs::path dir = classic_test::scratch("ngram-sum");
  for (const auto& prune : std::vector<std::vector<uint64_t>>{{}, {0, 0, 1}, {0, 1, 1, 2}}) {
    const NgramModel model = NgramModel::from_tables(train(sentences, {.order = 4, .prune = prune}, dir));
    for (const Words& context : std::vector<Words>{{}, {"<s>"}, {"w1"}, {"<s>", "w3"}, {"w5", "w25"}, {"w1", "w2", "w3"},
                                                   {"w10", "w10"}, {"never", "w7"}}) {
      double sum = 0;
      for (int i = 0; i < 40; ++i) {
        const std::string word = "w" + std::to_string(i);
        // "<unk>" once for all words that were never seen
        sum += std::pow(10, model.log10_probability(context, word)) *
               (model.log10_probability({}, word) == model.log10_probability({}, "<unk>") ? 0 : 1);
      }
      sum += std::pow(10, model.log10_probability(context, "</s>")) + std::pow(10, model.log10_probability(context, "<unk>"));
      EXPECT_NEAR(sum, 1, 1e-5);
    }
  }
  fs::remove_all(dir);
}

std::string arpa_of(const NgramTables& tables, const fs::path& dir) {
  tables.write_arpa(dir / "model.arpa");
  return read_file(dir / "model.arpa");
}

// n-gram -> (log10 p, backoff; 0 where the line has none)
std::map<std::string, std::pair<double, double>> arpa_weights(const std::vector<std::string>& lines) {
  std::map<std::string, std::pair<double, double>> weights;
  for (const auto& line : lines) {
    const auto cells = split_text(line, '\t');
    if (cells.size() >= 2) {
      weights[cells[1]] = {std::stod(cells[0]), cells.size() > 2 ? std::stod(cells[2]) : 0};
    }
  }
  return weights;
}

TEST(NgramTrainer, EqualsLmplzNgramByNgram) {
  const fs::path fixtures = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/classic";
  const auto sentences = classic_test::read_lines(fixtures / "ngram.txt");
  const fs::path dir = classic_test::scratch("ngram-lmplz");
  const std::pair<const char*, std::vector<uint64_t>> cases[] = {{"lmplz.arpa", {}}, {"lmplz-pruned.arpa", {0, 0, 1, 2}}};
  for (const auto& [name, prune] : cases) {
    train(sentences, {.order = 4, .prune = prune}, dir).write_arpa(dir / "ours.arpa");
    const auto ours = arpa_weights(classic_test::read_lines(dir / "ours.arpa"));
    const auto theirs = arpa_weights(classic_test::read_lines(fixtures / name));
    ASSERT_EQ(ours.size(), theirs.size()) << name;
    ASSERT_GT(theirs.size(), 300u);
    for (const auto& [ngram, weight] : theirs) {
      const auto found = ours.find(ngram);
      ASSERT_NE(found, ours.end()) << name << ": " << ngram;
      EXPECT_NEAR(found->second.first, weight.first, 2e-6) << name << ": " << ngram;
      EXPECT_NEAR(found->second.second, weight.second, 2e-6) << name << ": " << ngram;
    }
  }
  fs::remove_all(dir);
}

TEST(NgramTrainer, MemoryAndThreadsDoNotChangeABit) {
  const auto sentences = made_up_sentences(6000);
  const fs::path dir = classic_test::scratch("ngram-memory");
  const std::string whole = arpa_of(train(sentences, {.order = 4, .prune = {0, 0, 1}}, dir), dir);
  // 1,024 records a buffer: dozens of runs
  EXPECT_EQ(whole, arpa_of(train(sentences, {.order = 4, .prune = {0, 0, 1}, .memory_bytes = 1}, dir, 3), dir));
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), fs::directory_iterator()), 1);  // no scratch is left
  fs::remove_all(dir);
}

TEST(NgramModel, ArpaAndBinaryGiveTheSameScores) {
  const auto sentences = made_up_sentences(500);
  const fs::path dir = classic_test::scratch("ngram-files");
  const NgramTables tables = train(sentences, {.order = 5}, dir);
  tables.write_arpa(dir / "m.arpa");
  NgramModel::write(tables, dir / "m.ngram", {});
  NgramModel::write(tables, dir / "small.ngram", {.quantise = true});
  EXPECT_LT(fs::file_size(dir / "small.ngram") * 3, fs::file_size(dir / "m.ngram") * 2);
  const NgramModel arpa = NgramModel::from_tables(read_arpa(dir / "m.arpa"));
  const NgramModel whole = NgramModel::open(dir / "m.ngram");
  const NgramModel small = NgramModel::open(dir / "small.ngram");
  for (int n = 1; n <= 5; ++n) {
    EXPECT_EQ(arpa.size(n), whole.size(n));
  }
  for (const auto& text : made_up_sentences(200, 77)) {
    const NgramScore score = whole.score_sentence(text + " unheard <s> of");
    EXPECT_EQ(score.log10_p, arpa.score_sentence(text + " unheard <s> of").log10_p);
    EXPECT_EQ(score.num_unknown, 2u);
    EXPECT_NEAR(score.log10_p, small.score_sentence(text + " unheard of").log10_p, 1e-4 * static_cast<double>(score.num_tokens));
  }
  fs::remove_all(dir);
}

// An ARPA file as others write it: a suffix ("b c") and a context are missing.
constexpr const char* kArpa = R"(a comment
\data\
ngram 1=5
ngram 2=2
ngram 3=1

\1-grams:
-99 <s> -0.5
-1.0 </s>
-0.7 a -0.3
-0.8 b -0.2
-0.9 c

\2-grams:
-0.25 <s> a -0.125
-0.5 a b -0.1

\3-grams:
-0.05 a b c

\end\
)";

TEST(Arpa, BackoffByHand) {
  const NgramModel model = NgramModel::from_tables(parse_arpa(kArpa, "test"));
  EXPECT_EQ(model.order(), 3);
  EXPECT_EQ(model.size(2), 3u);  // "b c" was put in
  EXPECT_NEAR(model.log10_probability({"<s>"}, "a"), -0.25, 1e-6);
  EXPECT_NEAR(model.log10_probability({"<s>", "a"}, "b"), -0.125 - 0.5, 1e-6);
  EXPECT_NEAR(model.log10_probability({"a", "b"}, "c"), -0.05, 1e-6);
  EXPECT_NEAR(model.log10_probability({"b"}, "c"), -0.2 - 0.9, 1e-6);
  EXPECT_NEAR(model.log10_probability({"a", "b"}, "a"), -0.1 - 0.2 - 0.7, 1e-6);
  EXPECT_NEAR(model.log10_probability({"a"}, "x"), -0.3 - 100, 1e-4);
  EXPECT_NEAR(model.score("a b c\n\n \nb").log10_p,
              (-0.25 - 0.125 - 0.5 - 0.05 - 1.0) + (-0.5 - 0.8 - 0.2 - 1.0), 1e-5);
  EXPECT_EQ(model.score("a b c\n\n \nb").num_tokens, 6u);
  EXPECT_EQ(model.perplexity(""), 1.0);
}

TEST(Arpa, DamageIsAnError) {
  const std::string good = kArpa;
  for (size_t length = 0; length + 6 < good.size(); ++length) {
    EXPECT_THROW(parse_arpa(good.substr(0, length), "cut"), Error) << length;
  }
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string bad = good;
    bad.replace(bad.find(from), from.size(), to);
    return bad;
  };
  for (const auto& bad : {with("ngram 2=2", "ngram 2=3"), with("ngram 2=2", "ngram 4=2"), with("ngram 1=5", "ngram 1=x"),
                          with("-0.5 a b", "nan a b"), with("-0.5 a b", "0.5 a b"), with("a b c", "a b d"),
                          with("-0.8 b", "-0.8 a"), with("ngram 3=1", "ngram 3=99999999999999999999")}) {
    EXPECT_THROW(parse_arpa(bad, "bad"), Error) << bad;
  }
  Rng rng(5);
  for (int i = 0; i < 3000; ++i) {
    std::string bad = good;
    bad[rng.below(bad.size())] ^= static_cast<char>(1 << rng.below(8));
    try {
      NgramModel::from_tables(parse_arpa(bad, "flip")).score("a b c\nb");
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
    }
  }
}

TEST(NgramModel, EveryDamagedByteIsFound) {
  const fs::path dir = classic_test::scratch("ngram-damage");
  NgramModel::write(train(made_up_sentences(20), {.order = 3}, dir), dir / "m", {.quantise = true});
  const std::string good = read_file(dir / "m");
  Rng rng(6);
  for (int i = 0; i < 300; ++i) {
    std::string bad = good;
    if (i % 3 == 0) {
      bad.resize(rng.below(bad.size()));
    } else {
      bad[rng.below(bad.size())] ^= static_cast<char>(1 << rng.below(8));
    }
    std::ofstream(dir / "bad", std::ios::binary) << bad;
    EXPECT_THROW(NgramModel::open(dir / "bad"), Error);
  }
  fs::remove_all(dir);
}

TEST(NgramTrainer, RefusesWhatItCannotDo) {
  ThreadPool pool(1);
  EXPECT_THROW(NgramTrainer({.order = 6}, "", pool), Error);
  EXPECT_THROW(NgramTrainer({.prune = {0, 2, 1}}, "", pool), Error);
  EXPECT_THROW(NgramTrainer({.prune = {1}}, "", pool), Error);
  NgramTrainer empty({.order = 2}, "", pool);
  empty.add_sentence("  \t ");
  empty.add_sentence("<s> </s>");
  EXPECT_THROW(empty.finish([](double) {}), Error);
}

TEST(PerplexityBuckets, ThirdsByRank) {
  const auto buckets = perplexity_buckets({9, 1, 8, 2, 7, 3, 6, 4, 5, std::nan(""), INFINITY});
  EXPECT_EQ(buckets.head, 3);
  EXPECT_EQ(buckets.tail, 6);
  EXPECT_STREQ(buckets.name_of(3), "head");
  EXPECT_STREQ(buckets.name_of(3.5), "middle");
  EXPECT_STREQ(buckets.name_of(6.1), "tail");
  EXPECT_STREQ(buckets.name_of(std::nan("")), "tail");
  EXPECT_EQ(perplexity_buckets({}).head, 0);
}

}  // namespace
}  // namespace athanor
