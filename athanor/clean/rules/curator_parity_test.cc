// curator_english against what NeMo Curator's own filters say: tests/parity/make_curator_fixture.py.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "athanor/clean/rules/rule_testing.h"

namespace athanor {
namespace {

using nlohmann::json;

std::vector<std::string> parity_texts() {
  std::ifstream in(ATHANOR_SOURCE_DIR "/tests/fixtures/clean/parity.jsonl");
  std::vector<std::string> texts;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    texts.push_back(json::parse(line).at("text"));
  }
  return texts;
}

// A list stands for several right answers.
bool is_one_of(double value, const json& expected) {
  for (const json& one : expected.is_array() ? expected : json::array({expected})) {
    if (std::abs(value - one.get<double>()) < 1e-9) {
      return true;
    }
  }
  return false;
}

TEST(CuratorParity, SameScoresAndDecisions) {
  const std::vector<std::string> texts = parity_texts();
  std::ifstream in(ATHANOR_SOURCE_DIR "/tests/fixtures/clean/curator.jsonl");
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  const std::vector<std::string> metrics = json::parse(line).at("metrics");
  const std::vector<StepMetric> ours = find_clean_step("curator_english", "").metrics;
  ASSERT_EQ(metrics.size(), ours.size());
  size_t rows = 0, dropped = 0;
  for (; std::getline(in, line); ++rows) {
    const json row = json::parse(line);
    const std::string text = row.contains("text") ? row["text"].get<std::string>() : texts.at(row.at("row").get<size_t>());
    const Judged judged = judge("curator_english", text);
    for (size_t i = 0; i < metrics.size(); ++i) {
      ASSERT_EQ(metrics[i], ours[i].name);
      double value = judged.measures.numbers.at(i);
      if (metrics[i] == "common_words") {
        value = std::min(value, 2.0);  // Curator stops counting there
      }
      EXPECT_TRUE(is_one_of(value, row.at("values")[i])) << metrics[i] << ' ' << value << ' ' << row.at("values")[i] << '\n' << text;
    }
    EXPECT_EQ(judged.keep, row.at("dropped").get<int>() < 0) << judged.reason << '\n' << text;
    dropped += judged.keep ? 0 : 1;
  }
  EXPECT_GE(rows, 144u);
  EXPECT_GT(dropped, 60u);
  EXPECT_LT(dropped, rows);
}

}  // namespace
}  // namespace athanor
