// describe: exact where it says so, within its bounds elsewhere, the same on any number of threads; the card's form.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdlib>
#include <map>
#include <random>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/words.h"
#include "athanor/stage/data_card.h"
#include "athanor/stage/describe_page.h"
#include "athanor/stage/describe_parts.h"
#include "athanor/stage/describe_pass.h"

namespace athanor {
namespace {

TEST(DescribeText, Scripts) {
  TextDescriber describer;
  EXPECT_STREQ(describer.add("Plain English, 123.").script, "Latin");
  EXPECT_STREQ(describer.add("Größe und Übermut, été").script, "Latin");
  EXPECT_STREQ(describer.add("Привет, мир! ok").script, "Cyrillic");
  EXPECT_STREQ(describer.add("炼丹炉里 never").script, "Latin") << "letters are counted, not words";
  EXPECT_STREQ(describer.add("炼丹炉里的火从来不灭 ok").script, "Han");
  EXPECT_STREQ(describer.add("吾輩は猫である。名前はまだ無い。").script, "Kana");
  EXPECT_STREQ(describer.add("안녕하세요 세계").script, "Hangul");
  EXPECT_STREQ(describer.add("... 12 !?").script, "none");
  EXPECT_STREQ(describer.add("").script, "none");
}

TEST(DescribeText, CountsWordsCharactersLines) {
  TextDescriber describer;
  const TextFacts facts = describer.add("Don't stop -- it's 3,141.5 炼丹!\nNext line.");
  EXPECT_EQ(facts.words, 10u) << "Do n't, it 's: as clean/words.h counts";
  EXPECT_EQ(facts.lines, 2u);
  EXPECT_EQ(facts.characters, count_code_points("Don't stop -- it's 3,141.5 炼丹!\nNext line."));
}

using Counts = std::map<std::string, uint64_t>;

Counts top_of(const NgramCounters& counters, NgramKind kind, size_t length) {
  Counts counts;
  for (const auto& item : counters[kind][length - 1].top(10'000)) {
    counts[item.text] = item.count;
  }
  return counts;
}

TEST(DescribeText, NgramsOfWords) {
  TextDescriber describer;
  describer.add("The fire burns. The  FIRE\nburns, the fire");
  describer.add("fire");
  NgramCounters counters = make_ngram_counters();
  describer.flush(counters);
  EXPECT_EQ(top_of(counters, kWordNgrams, 1), (Counts{{"the", 3}, {"fire", 4}, {"burns", 2}}));
  EXPECT_EQ(top_of(counters, kWordNgrams, 2), (Counts{{"the fire", 3}, {"fire burns", 2}}));
  EXPECT_EQ(top_of(counters, kWordNgrams, 3), (Counts{{"the fire burns", 2}}));
  EXPECT_EQ(counters[kWordNgrams][1].error(), 0u);
}

TEST(DescribeText, NgramsOfCharactersAndMixedTexts) {
  TextDescriber describer;
  describer.add("炼丹炉，炼丹 Ça va ÇA VA 炼丹");
  NgramCounters counters = make_ngram_counters();
  describer.flush(counters);
  EXPECT_EQ(top_of(counters, kCharacterNgrams, 2), (Counts{{"炼丹", 3}, {"丹炉", 1}}));
  EXPECT_EQ(top_of(counters, kCharacterNgrams, 3), (Counts{{"炼丹炉", 1}}));
  EXPECT_EQ(top_of(counters, kWordNgrams, 2), (Counts{{"ça va", 2}, {"va ça", 1}}));
}

// More different n-grams than counters: lower bounds, with the error told.
TEST(DescribeText, CountsStayWithinTheBound) {
  std::mt19937_64 random(1);
  TextDescriber describer;
  NgramCounters counters = make_ngram_counters();
  Counts exact;
  for (int i = 0; i < 3'000; ++i) {
    std::string text;
    std::string before;
    for (int j = 0; j < 60; ++j) {
      const std::string word = "w" + std::to_string(static_cast<int>(std::pow(2.0, static_cast<double>(random() % 1300) / 100)));
      text += word + " ";
      if (j > 0) {
        ++exact[before + " " + word];
      }
      before = word;
    }
    describer.add(text);
  }
  describer.flush(counters);
  const FrequentTexts& pairs = counters[kWordNgrams][1];
  EXPECT_EQ(pairs.total(), 3'000u * 59);
  EXPECT_GT(exact.size(), size_t{1} << 15);
  EXPECT_GT(pairs.error(), 0u);
  EXPECT_LT(pairs.error(), 30u);
  for (const auto& item : pairs.top(100)) {
    EXPECT_LE(item.count, exact[item.text]) << item.text;
    EXPECT_GE(item.count + pairs.error(), exact[item.text]) << item.text;
  }
}

class Describe : public ::testing::Test {
 protected:
  Describe() : dir_(fs::temp_directory_path() / ("athanor-describe-" + std::to_string(::getpid()))) {
    fs::remove_all(dir_);
    std::mt19937_64 random(3);
    {
      DocumentWriter writer(dir_ / "base", 6'000);
      for (int i = 0; i < 400; ++i) {
        std::string text = i % 5 == 0 ? "炼丹炉里的火 " : "the fire of the furnace ";
        for (size_t j = 0; j < random() % 30; ++j) {
          text += "word" + std::to_string(random() % 50) + " ";
        }
        text = i % 50 == 49 ? "the same text" : text;  // some of them dropped
        writer.add({"", text, i % 3 == 0 ? "https://a" + std::to_string(i % 4) + ".org/p" : "f.jsonl",
                    static_cast<uint64_t>(i), 0, R"({"language":")" + std::string(i % 5 == 0 ? "zh" : "en") + R"(","i":)" +
                                                     std::to_string(i) + "}"});
      }
      writer.finish();
    }
    const Documents base = Documents::open(dir_ / "base");
    std::vector<std::string> why(400), cluster(400);
    std::vector<double> score(400);
    std::vector<bool> keep(400, true);
    for (size_t i = 0; i < 400; ++i) {
      score[i] = i % 10 == 0 ? std::nan("") : static_cast<double>(i);
      keep[i] = i % 8 != 7;
      why[i] = keep[i] ? "" : "length: too_short";
      cluster[i] = "c" + std::to_string(i / 2);
    }
    const std::vector<Column> columns{{"score", score}, {"dropped_by", why}, {"cluster_id", cluster}};
    write_filtered(dir_ / "out", base, keep, columns);
  }
  ~Describe() override { fs::remove_all(dir_); }

  nlohmann::json describe(int threads, const std::string& by = "", uint64_t processes = 1) const {
    ThreadPool pool(threads);
    const Documents documents = Documents::open(dir_ / "out");
    fs::remove_all(dir_ / "parts");
    for (uint64_t i = 0; i < processes; ++i) {
      const PartJournal journal(dir_ / "parts", {i, processes});
      describe_shards(documents, {by, 3, 1}, pool, journal, {i, processes}, [](double) {});
    }
    Statistics all = gather_statistics(documents, {by, 3, 1}, PartJournal(dir_ / "parts"));
    auto json = to_json(all, {group_name(documents, by), 20});
    json["name"] = "a | test";
    return json;
  }

  fs::path dir_;
};

TEST_F(Describe, TheSameOnAnyNumberOfThreads) {
  EXPECT_GT(Documents::open(dir_ / "out").num_shards(), 3u);
  const std::string one = describe(1).dump();
  EXPECT_EQ(describe(2).dump(), one);
  EXPECT_EQ(describe(5).dump(), one);
  EXPECT_EQ(describe(2, "", 3).dump(), one);
}

TEST_F(Describe, ADamagedPartIsSaid) {
  describe(1);
  const fs::path path = dir_ / "parts/shard-000001/statistics.bin";
  const std::string good = read_file(path);
  for (size_t size = 0; size < good.size(); size += 1 + good.size() / 200) {
    write_file_atomic(path, good.substr(0, size));
    EXPECT_THROW(load_statistics(path), Error) << size;
  }
  write_file_atomic(path, good + "x");
  EXPECT_THROW(load_statistics(path), Error);
  Rng rng(5);
  for (int round = 0; round < 200; ++round) {  // other bytes are other numbers, or an Error
    std::string bytes = good;
    bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
    write_file_atomic(path, bytes);
    try {
      load_statistics(path);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
    }
  }
  fs::remove_all(path.parent_path());
  const Documents documents = Documents::open(dir_ / "out");
  EXPECT_THROW(gather_statistics(documents, {"", 3, 1}, PartJournal(dir_ / "parts")), Error);
}

TEST_F(Describe, CountsEverything) {
  const auto all = describe(2);
  EXPECT_EQ(all["documents"], 350);
  EXPECT_EQ(all["dropped_documents"], 50);
  EXPECT_EQ(all["group_by"], "meta.language");
  EXPECT_EQ(all["groups"][0]["name"], "en");
  EXPECT_EQ(all["groups"][0]["documents"].get<int>() + all["groups"][1]["documents"].get<int>(), 350);
  EXPECT_EQ(all["scripts"]["Han"].get<int>() + all["scripts"]["Latin"].get<int>(), 350);
  EXPECT_EQ(all["columns"]["score"]["count"].get<int>() + all["columns"]["score"]["missing"].get<int>(), 350);
  EXPECT_EQ(all["columns"]["dropped_by"]["values"], (nlohmann::json{{"length: too_short", 50}}));
  EXPECT_EQ(all["meta"]["language"]["documents"], 350);
  EXPECT_TRUE(all["meta"]["i"]["values"].is_string()) << "too many values to list";
  EXPECT_EQ(all["dropped"][0]["reason"], "length: too_short");
  EXPECT_EQ(all["dropped"][0]["samples"].size(), 3u);
  EXPECT_EQ(all["samples"].size(), 3u);
  EXPECT_EQ(all["duplicates"]["clusters"]["different"], 200);
  EXPECT_EQ(all["duplicates"]["clusters"]["largest"], 2);
  EXPECT_GE(all["duplicates"]["equal_texts"]["largest"].get<int>(), 4);
  EXPECT_EQ(all["hosts"]["by_documents"].size(), 4u);
  EXPECT_EQ(all["sources"]["by_documents"][0]["name"], "f.jsonl");
  EXPECT_EQ(all["ngrams"]["words"]["2"]["top"][0]["text"], "fire of") << "ties by text";
  EXPECT_EQ(describe(1, "script")["group_by"], "script");
  EXPECT_THROW(describe(1, "nothing"), Error);
}

TEST_F(Describe, PageAndCard) {
  auto all = describe(1);
  all["steps"] = {{{"run", "collect-1"}, {"verb", "collect"}, {"documents", 400}},
                  {{"run", "dedup-1"}, {"verb", "dedup"}, {"documents", 350}}};
  const std::string page = render_html(describe_page(all));
  for (const char* title : {"Lengths", "Languages", "Sources", "Columns and fields", "Duplicates", "What was dropped",
                            "Samples of what is kept"}) {
    EXPECT_NE(page.find(title), std::string::npos) << title;
  }
  const std::string card = data_card({"a \"test\" | 炼丹", "", "cc-by-4.0", {}}, all);
  EXPECT_TRUE(card.starts_with("---\nlanguage:\n- \"en\"\n- \"zh\"\nlicense: \"cc-by-4.0\"\n"
                               "pretty_name: \"a \\\"test\\\" | 炼丹\"\nsize_categories:\n- n<1K\n")) << card;
  EXPECT_NE(card.find("`dedup-1` (dedup)"), std::string::npos);
  EXPECT_EQ(card.find("Near duplicates were not looked for"), std::string::npos);
  EXPECT_NE(card.find("not held against evaluation sets"), std::string::npos);
}

TEST(DescribePage, AnEmptySetHasAPage) {
  Statistics none;
  auto all = to_json(none, {"script", 10});
  all["name"] = "none";
  EXPECT_FALSE(render_html(describe_page(all)).empty());
  EXPECT_FALSE(data_card({"none", "", "", {}}, all).empty());
}

TEST(DataCard, SizesAsTheHubSpellsThem) {
  EXPECT_EQ(size_category(0), "n<1K");
  EXPECT_EQ(size_category(1'000), "1K<n<10K");
  EXPECT_EQ(size_category(999'999), "100K<n<1M");
  EXPECT_EQ(size_category(1'000'000'000'000ULL), "n>1T");
}

// build/stage_tests --gtest_also_run_disabled_tests --gtest_filter='*Speed*': MB/s of one core on English text.
TEST(DescribeSpeed, DISABLED_English) {
  const char* data = std::getenv("ATHANOR_TEXT");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_TEXT names no file";
  }
  const std::string text = read_file(data);
  std::vector<std::string> documents;
  for (size_t at = 0; at < text.size(); at += 4'000) {
    documents.push_back(repair_utf8(std::string_view(text).substr(at, 4'000)));
  }
  for (int round = 0; round < 5; ++round) {
    TextDescriber describer;
    NgramCounters counters = make_ngram_counters();
    const auto begin = std::chrono::steady_clock::now();
    for (const std::string& document : documents) {
      describer.add(document);
      if (describer.full()) {
        describer.flush(counters);
      }
    }
    describer.flush(counters);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    std::printf("%.1f MB/s\n", static_cast<double>(text.size()) / seconds / 1e6);
  }
}

}  // namespace
}  // namespace athanor
