#include "athanor/classic/fasttext_train.h"

#include <gtest/gtest.h>

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/fasttext.h"
#include "athanor/classic/fasttext_quantise.h"
#include "athanor/classic/text_cut.h"

namespace athanor {
namespace {

// Two made-up languages: consonants with o/u, or with e/i.
std::pair<std::string, std::string> made_up(uint64_t i) {
  Rng rng(i);
  const bool low = i % 2 == 0;
  std::string text;
  for (int word = 0; word < 5; ++word) {
    for (int syllable = 0; syllable < 2; ++syllable) {
      text += "bdgklmnrst"[rng.below(10)];
      text += (low ? "ou" : "ei")[rng.below(2)];
    }
    text += " ";
  }
  return {low ? "low" : "high", text};
}

FastTextModel train(FastTextTrainOptions options, int threads, int documents = 400) {
  ThreadPool pool(threads);
  FastTextTrainer trainer(options);
  for (int i = 0; i < documents; ++i) {
    const auto [label, text] = made_up(static_cast<uint64_t>(i));
    const std::string_view labels[] = {label};
    trainer.add(labels, text);
  }
  return trainer.train(pool, [](double, double) {});
}

double accuracy(const FastText& model) {
  int right = 0;
  for (uint64_t i = 1000; i < 1200; ++i) {
    const auto [label, text] = made_up(i);
    const auto found = model.predict(text);
    right += !found.empty() && found[0].label == label ? 1 : 0;
  }
  return right / 200.0;
}

TEST(FastTextTrainer, EveryLossLearnsUnseenWordsFromTheirLetters) {
  for (const char* loss : {"softmax", "hs", "ova"}) {
    FastTextTrainOptions options;
    options.loss = loss;
    options.dim = 8;
    options.minn = 1;
    options.maxn = 3;
    options.bucket = 2000;
    EXPECT_GE(accuracy(FastText(train(options, 1))), 0.99) << loss;
  }
}

TEST(FastTextTrainer, BytesDependOnTheSeedAndNotOnThreads) {
  FastTextTrainOptions options;
  options.dim = 8;
  options.word_ngrams = 2;
  options.minn = 2;
  options.maxn = 3;
  options.bucket = 1000;
  options.quantise = true;
  options.cutoff = 300;
  const std::string one = train(options, 1).to_bytes();
  EXPECT_EQ(one, train(options, 4).to_bytes());
  options.seed = 2;
  EXPECT_NE(one, train(options, 1).to_bytes());
}

TEST(FastTextTrainer, QuantisedAndPrunedStaysRight) {
  FastTextTrainOptions options;
  options.dim = 8;
  options.minn = 1;
  options.maxn = 3;
  options.bucket = 2000;
  const std::string whole = train(options, 1).to_bytes();
  options.quantise = true;
  options.cutoff = 400;
  const std::string small = train(options, 2).to_bytes();
  EXPECT_LT(3 * small.size(), whole.size());
  const FastText model(FastTextModel::parse(small, "small"));  // a sound file
  EXPECT_GE(accuracy(model), 0.98);
}

TEST(FastTextTrainer, LabelsAndWordsAreOrderedByCount) {
  ThreadPool pool(1);
  FastTextTrainOptions options;
  options.dim = 2;
  options.min_count = 2;
  options.min_label_count = 2;
  FastTextTrainer trainer(options);
  const std::string_view rare[] = {"rare"};
  const std::string_view both[] = {"two words", "b"};
  trainer.add(rare, "once x");
  trainer.add(both, "x y __label__z y");
  trainer.add(both, "");
  const FastTextModel model = trainer.train(pool, [](double, double) {});
  ASSERT_EQ(model.num_words, 3);
  EXPECT_EQ(model.entries[0].word, "</s>");
  EXPECT_EQ(model.entries[0].count, 3);
  EXPECT_EQ(model.entries[1].word, "x");
  EXPECT_EQ(model.entries[2].word, "y");
  ASSERT_EQ(model.num_labels, 2);
  EXPECT_EQ(model.label(0).word, "__label__two words");
  EXPECT_EQ(model.label(1).word, "__label__b");
}

TEST(FastTextTrainer, NothingToLearnIsAnError) {
  ThreadPool pool(1);
  FastTextTrainer trainer({});
  trainer.add({}, "a text without a label");
  EXPECT_THROW(trainer.train(pool, [](double, double) {}), Error);
  const std::string_view bad[] = {std::string_view("a\0b", 3)};
  EXPECT_THROW(trainer.add(bad, "x"), Error);
}

TEST(KMeans, FewPointsAreTheirOwnCentroids) {
  const float points[] = {1, 2, 3};
  const auto centroids = k_means(points, 3, 1, 1, 5);
  ASSERT_EQ(centroids.size(), 256u);
  for (const float point : points) {
    EXPECT_NE(std::find(centroids.begin(), centroids.end(), point), centroids.end());
  }
}

TEST(TextCut, EachWay) {
  EXPECT_EQ(cut_text("我爱NLP 2024。", TextCut::kMixed), "我 爱 NLP 2024 。");
  EXPECT_EQ(cut_text("カタ kana\n한국어 말", TextCut::kMixed), "カ タ kana 한국어 말");
  EXPECT_EQ(cut_text(" a b\t\n c", TextCut::kCharacters), "a ▁ b ▁ c");
  EXPECT_EQ(cut_text("A É", TextCut::kWords, true), "a é");
  EXPECT_EQ(cut_text("a\xFF", TextCut::kCharacters), "a \xEF\xBF\xBD");
  EXPECT_EQ(cut_text("  A \xFF ", TextCut::kWords), "  A \xFF ");
  EXPECT_EQ(cut_text("", TextCut::kMixed), "");
  EXPECT_THROW(text_cut("letters", "fit.tokens"), Error);
}

}  // namespace
}  // namespace athanor
