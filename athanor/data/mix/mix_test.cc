// Mixtures: budgets met, everybody once before anybody twice, a uniform order, the same bytes however it is done.
#include "athanor/data/mix/mix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <set>

#include "athanor/base/hash.h"
#include "athanor/base/unicode.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/run/artifact.h"

namespace athanor {
namespace {

// Documents of different lengths over several shards, every seventh one dropped; with columns.
Documents make_source(const fs::path& dir, const std::string& name, size_t count, bool tokens = true) {
  {
    DocumentWriter writer(dir / (name + "-base"), 25'000);
    for (size_t i = 0; i < count; ++i) {
      std::string text = name + " " + std::to_string(i) + " ";
      for (size_t j = 0; j < i % 40; ++j) {
        text += i % 2 == 0 ? "字词" : "word ";
      }
      writer.add({"", text, name + ".jsonl", i, i + 1, R"({"n":)" + std::to_string(i) + "}"});
    }
    writer.finish();
  }
  const Documents base = Documents::open(dir / (name + "-base"));
  std::vector<bool> keep(base.num_rows());
  std::vector<int64_t> num_tokens;
  std::vector<double> scores;
  for (size_t i = 0; i < keep.size(); ++i) {
    keep[i] = i % 7 != 3;
    num_tokens.push_back(static_cast<int64_t>(i % 40 + 2));
    scores.push_back(static_cast<double>(i) / 2);
  }
  std::vector<Column> columns{{"score", scores}};
  if (tokens) {
    columns.push_back({"num_tokens", num_tokens});
  }
  write_filtered(dir / name, base, keep, columns);
  return Documents::open(dir / name);
}

struct Mixed {
  std::vector<MixShare> shares;
  std::vector<std::string> ids, mixture;
  std::vector<int64_t> copies;
  std::vector<Document> documents;
  std::string digest;
};

class Mix : public ::testing::Test {
 protected:
  Mix() : dir_(scratch("mix")) {}
  ~Mix() override { fs::remove_all(dir_); }

  Mixed mix(const MixOptions& options, int threads = 2, const std::string& state = "state", bool keep_state = false) {
    const fs::path out = dir_ / "out";
    fs::remove_all(out);
    ThreadPool pool(threads);
    const Mixer mixer({{"web", &web_}, {"books", &books_}}, options, pool);
    mixer.write(out, dir_ / state, [](double) {});
    Mixed result;
    result.shares = mixer.shares();
    const Documents documents = Documents::open(out);
    documents.for_each([&](uint64_t, Document&& document) { result.documents.push_back(std::move(document)); });
    result.ids = documents.ids();
    result.mixture = documents.string_column("mixture");
    result.copies = documents.int_column("copy");
    result.digest = write_manifest(out);
    if (!keep_state) {
      fs::remove_all(dir_ / state);
    }
    return result;
  }

  fs::path dir_;
  Documents web_ = make_source(dir_, "web", 700);
  Documents books_ = make_source(dir_, "books", 90);
};

uint64_t count_units(const Mixed& mixed, const std::string& source, MixUnit unit) {
  uint64_t units = 0;
  for (size_t i = 0; i < mixed.documents.size(); ++i) {
    if (mixed.mixture[i] == source) {
      const std::string& text = mixed.documents[i].text;
      units += unit == MixUnit::kBytes ? text.size() : unit == MixUnit::kCharacters ? count_code_points(text) : 1;
    }
  }
  return units;
}

TEST_F(Mix, EverythingOnceWithoutWeights) {
  const Mixed mixed = mix({});
  EXPECT_EQ(mixed.documents.size(), web_.num_documents() + books_.num_documents());
  EXPECT_EQ(std::set<std::string>(mixed.ids.begin(), mixed.ids.end()).size(), mixed.ids.size());
  for (const int64_t copy : mixed.copies) {
    EXPECT_EQ(copy, 0);
  }
}

TEST_F(Mix, BudgetsAreMetInEveryUnit) {
  for (const MixUnit unit : {MixUnit::kBytes, MixUnit::kCharacters, MixUnit::kDocuments}) {
    for (const double budget : {280.0, 633.0}) {
      MixOptions options;
      options.unit = unit;
      options.budgets = {{"web", budget}, {"books", budget / 2}};
      options.max_epochs = 100;
      const Mixed mixed = mix(options);
      for (const MixShare& share : mixed.shares) {
        EXPECT_EQ(share.taken, count_units(mixed, share.name, unit));
        EXPECT_LE(std::abs(static_cast<double>(share.taken) - static_cast<double>(share.budget)), 130.0)
            << "half the longest document";
        if (unit == MixUnit::kDocuments) {
          EXPECT_EQ(share.taken, share.budget);
        }
      }
    }
  }
}

TEST_F(Mix, CutMeetsCharactersExactly) {
  MixOptions options;
  options.unit = MixUnit::kCharacters;
  options.cut = true;
  options.max_epochs = 10;
  for (const double budget : {100.0, 101.0, 5'003.0, 9'999.0}) {
    options.budgets = {{"web", budget}, {"books", 77}};
    const Mixed mixed = mix(options);
    EXPECT_EQ(count_units(mixed, "web", options.unit), static_cast<uint64_t>(budget));
    EXPECT_EQ(count_units(mixed, "books", options.unit), 77u);
    EXPECT_EQ(mixed.shares[1].taken, static_cast<uint64_t>(budget));
    EXPECT_EQ(mixed.shares[0].text_bytes, count_units(mixed, "books", MixUnit::kBytes));
  }
  options.unit = MixUnit::kBytes;
  options.budgets = {{"web", 1'001}, {"books", 502}};
  const Mixed mixed = mix(options);
  EXPECT_LE(count_units(mixed, "web", options.unit), 1'001u);
  EXPECT_GE(count_units(mixed, "web", options.unit), 998u);
  EXPECT_EQ(mixed.shares[1].taken, count_units(mixed, "web", options.unit));
}

TEST_F(Mix, EverybodyOnceBeforeAnybodyTwice) {
  MixOptions options;
  options.unit = MixUnit::kDocuments;
  options.budgets = {{"books", 200}, {"web", 10}};
  const Mixed mixed = mix(options);
  std::map<std::string, std::set<int64_t>> copies;
  for (size_t i = 0; i < mixed.ids.size(); ++i) {
    if (mixed.mixture[i] == "books") {
      EXPECT_TRUE(copies[mixed.ids[i]].insert(mixed.copies[i]).second) << "a copy came twice";
    }
  }
  const size_t have = static_cast<size_t>(books_.num_documents());
  EXPECT_EQ(copies.size(), have);
  for (const auto& [id, numbers] : copies) {
    EXPECT_TRUE(numbers.size() == 200 / have || numbers.size() == 200 / have + 1);
    EXPECT_EQ(*numbers.rbegin(), static_cast<int64_t>(numbers.size()) - 1);
  }
}

TEST_F(Mix, WeightsAreSharesOfTheWhole) {
  MixOptions options;
  options.unit = MixUnit::kTokens;
  options.weights = {{"books", 3}, {"web", 7}};
  options.total = 4'000;
  const Mixed mixed = mix(options);
  EXPECT_NEAR(static_cast<double>(mixed.shares[0].taken), 1'200, 21);
  EXPECT_NEAR(static_cast<double>(mixed.shares[1].taken), 2'800, 21);
  options.total = 0;
  options.max_epochs = 2;  // books are the fewer: they come twice, and web follows
  const Mixed most = mix(options);
  EXPECT_EQ(most.shares[0].taken, 2 * most.shares[0].available);
  EXPECT_NEAR(static_cast<double>(most.shares[1].taken), static_cast<double>(most.shares[0].taken) * 7 / 3, 21);
}

TEST_F(Mix, TheSameBytesHoweverItIsDone) {
  MixOptions options;
  options.unit = MixUnit::kBytes;
  options.weights = {{"books", 1}, {"web", 1}};
  for (const bool shuffle : {true, false}) {
    options.shuffle = shuffle;
    const std::string digest = mix(options, 1).digest;
    EXPECT_EQ(mix(options, 4).digest, digest);
    MixOptions small = options;
    small.memory_bytes = 1;
    EXPECT_EQ(mix(small, 4).digest, digest);
    // What is finished stays: a start over what another left gives the same.
    EXPECT_EQ(mix(options, 2, "kept", true).digest, digest);
    for (const char* folder : {"cells", "runs"}) {
      fs::remove_all(dir_ / "kept" / folder);
    }
    EXPECT_EQ(mix(options, 3, "kept").digest, digest);
    MixOptions other = options;
    other.seed = 2;
    EXPECT_NE(mix(other).digest, digest);
  }
}

TEST_F(Mix, SharesOfSeveralProcessesGiveTheSameBytes) {
  MixOptions options;
  options.weights = {{"books", 1}, {"web", 1}};
  const auto quiet = [](double) {};
  for (const bool shuffle : {true, false}) {
    options.shuffle = shuffle;
    const std::string digest = mix(options).digest;
    ThreadPool pool(2);
    const Mixer mixer({{"web", &web_}, {"books", &books_}}, options, pool);
    const fs::path state = dir_ / (shuffle ? "cells" : "runs");
    const fs::path out = dir_ / "shared-out";
    EXPECT_EQ(error_of([&] { mixer.merge(out, state, quiet); }).kind(), ErrorKind::kInput);
    for (uint64_t i = 0; i < 3; ++i) {
      EXPECT_EQ(mixer.write_share(state, {i, 3}, quiet), !shuffle && i == 2);
    }
    mixer.merge(out, state, quiet);  // makes the cells that are not there
    EXPECT_EQ(write_manifest(out), digest);
    fs::remove_all(out);
    fs::remove_all(state / "cells");
    bool whole = false;
    for (uint64_t i = 0; i < 3; ++i) {  // a second round finds all spills
      whole = mixer.write_share(state, {i, 3}, quiet);
    }
    EXPECT_TRUE(whole);
    mixer.merge(out, state, quiet);
    EXPECT_EQ(write_manifest(out), digest);
    fs::remove_all(out);
  }
}

TEST_F(Mix, ColumnsAndDocumentsStayTogether) {
  MixOptions options;
  options.weights = {{"books", 1}, {"web", 2}};
  mix(options);
  const Documents out = Documents::open(dir_ / "out");
  EXPECT_EQ(out.column_names(), (std::vector<std::string>{"score", "num_tokens", "copy", "mixture"}));
  const auto scores = out.float_column("score");
  const auto mixture = out.string_column("mixture");
  size_t at = 0;
  out.for_each([&](uint64_t, Document&& document) {
    EXPECT_EQ(document.source, mixture[at] + ".jsonl");
    EXPECT_EQ(document.meta, R"({"n":)" + std::to_string(document.span_begin) + "}");
    EXPECT_DOUBLE_EQ(scores[at], static_cast<double>(document.span_begin) / 2);
    EXPECT_TRUE(document.text.starts_with(mixture[at] + " " + std::to_string(document.span_begin) + " "));
    ++at;
  });
  EXPECT_EQ(at, out.num_documents());
}

// Every place of the output is as likely for a document of either source: chi-square over ten stretches.
TEST_F(Mix, TheOrderIsUniform) {
  MixOptions options;
  options.unit = MixUnit::kDocuments;
  options.budgets = {{"books", 150}, {"web", 300}};
  double worst = 0;
  std::vector<double> counts(10, 0);
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    options.seed = seed;
    options.shuffle = true;
    const Mixed mixed = mix(options);
    for (size_t i = 0; i < mixed.mixture.size(); ++i) {
      counts[i * 10 / mixed.mixture.size()] += mixed.mixture[i] == "books";
    }
  }
  for (const double count : counts) {
    worst += (count - 180) * (count - 180) / 180;
  }
  EXPECT_LT(worst, 27.9);  // 9 degrees of freedom, p = 0.001; the draw is fixed by the seeds
}

TEST_F(Mix, OddRequestsAreRefused) {
  ThreadPool pool(1);
  const auto fail = [&](const MixOptions& options) {
    return error_of([&] { Mixer({{"web", &web_}, {"books", &books_}}, options, pool); });
  };
  MixOptions options;
  options.weights = {{"books", 1}, {"wep", 1}};
  EXPECT_EQ(fail(options).kind(), ErrorKind::kUsage);
  options.weights = {{"books", 1}, {"web", 1}, {"wep", 1}};
  EXPECT_NE(std::string(fail(options).message()).find("'wep', which is no input"), std::string::npos);
  EXPECT_NE(fail(options).hint().find("web"), std::string::npos);
  options.weights = {{"books", -1}, {"web", 1}};
  EXPECT_EQ(fail(options).kind(), ErrorKind::kUsage);
  options.weights = {{"books", 0}, {"web", 0}};
  EXPECT_EQ(fail(options).kind(), ErrorKind::kInput);
  options.weights = {};
  options.budgets = {{"books", 1}, {"web", 1}};  // no document is that short
  EXPECT_EQ(fail(options).kind(), ErrorKind::kInput);
  options.budgets = {{"books", 1e12}, {"web", 1}};
  const Error large = fail(options);
  EXPECT_EQ(large.kind(), ErrorKind::kInput);
  EXPECT_NE(large.message().find("max_epochs"), std::string::npos);
  const Documents plain = make_source(dir_, "plain", 20, false);
  options = {};
  options.unit = MixUnit::kTokens;
  EXPECT_NE(error_of([&] { Mixer({{"plain", &plain}}, options, pool); }).message().find("num_tokens"), std::string::npos);
}

}  // namespace
}  // namespace athanor
