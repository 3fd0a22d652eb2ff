// Decontamination: rules on small cases, canaries on real evaluation sets and texts.
#include <gtest/gtest.h>
#include <zstd.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/base/rng.h"
#include "athanor/clean/near/canary.h"

namespace athanor {
namespace {

const char kLong[] = "Which of these metals was the first one that people in the Alps melted for tools and weapons?";
const char kShort[] = "Who painted the ceiling of the old library?";

// The ids of the items that flag the text, in a corpus of that text and fillers.
std::set<std::string> flagged(const std::vector<EvalItem>& items, const std::string& text,
                              const std::vector<std::string>& corpus = {}, DecontaminateOptions options = {}) {
  const EvalIndex index(items, options);
  EvalIndex::Scratch scratch;
  EvalIndex::Found found;
  std::vector<uint64_t> counts(index.num_seeds());
  for (const std::string& document : corpus) {
    index.find(document, scratch, found);
    for (const uint32_t seed : found.seeds) {
      ++counts[seed];
    }
  }
  index.find(text, scratch, found);
  for (const uint32_t seed : found.seeds) {
    ++counts[seed];
  }
  const ItemWeights weights(index, counts, corpus.size() + 1);
  std::set<std::string> ids;
  for (const ItemMatch& match : found.matches) {
    EXPECT_LE(match.begin, match.end);
    EXPECT_LE(match.end, text.size());
    if (weights.flags(match)) {
      ids.insert(items[match.item].id);
    }
  }
  return ids;
}

using Ids = std::set<std::string>;

TEST(EvalIndex, LongItemsAreFoundWithEdits) {
  const std::vector<EvalItem> items{{"q", kLong, {}}};
  const std::string before = "Once upon a time there was a quiz. ";
  EXPECT_EQ(flagged(items, before + kLong + " The answer is copper."), Ids{"q"});
  EXPECT_EQ(flagged(items, "WHICH of these metals, was the first ONE that (people in the alps) melted for tools and weapons"),
            Ids{"q"});
  EXPECT_EQ(flagged(items, "Which of these metals was the first one that folk in the Alps melted for tools and weapons?"),
            Ids{"q"});
  EXPECT_EQ(flagged(items, "Which of these metals was the first one that nobody wanted to have any more"), Ids{});
  EXPECT_EQ(flagged(items, "weapons and tools for melted Alps the in people that one first the was metals these of Which"),
            Ids{});
  EXPECT_EQ(flagged(items, ""), Ids{});
}

TEST(EvalIndex, ShortItemsOnlyWhole) {
  const std::vector<EvalItem> items{{"q", kShort, {}}};
  EXPECT_EQ(flagged(items, std::string("Trivia. ") + kShort), Ids{"q"});
  EXPECT_EQ(flagged(items, "who painted the ceiling, of the OLD library"), Ids{"q"});
  EXPECT_EQ(flagged(items, "Who painted the ceiling of the library?"), Ids{});
}

TEST(EvalIndex, AVeryShortItemNeedsItsAnswerNear) {
  const std::vector<EvalItem> items{{"q", "What is copper?", {"a metal"}}, {"r", "Why?", {}}};
  EXPECT_EQ(flagged(items, "What is copper? It is a metal."), Ids{"q"});
  EXPECT_EQ(flagged(items, "What is copper? Nobody knows."), Ids{});
  std::string far = "What is copper? ";
  for (int i = 0; i < 60; ++i) {
    far += "so ";
  }
  EXPECT_EQ(flagged(items, far + "a metal"), Ids{});
  const EvalIndex index(items, {});
  EXPECT_EQ(index.num_too_short(), 1u);
}

TEST(EvalIndex, NumbersCount) {
  const std::vector<EvalItem> items{{"q", "What do 17 apples and 25 pears make?", {}}};
  EXPECT_EQ(flagged(items, "What do 17 apples and 25 pears make?"), Ids{"q"});
  EXPECT_EQ(flagged(items, "What do 18 apples and 25 pears make?"), Ids{});
}

TEST(EvalIndex, ChineseByCharacters) {
  const std::vector<EvalItem> items{{"q", "这个故事里的主人公为什么最后离开了他的家乡", {}}};
  EXPECT_EQ(flagged(items, "阅读题。这个故事里的主人公，为什么最后离开了他的家乡？答案见下。"), Ids{"q"});
  EXPECT_EQ(flagged(items, "这个故事里的主人公喜欢喝茶。"), Ids{});
}

TEST(EvalIndex, WhatIsCommonInTheCorpusCountsLittle) {
  const std::string licence = "This text may be copied by everyone as long as this very notice stays in every copy of it";
  const std::vector<EvalItem> items{{"notice", licence, {}}, {"q", kLong, {}}};
  std::vector<std::string> corpus;
  for (int i = 0; i < 200; ++i) {
    corpus.push_back("Document " + std::to_string(i) + ". " + licence);
  }
  EXPECT_EQ(flagged(items, licence), Ids{"notice"});
  EXPECT_EQ(flagged(items, licence, corpus), Ids{});
  EXPECT_EQ(flagged(items, licence + " " + kLong, corpus), Ids{"q"});
}

TEST(EvalIndex, WhatIsCommonAmongItemsCountsLittle) {
  std::vector<EvalItem> items;
  const std::string prompt = "Read the passage and then choose the one option that follows from it most surely: ";
  for (int i = 0; i < 60; ++i) {
    std::string text = prompt;
    for (int k = 0; k < 15; ++k) {
      text += "word" + std::to_string(random_at(1, static_cast<uint64_t>(i), static_cast<uint64_t>(k)) % 5000) + " ";
    }
    items.push_back({std::to_string(i), text, {}});
  }
  EXPECT_EQ(flagged(items, prompt), Ids{});
  EXPECT_EQ(flagged(items, items[7].text), Ids{"7"});
  EXPECT_EQ(flagged(items, "And so: " + items[7].text.substr(prompt.size())), Ids{"7"});
}

TEST(EvalIndex, BadOptionsAndBadText) {
  EXPECT_THROW(EvalIndex({}, {.ngram = 4}), Error);
  EXPECT_EQ(flagged({{"q", kLong, {}}}, std::string("\xff\xfe\x80 ") + kLong + "\xc3"), Ids{"q"});
  EXPECT_EQ(flagged({}, kLong), Ids{});
}

TEST(EvalItem, FieldsOfMeta) {
  const std::string meta = R"({"goal": "Open a jar", "n": 3, "sol": ["turn it", {"x": "tap it"}]})";
  const EvalItem item = make_eval_item("1", "text", meta, {"goal", "n"}, {"sol", "none"});
  EXPECT_EQ(item.text, "Open a jar\n3");
  EXPECT_EQ(item.answers, (std::vector<std::string>{"turn it", "tap it"}));
  EXPECT_EQ(make_eval_item("1", "text", "no json", {"goal"}, {}).text, "text");
}

TEST(ItemMatch, LinesRoundTrip) {
  ItemMatch match;
  match.item = 3, match.begin = 10, match.end = 20, match.run = 6, match.answer = true, match.covered = {true, false, true};
  const nlohmann::json json = nlohmann::json::parse(match_to_line(match, 77));
  EXPECT_EQ(json.at("row"), 77);
  const ItemMatch back = match_of_json(json);
  EXPECT_EQ(back.covered, match.covered);
  EXPECT_EQ(back.end, 20u);
  EXPECT_TRUE(back.answer);
}

std::string unpacked(const fs::path& path) {
  const std::string packed = read_file(path);
  std::string out(size_t{64} << 20, '\0');
  const size_t size = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
  out.resize(ZSTD_isError(size) ? 0 : size);
  return out;
}

std::vector<EvalItem> real_items(const fs::path& data) {
  std::vector<EvalItem> items;
  std::istringstream piqa(read_file(data / "mc" / "piqa_valid.jsonl"));
  for (std::string line; std::getline(piqa, line);) {
    const nlohmann::json row = nlohmann::json::parse(line);
    items.push_back({"piqa" + std::to_string(items.size()), row.at("goal"), {row.at("sol1"), row.at("sol2")}});
  }
  std::istringstream lambada(unpacked(data / "mc" / "lambada_openai_test.jsonl.zst"));
  for (std::string line; std::getline(lambada, line);) {
    items.push_back({"lambada" + std::to_string(items.size()), nlohmann::json::parse(line).at("text"), {}});
  }
  for (const char* name : {"xquad.en.json", "xquad.zh.json", "cmrc2018_trial.json"}) {
    const nlohmann::json squad = nlohmann::json::parse(read_file(data / "qa" / name));
    for (const nlohmann::json& article : squad.at("data")) {
      for (const nlohmann::json& paragraph : article.at("paragraphs")) {
        for (const nlohmann::json& qa : paragraph.at("qas")) {
          EvalItem item{name + std::to_string(items.size()), qa.at("question"), {}};
          for (const nlohmann::json& answer : qa.at("answers")) {
            item.answers.push_back(answer.at("text"));
          }
          items.push_back(std::move(item));
        }
      }
    }
  }
  return items;
}

std::vector<CanaryHost> real_hosts(const fs::path& data) {
  std::vector<CanaryHost> hosts;
  std::istringstream web(read_file(data / "text" / "c4_demo.jsonl"));
  for (std::string line; std::getline(web, line);) {
    hosts.push_back({"c4-" + std::to_string(hosts.size()), nlohmann::json::parse(line).at("text")});
  }
  std::string zh;
  std::istringstream pairs(unpacked(data / "text" / "classical-modern-zh.jsonl.zst"));
  for (std::string line; hosts.size() < 600 && std::getline(pairs, line);) {
    zh += nlohmann::json::parse(line).at("modern").get<std::string>();
    if (zh.size() > 3000) {
      hosts.push_back({"zh-" + std::to_string(hosts.size()), std::move(zh)});
      zh.clear();
    }
  }
  return hosts;
}

TEST(DecontaminateData, CanariesOfRealSetsInRealTexts) {
  const char* data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const EvalIndex index(real_items(data), {});
  const std::vector<CanaryHost> hosts = real_hosts(data);
  EvalIndex::Scratch scratch;
  EvalIndex::Found found;
  std::vector<uint64_t> counts(index.num_seeds());
  size_t bytes = 0;
  const std::clock_t start = std::clock();
  for (const CanaryHost& host : hosts) {
    index.find(host.text, scratch, found);
    bytes += host.text.size();
    for (const uint32_t seed : found.seeds) {
      ++counts[seed];
    }
  }
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  const ItemWeights weights(index, counts, hosts.size());
  const auto flagging = [&](const std::string& text) {
    std::set<uint32_t> items;
    index.find(text, scratch, found);
    for (const ItemMatch& match : found.matches) {
      if (weights.flags(match)) {
        items.insert(match.item);
      }
    }
    return items;
  };
  std::map<std::string, std::pair<size_t, size_t>> kinds;
  CanaryScore score;
  for (const Canary& canary : make_canaries(index, hosts, 2000, 1)) {
    const std::set<uint32_t> of_host = flagging(hosts[canary.host].text);
    bool hit = false;
    for (const uint32_t item : flagging(canary.text)) {
      hit = hit || !of_host.contains(item);
    }
    auto& [count, hits] = kinds[std::string(name_of(canary.kind)) + (canary.is_long ? " long" : " short")];
    ++count;
    hits += hit;
    (is_control(canary.kind) ? score.controls : score.planted) += 1;
    (is_control(canary.kind) ? score.false_alarms : score.found) += hit;
  }
  for (const auto& [kind, counted] : kinds) {
    std::printf("%-16s %zu of %zu\n", kind.c_str(), counted.second, counted.first);
  }
  size_t hosts_flagged = 0;
  for (const CanaryHost& host : hosts) {
    hosts_flagged += !flagging(host.text).empty();
  }
  std::printf("recall %.4f precision %.4f; %zu items, %zu too short; %zu of %zu texts flagged; %.1f MB/s\n", score.recall(),
              score.precision(), index.items().size(), index.num_too_short(), hosts_flagged, hosts.size(),
              static_cast<double>(bytes) / seconds / 1e6);
  EXPECT_GE(score.recall(), 0.95);
  EXPECT_GE(score.precision(), 0.9);
  EXPECT_GT(score.planted, 2000u);
}

}  // namespace
}  // namespace athanor
