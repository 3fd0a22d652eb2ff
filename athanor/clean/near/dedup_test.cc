// Deduplication: rules on small cases, properties, and recall and precision on the planted pairs.
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/base/rng.h"
#include "athanor/clean/near/dedup.h"

namespace athanor {
namespace {

struct Doc {
  std::string id, text;
};

// As the tests look at it: clusters by their smallest row.
struct Result {
  std::vector<int64_t> cluster;
  std::vector<bool> keep;
  uint64_t exact_duplicates, near_duplicates, candidates;
};

Result seen(const Duplicates& found) {
  Result result{{}, {}, found.counts[1], found.counts[2], found.compared};
  std::map<uint32_t, int64_t> smallest;
  for (size_t row = 0; row < found.keeper.size(); ++row) {
    result.cluster.push_back(smallest.try_emplace(found.keeper[row], static_cast<int64_t>(row)).first->second);
    result.keep.push_back(found.keep(row));
  }
  return result;
}

Result dedup(const std::vector<Doc>& docs, DedupOptions options = {}, int threads = 2) {
  ThreadPool pool(threads);
  Deduper deduper(std::move(options), pool);
  for (const Doc& doc : docs) {
    deduper.add({doc.id, doc.text});
  }
  return seen(deduper.finish());
}

std::set<std::string> kept_ids(const std::vector<Doc>& docs, const Result& result) {
  std::set<std::string> ids;
  for (size_t i = 0; i < docs.size(); ++i) {
    if (result.keep[i]) {
      ids.insert(docs[i].id);
    }
  }
  return ids;
}

std::string words(uint64_t seed, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += 'w';
    text += static_cast<char>('a' + random_at(seed, i) % 26);
    text += static_cast<char>('a' + random_at(seed, i, 1) % 26);
    text += ' ';
  }
  return text;
}

TEST(Dedup, ExactIgnoresCaseAndWhiteSpaceOnly) {
  const std::vector<Doc> docs = {{"b", "Hello  World"}, {"a", "hello world"}, {"c", "hello, world"},
                                 {"d", "\u00C9T\u00C9"},  {"e", " \u00E9t\u00E9\n"}, {"f", "ete"}};
  const Result result = dedup(docs, {.method = "exact"});
  EXPECT_EQ(result.cluster, (std::vector<int64_t>{0, 0, 2, 3, 3, 5}));
  EXPECT_EQ(result.keep, (std::vector<bool>{true, false, true, false, true, true}));  // the longer in bytes
  EXPECT_EQ(result.exact_duplicates, 2u);
  EXPECT_EQ(result.near_duplicates, 0u);
}

TEST(Dedup, KeeperIsTheLongestThenTheFirstId) {
  const std::string text = words(1, 200);
  const std::vector<Doc> docs = {{"c", text + "x"}, {"b", text + "yz"}, {"a", text + "zz"}, {"0", text}};
  const Result result = dedup(docs);
  EXPECT_EQ(result.cluster, (std::vector<int64_t>{0, 0, 0, 0}));
  EXPECT_EQ(kept_ids(docs, result), (std::set<std::string>{"a"}));
  EXPECT_EQ(result.near_duplicates, 3u);
}

TEST(Dedup, NormalisedAsPublished) {
  const std::string text = words(3, 100);
  const std::vector<Doc> docs = {{"a", text + "pi is 3.14, na\u00EFve caf\u00E9!"},
                                 {"b", text + "Pi is 2; naive cafe..."},
                                 {"c", words(4, 100)}};
  const Result result = dedup(docs, {.threshold = 1.0, .compare = "published"});
  EXPECT_EQ(dedup(docs, {.threshold = 1.0}).near_duplicates, 0u);
  EXPECT_EQ(result.cluster, (std::vector<int64_t>{0, 0, 2}));
}

TEST(Dedup, ThresholdIsOfTrueJaccard) {
  // 24 words in 20 shingles; the last word changed touches one shingle: Jaccard 19/21 = 0.905.
  const std::string text = words(7, 24);
  const std::vector<Doc> docs = {{"a", text + "one"}, {"b", text + "two"}};
  EXPECT_EQ(dedup(docs, {.bands = 50, .rows = 2, .threshold = 0.90}).near_duplicates, 1u);
  EXPECT_EQ(dedup(docs, {.bands = 50, .rows = 2, .threshold = 0.91}).near_duplicates, 0u);
  EXPECT_GE(dedup(docs, {.bands = 50, .rows = 2, .threshold = 0.91}).candidates, 1u);
}

TEST(Dedup, EmptyAndShortTexts) {
  const std::vector<Doc> docs = {{"a", ""}, {"b", " \n"}, {"c", "!!!"}, {"d", "?"}, {"e", "ok"},
                                 {"f", "OK."}, {"g", "no"}, {"h", "\xff\xfe"}, {"i", "\xE4\xB8"}};
  const Result result = dedup(docs);
  EXPECT_EQ(result.cluster, (std::vector<int64_t>{0, 0, 2, 3, 4, 4, 6, 7, 8}));
  EXPECT_TRUE(dedup({}).cluster.empty());
  EXPECT_EQ(dedup({{"a", ""}}).keep, std::vector<bool>{true});
}

TEST(Dedup, ChineseByCharacters) {
  const std::string text =
      "\u6625\u7720\u4E0D\u89C9\u6653\u5904\u5904\u95FB\u557C\u9E1F\u591C\u6765\u98CE\u96E8\u58F0\u82B1\u843D\u77E5"
      "\u591A\u5C11\u767D\u65E5\u4F9D\u5C71\u5C3D\u9EC4\u6CB3\u5165\u6D77\u6D41\u6B32\u7A77\u5343\u91CC\u76EE\u66F4"
      "\u4E0A\u4E00\u5C42\u697C";
  const std::vector<Doc> docs = {{"a", text + "\u3002"},
                                 {"b", "\u300A" + text + "\u300B"},        // other punctuation
                                 {"c", text + "\u597D"},                   // one more character: 36 / 37
                                 {"d", "\u5E8A\u524D\u660E\u6708\u5149\u7591\u662F\u5730\u4E0A\u971C"}};
  const Result result = dedup(docs, {.compare = "published"});
  EXPECT_EQ(result.cluster, (std::vector<int64_t>{0, 0, 0, 3}));
  EXPECT_EQ(dedup(docs, {.threshold = 0.93}).cluster, (std::vector<int64_t>{0, 1, 0, 3}));  // plain: marks count
}

TEST(Dedup, ABucketAboveTheLimitIsStillJoined) {
  // 2,500 different texts (case aside, spaces aside) with one shingle set: every band is one bucket.
  std::vector<Doc> docs;
  for (size_t i = 0; i < 2500; ++i) {
    std::string marks;
    for (size_t bit = 0; bit < 12; ++bit) {
      marks += (i >> bit) & 1 ? '!' : '?';
    }
    docs.push_back({std::to_string(i), words(5, 40) + marks});
  }
  const Result result = dedup(docs);
  EXPECT_EQ(result.exact_duplicates, 0u);
  EXPECT_EQ(result.near_duplicates, 2499u);
  EXPECT_LT(result.candidates, 2500u * 64 * 14 + 1);
  EXPECT_EQ(std::count(result.keep.begin(), result.keep.end(), true), 1);
}

TEST(Dedup, BadOptions) {
  ThreadPool pool(1);
  const auto kind = [&](DedupOptions options) {
    try {
      Deduper deduper(std::move(options), pool);
    } catch (const Error& error) {
      return error.message() + " | " + error.hint();
    }
    return std::string();
  };
  EXPECT_EQ(kind({.method = "minhsh"}), "method is 'minhsh' | did you mean 'minhash'?");
  EXPECT_NE(kind({.bands = 0}), "");
  EXPECT_NE(kind({.bands = 1 << 20, .rows = 1 << 20}), "");
  EXPECT_NE(kind({.ngram = 0}), "");
  EXPECT_NE(kind({.threshold = 1.5}), "");
  EXPECT_EQ(kind({}), "");
}

TEST(Dedup, AMissingScratchFolderIsSaid) {
  try {
    dedup({{"a", words(1, 100)}}, {.memory_bytes = 0, .scratch = "/nowhere/at/all"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_EQ(error.where(), "/nowhere/at/all");
  }
}

// Families of edited texts, so that clusters of several sizes come about.
std::vector<Doc> families(uint64_t seed, size_t count) {
  std::vector<Doc> docs;
  for (size_t family = 0; docs.size() < count; ++family) {
    const std::string base = words(random_at(seed, family), 150);
    const size_t size = 1 + random_at(seed, family, 9) % 4;
    for (size_t k = 0; k < size; ++k) {
      std::string text = base;
      for (size_t edit = 0; edit < k * 2; ++edit) {
        text[random_at(seed, family, k, edit) % text.size()] = 'q';
      }
      docs.push_back({std::to_string(mix64(docs.size())), text});
    }
  }
  return docs;
}

TEST(DedupProperty, OrderThreadsAndMemoryDoNotMatter) {
  std::vector<Doc> docs = families(11, 1500);
  const Result first = dedup(docs, {}, 1);
  EXPECT_GT(first.near_duplicates, 100u);
  const Result four = dedup(docs, {}, 4);
  const Result spilled = dedup(docs, {.memory_bytes = 1 << 16}, 2);
  for (const Result& other : {four, spilled}) {
    EXPECT_EQ(other.cluster, first.cluster);
    EXPECT_EQ(other.keep, first.keep);
    EXPECT_EQ(other.candidates, first.candidates);
  }
  const std::set<std::string> kept = kept_ids(docs, first);
  for (uint64_t key = 1; key <= 3; ++key) {
    std::vector<Doc> shuffled;
    for (size_t i = 0; i < docs.size(); ++i) {
      shuffled.push_back(docs[permute(i, docs.size(), key)]);
    }
    const Result other = dedup(shuffled);
    EXPECT_EQ(kept_ids(shuffled, other), kept);
    EXPECT_EQ(other.exact_duplicates, first.exact_duplicates);
    EXPECT_EQ(other.near_duplicates, first.near_duplicates);
    EXPECT_EQ(other.candidates, first.candidates);
  }
}

TEST(DedupProperty, ASecondPassDropsNothing) {
  const std::vector<Doc> docs = families(12, 800);
  const Result first = dedup(docs);
  std::vector<Doc> rest;
  for (size_t i = 0; i < docs.size(); ++i) {
    EXPECT_LE(first.cluster[i], static_cast<int64_t>(i));
    EXPECT_EQ(first.cluster[static_cast<size_t>(first.cluster[i])], first.cluster[i]);
    if (first.keep[i]) {
      rest.push_back(docs[i]);
    }
  }
  const Result second = dedup(rest);
  EXPECT_EQ(kept_ids(rest, second).size(), rest.size());
}

std::string read_zst(const fs::path& path) {
  const std::string packed = read_file(path);
  std::string out(64 << 20, '\0');
  const size_t size = ZSTD_decompress(out.data(), out.size(), packed.data(), packed.size());
  EXPECT_FALSE(ZSTD_isError(size));
  out.resize(ZSTD_isError(size) ? 0 : size);
  return out;
}

std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> rows;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    rows.push_back(nlohmann::json::parse(line));
  }
  return rows;
}

struct GoldCount {
  size_t pairs = 0, gold = 0, found_gold = 0, joined = 0, joined_alike = 0;
};

// folder: docs.jsonl(.zst) and pairs.jsonl as tests' make_near_dupes.py writes them.
std::map<std::string, GoldCount> count_pairs(const fs::path& folder, const DedupOptions& options) {
  std::vector<Doc> docs;
  size_t bytes = 0;
  const bool packed = fs::exists(folder / "docs.jsonl.zst");
  for (const nlohmann::json& row :
       json_lines(packed ? read_zst(folder / "docs.jsonl.zst") : read_file(folder / "docs.jsonl"))) {
    docs.push_back({std::to_string(row.at("id").get<int64_t>()), row.at("text")});
    bytes += docs.back().text.size();
  }
  const auto start = std::chrono::steady_clock::now();
  const Result result = dedup(docs, options, 1);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  std::map<std::string, GoldCount> kinds;
  GoldCount& all = kinds["all"];
  for (const nlohmann::json& pair : json_lines(read_file(folder / "pairs.jsonl"))) {
    const bool gold = pair.at("jaccard5").get<double>() >= 0.8;
    const bool same = result.cluster[pair.at("a").get<size_t>()] == result.cluster[pair.at("b").get<size_t>()];
    const bool alike = gold || pair.at("kind") == "no_punct";
    for (GoldCount* count : {&kinds[pair.at("kind")], &all}) {
      ++count->pairs;
      count->gold += gold;
      count->found_gold += gold && same;
      count->joined += same;
      count->joined_alike += same && alike;
    }
  }
  for (const auto& [kind, count] : kinds) {
    std::printf("%-13s pairs %4zu  gold %4zu  found %4zu  joined %4zu\n", kind.c_str(), count.pairs, count.gold,
                count.found_gold, count.joined);
  }
  const auto share = [](size_t part, size_t of) { return static_cast<double>(part) / static_cast<double>(of); };
  std::printf("%s: recall %.4f (%zu of %zu)  precision %.4f (%zu of %zu), with no_punct as duplicates %.4f  exact %llu "
              "near %llu compared %llu  %.1f MB/s\n", options.compare.c_str(), share(all.found_gold, all.gold),
              all.found_gold, all.gold, share(all.found_gold, all.joined), all.found_gold, all.joined,
              share(all.joined_alike, all.joined), static_cast<unsigned long long>(result.exact_duplicates),
              static_cast<unsigned long long>(result.near_duplicates),
              static_cast<unsigned long long>(result.candidates), static_cast<double>(bytes) / seconds / 1e6);
  return kinds;
}

void expect_negatives_apart(const std::map<std::string, GoldCount>& kinds) {
  EXPECT_EQ(kinds.at("exact").joined, kinds.at("exact").pairs);
  EXPECT_EQ(kinds.at("case_ws").found_gold, kinds.at("case_ws").gold);
  EXPECT_EQ(kinds.at("neg_random").joined, 0u);
  EXPECT_EQ(kinds.at("neg_adjacent").joined, kinds.at("neg_adjacent").found_gold);
}

// The gold pairs' jaccard5 is over \w+ words (en) or non-space characters (zh) as they stand. compare: plain is that
// definition; published drops accents, numbers and Chinese punctuation first, so it differs a little around the
// threshold, and finds the pairs of no_punct, which are the same text without its punctuation, alike.
TEST(DedupData, RecallAndPrecisionOnPlantedPairs) {
  const char* data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const char* held_out = std::getenv("ATHANOR_HELD_OUT");  // another folder of make_near_dupes.py
  const fs::path folder = held_out != nullptr ? fs::path(held_out) : fs::path(data) / "dedup";
  const auto plain = count_pairs(folder, {});
  expect_negatives_apart(plain);
  const GoldCount& all = plain.at("all");
  EXPECT_GE(static_cast<double>(all.found_gold), 0.95 * static_cast<double>(all.gold));
  EXPECT_GE(static_cast<double>(all.found_gold), 0.99 * static_cast<double>(all.joined));
  const auto one_set = count_pairs(folder, {.band_sets = 1});
  EXPECT_LT(one_set.at("all").found_gold, all.found_gold);  // what the second set of bands is for
  const auto published = count_pairs(folder, {.compare = "published"});
  expect_negatives_apart(published);
  EXPECT_GE(static_cast<double>(published.at("all").found_gold), 0.95 * static_cast<double>(all.gold));
  EXPECT_GE(static_cast<double>(published.at("all").joined_alike), 0.98 * static_cast<double>(published.at("all").joined));
}

}  // namespace
}  // namespace athanor
