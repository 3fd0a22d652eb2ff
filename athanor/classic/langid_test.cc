// The published language identifier on real sentences: ATHANOR_DATA/langid (not bundled: CC BY-SA). bench/langid.py runs
// the second test against fastText itself.
#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <iomanip>
#include <iostream>

#include "athanor/classic/fasttext.h"
#include "athanor/classic/test_data.h"

namespace athanor {
namespace {

TEST(Langid, PublishedModelIsAsAccurateAsFastText) {
  const fs::path data = classic_test::data_dir();
  if (data.empty()) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const FastText model = FastText::open(data / "langid/lid.176.ftz");
  EXPECT_EQ(model.labels().size(), 176u);
  const auto sentences = classic_test::read_sentences(data);
  ASSERT_EQ(sentences.size(), 19746u);
  size_t right = 0;
  for (const auto& [label, text] : sentences) {
    const auto found = model.predict(text);
    right += !found.empty() && found[0].label == label ? 1 : 0;
  }
  EXPECT_EQ(right, 15221u);  // as fastText 0.9.2, which gives every sentence the same label
}

TEST(Langid, Bench) {
  const char* out = std::getenv("ATHANOR_LANGID_OUT");
  if (out == nullptr) {
    GTEST_SKIP() << "bench/langid.py runs this";
  }
  const FastText model = FastText::open(classic_test::data_dir() / "langid/lid.176.ftz");
  const auto sentences = classic_test::read_sentences(classic_test::data_dir());
  std::vector<std::vector<FastText::Score>> found(sentences.size());
  const std::clock_t begin = std::clock();  // processor time: the machine may be busy
  for (size_t i = 0; i < sentences.size(); ++i) {
    model.predict(sentences[i].text, 1, 0, found[i]);
  }
  std::cout << "seconds " << static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC << "\n";
  std::ofstream file(out);
  file << std::setprecision(9);
  for (const auto& scores : found) {
    file << (scores.empty() ? "-" : model.labels()[static_cast<size_t>(scores[0].label)]) << "\t"
         << (scores.empty() ? 0 : scores[0].probability) << "\n";
  }
}

}  // namespace
}  // namespace athanor
