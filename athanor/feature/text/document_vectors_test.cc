#include "athanor/base/rng.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/feature/test_fixture.h"

namespace athanor {
namespace {

// Sentences about one of five topics, of words that no other topic has, between words that all
// have.
std::vector<std::string> topics(int sentences) {
  Rng rng(11);
  std::vector<std::string> texts;
  for (int i = 0; i < sentences; ++i) {
    std::string text;
    for (int k = 0; k < 12; ++k) {
      text += rng.uniform() < 0.4
                  ? "common" + std::to_string(rng.below(10)) + " "
                  : "topic" + std::to_string(i % 5) + "word" + std::to_string(rng.below(8)) + " ";
    }
    texts.push_back(text);
  }
  return texts;
}

TEST(DocumentVectors, TextsOfATopicAreNearEachOther) {
  const std::vector<std::string> texts = topics(1000);
  const TableColumn column = text_column("t", texts);
  const TableColumn* columns[] = {&column};
  ThreadPool pool(1);
  FitContext context{pool, 1};
  const Matrix x =
      make_encoder("word2vec", {{"size", 24}, {"sample", 0}, {"epochs", 8}, {"rate", 0.05}}, "")
          ->fit(columns, nullptr, context);
  double right = 0;
  for (uint64_t a = 0; a < 200; ++a) {
    double best = HUGE_VAL;
    uint64_t nearest = 0;
    for (uint64_t b = 0; b < 200; ++b) {
      double distance = 0;
      for (uint64_t i = 0; i < x.columns; ++i) {
        distance += (x.at(a, i) - x.at(b, i)) * (x.at(a, i) - x.at(b, i));
      }
      if (a != b && distance < best) {
        best = distance, nearest = b;
      }
    }
    right += nearest % 5 == a % 5 ? 1 : 0;
  }
  EXPECT_GT(right / 200, 0.9);
}

TEST(DocumentVectors, SavedAndForAnyNumberOfThreads) {
  std::vector<std::string> texts = topics(200);
  for (auto& text : texts) {
    text += "new york";
  }
  const TableColumn column = text_column("t", texts);
  const TableColumn* columns[] = {&column};
  const nlohmann::json options{
      {"size", 20}, {"epochs", 2}, {"phrases", true}, {"phrase_threshold", 0.1}};
  std::vector<double> first;
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    FitContext context{pool, 4};
    auto encoder = make_encoder("word2vec", options, "test");
    const Matrix x = encoder->fit(columns, nullptr, context);
    first = first.empty() ? x.values : first;
    EXPECT_EQ(x.values, first);
    auto again = make_encoder("word2vec", options, "test");
    save_and_load(*encoder, *again, scratch("word2vec"));
    EXPECT_EQ(again->apply(columns, pool).values, first);
    const TableColumn unknown = text_column("t", {"nothing known", ""});
    const TableColumn* others[] = {&unknown};
    EXPECT_EQ(again->apply(others, pool).values, std::vector<double>(40, 0));
  }
}

}  // namespace
}  // namespace athanor
