#include "athanor/feature/vectors/word_vectors.h"

#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/base/text.h"
#include "athanor/data/testing/test_scratch.h"

namespace athanor {
namespace {

// Two topics whose words never meet.
WordCorpus topics(int64_t min_count = 1, int sentences = 3000) {
  WordCorpus::Builder builder;
  Rng rng(3);
  for (int sentence = 0; sentence < sentences; ++sentence) {
    for (int i = 0; i < 8; ++i) {
      builder.add((sentence % 2 == 0 ? "sea" : "sky") + std::to_string(rng.below(6)));
    }
    builder.end_sentence();
  }
  builder.add("rare");
  return builder.finish(min_count);
}

TEST(WordVectors, CountsAndOrdersWords) {
  WordCorpus::Builder builder;
  for (const char* word : {"b", "a", "b", "c", "a", "b"}) {
    builder.add(word);
  }
  builder.end_sentence();
  builder.end_sentence();
  const WordCorpus corpus = builder.finish(2);
  EXPECT_EQ(corpus.words, (std::vector<std::string>{"b", "a"}));
  EXPECT_EQ(corpus.counts, (std::vector<uint64_t>{3, 2}));
  EXPECT_EQ(corpus.ids, (std::vector<uint32_t>{0, 1, 0, 1, 0}));  // "c" is left out
  EXPECT_EQ(corpus.ends, std::vector<uint64_t>{5});
}

TEST(WordVectors, WordsOfATopicAreNearEachOther) {
  ThreadPool pool(2);
  for (const char* method : {"cbow", "skip_gram"}) {
    WordVectorOptions options{.method = method, .size = 20, .min_count = 1, .epochs = 3, .sample = 0};
    const WordVectors vectors = train_word_vectors(topics(), options, 1, pool);
    for (const char* word : {"sea0", "sky3"}) {
      for (const auto& [near, cosine] : vectors.nearest(vectors.find(word), 4)) {
        EXPECT_EQ(vectors.words[near].substr(0, 3), std::string(word, 3)) << method << " " << vectors.words[near];
      }
    }
  }
}

TEST(WordVectors, AnyNumberOfThreadsGivesTheSameBytes) {
  ThreadPool one(1);
  ThreadPool two(2);
  ThreadPool five(5);
  const WordCorpus corpus = topics(1, 500);
  for (const char* method : {"cbow", "skip_gram"}) {
    for (const int64_t size : {3, 20, 100}) {
      WordVectorOptions options{.method = method, .size = size, .min_count = 1, .epochs = 1};
      const WordVectors first = train_word_vectors(corpus, options, 7, one);
      EXPECT_EQ(first.values, train_word_vectors(corpus, options, 7, two).values) << method << size;
      EXPECT_EQ(first.values, train_word_vectors(corpus, options, 7, five).values) << method << size;
      EXPECT_NE(first.values, train_word_vectors(corpus, options, 8, one).values);
    }
  }
}

TEST(WordVectors, CanBeStopped) {
  ThreadPool pool(2);
  const auto stop = [](double) { throw Error(ErrorKind::kInterrupted, "stopped"); };
  EXPECT_EQ(error_of([&] { train_word_vectors(topics(), {.min_count = 1}, 1, pool, stop); }).kind(), ErrorKind::kInterrupted);
  EXPECT_EQ(error_of([&] { train_word_vectors(topics(1'000'000), {}, 1, pool); }).kind(), ErrorKind::kInput);
}

TEST(WordVectors, PairsThatStandTogetherArePhrases) {
  std::vector<std::vector<std::string_view>> sentences(20, {"in", "new", "york", "in", "old", "town"});
  for (int i = 0; i < 20; ++i) {
    sentences.push_back({"in", "the", "new", "town", "of", "the", "old", "in"});
  }
  // By hand: (20 - 5) / (40 x 20) x 7 = 0.131; "in old" comes 20 times too, but "in" is everywhere.
  const Phrases phrases = find_phrases(sentences, 5, 0.12);
  EXPECT_EQ(phrases.scores.count("new york"), 1);
  EXPECT_NEAR(phrases.scores.at("new york"), 15.0 / 40 / 20 * 7, 1e-12);
  EXPECT_EQ(phrases.scores.count("in old"), 0);
  EXPECT_EQ(join_phrases({"a", "new", "york", "york"}, phrases), (std::vector<std::string>{"a", "new_york", "york"}));
}

}  // namespace
}  // namespace athanor
