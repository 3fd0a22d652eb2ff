#include "athanor/train/loading/masked_rows.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "athanor/base/error.h"
#include "athanor/train/testing.h"

namespace athanor {
namespace {

using namespace testing_train;

constexpr int32_t kVocabulary = 1000;
enum Special : int32_t { kPadding, kBegin, kSeparator, kMask, kFirstWord };

MaskedVocabulary vocabulary() {
  MaskedVocabulary v;
  v.vocab_size = kVocabulary;
  v.begin = kBegin;
  v.separator = kSeparator;
  v.mask = kMask;
  v.padding = kPadding;
  v.special.assign(kVocabulary, false);
  v.continues.assign(kVocabulary, false);
  for (int32_t id = 0; id < kFirstWord; ++id) {
    v.special[static_cast<size_t>(id)] = true;
  }
  for (int32_t id = 500; id < kVocabulary; ++id) {
    v.continues[static_cast<size_t>(id)] = true;
  }
  return v;
}

// Words of one token and of three (the last two go on with the first).
std::vector<std::vector<int32_t>> some_documents(size_t count, size_t words, uint64_t seed) {
  Rng rng(seed);
  std::vector<std::vector<int32_t>> documents(count);
  for (auto& document : documents) {
    const size_t length = 1 + rng.below(words);
    for (size_t i = 0; i < length; ++i) {
      document.push_back(static_cast<int32_t>(kFirstWord + rng.below(490)));
      if (rng.below(3) == 0) {
        document.push_back(static_cast<int32_t>(500 + rng.below(500)));
        document.push_back(static_cast<int32_t>(500 + rng.below(500)));
      }
    }
  }
  return documents;
}

struct Counts {
  double text = 0, chosen = 0, masked = 0, same = 0, drawn = 0;
};

Counts count(const MaskedBatch& batch) {
  Counts counts;
  const auto* tokens = batch.tokens_BT.const_data_ptr<int64_t>();
  const auto* targets = batch.targets_BT.const_data_ptr<int64_t>();
  for (int64_t i = 0; i < batch.tokens_BT.numel(); ++i) {
    counts.text += tokens[i] >= kFirstWord || tokens[i] == kMask ? 1 : 0;
    if (targets[i] >= 0) {
      EXPECT_GE(targets[i], kFirstWord) << "a special token was chosen";
      EXPECT_TRUE(tokens[i] == kMask || tokens[i] >= kFirstWord) << "a special token was drawn";
      ++counts.chosen;
      counts.masked += tokens[i] == kMask ? 1 : 0;
      counts.same += tokens[i] == targets[i] ? 1 : 0;
      counts.drawn += tokens[i] != kMask && tokens[i] != targets[i] ? 1 : 0;
    } else {
      EXPECT_NE(tokens[i], kMask);
    }
  }
  return counts;
}

TEST(MaskedRows, HidesTheSharesOfThePaper) {
  const TemporaryFolder folder;
  const TokenSet set = make_token_set(folder.path() / "t", some_documents(400, 200, 1), kVocabulary, false);
  for (const bool whole : {false, true}) {
    const MaskedRows rows(set, vocabulary(), {.sequence_length = 128, .whole_words = whole});
    const Counts counts = count(rows.batch(0, static_cast<int64_t>(rows.num_rows())));
    ASSERT_GT(counts.text, 30000);
    EXPECT_NEAR(counts.chosen / counts.text, 0.15, 0.01);
    EXPECT_NEAR(counts.masked / counts.chosen, 0.8, 0.02);
    EXPECT_NEAR(counts.same / counts.chosen, 0.1, 0.02);
    EXPECT_NEAR(counts.drawn / counts.chosen, 0.1, 0.02);
  }
}

TEST(MaskedRows, WholeWordsAreHiddenWhole) {
  const TemporaryFolder folder;
  const TokenSet set = make_token_set(folder.path() / "t", some_documents(100, 60, 2), kVocabulary, false);
  const MaskedRows rows(set, vocabulary(), {.sequence_length = 64, .whole_words = true});
  const MaskedBatch batch = rows.batch(0, static_cast<int64_t>(rows.num_rows()));
  const auto* tokens = batch.tokens_BT.const_data_ptr<int64_t>();
  const auto* targets = batch.targets_BT.const_data_ptr<int64_t>();
  int64_t inside = 0;
  for (int64_t i = 1; i < batch.tokens_BT.numel(); ++i) {
    const int64_t original = targets[i] >= 0 ? targets[i] : tokens[i];
    const int64_t before = targets[i - 1] >= 0 ? targets[i - 1] : tokens[i - 1];
    if (original >= 500 && before >= kFirstWord && i % 64 != 0) {
      ++inside;
      EXPECT_EQ(targets[i] >= 0, targets[i - 1] >= 0) << i;
    }
  }
  EXPECT_GT(inside, 1000);
}

TEST(MaskedRows, EveryTokenIsReadOnceAnEpochAndHiddenAnewInEach) {
  const TemporaryFolder folder;
  const auto documents = some_documents(200, 100, 3);
  const TokenSet set = make_token_set(folder.path() / "t", documents, kVocabulary, false);
  const MaskedRows rows(set, vocabulary(), {.sequence_length = 64});
  std::map<int64_t, int64_t> wanted;
  for (const auto& document : documents) {
    for (const int32_t id : document) {
      ++wanted[id];
    }
  }
  std::vector<at::Tensor> targets;
  for (uint64_t epoch = 0; epoch < 2; ++epoch) {
    const auto count = static_cast<int64_t>(rows.num_rows());
    const MaskedBatch batch = rows.batch(epoch * rows.num_rows(), count);
    std::map<int64_t, int64_t> seen;
    for (int64_t i = 0; i < batch.tokens_BT.numel(); ++i) {
      const int64_t target = batch.targets_BT.const_data_ptr<int64_t>()[i];
      const int64_t token = target >= 0 ? target : batch.tokens_BT.const_data_ptr<int64_t>()[i];
      if (token >= kFirstWord) {
        ++seen[token];
      }
    }
    EXPECT_EQ(seen, wanted);
    // A part of it asked alone is the same.
    EXPECT_TRUE(rows.batch(epoch * rows.num_rows() + 3, 2).tokens_BT.equal(batch.tokens_BT.narrow(0, 3, 2)));
    targets.push_back(batch.targets_BT);
  }
  EXPECT_FALSE(targets[0].equal(targets[1]));
}

TEST(MaskedRows, PairsHalfOfWhichFollow) {
  const TemporaryFolder folder;
  // Document d holds only tokens of d's own range, so that a row tells where its halves came from.
  std::vector<std::vector<int32_t>> documents;
  for (int32_t d = 0; d < 40; ++d) {
    documents.emplace_back(150, kFirstWord + d);
  }
  const TokenSet set = make_token_set(folder.path() / "t", documents, kVocabulary);
  const MaskedRows rows(set, vocabulary(), {.sequence_length = 32, .share = 0, .next_sentence = true});
  const int64_t count = 600;
  const MaskedBatch batch = rows.batch(0, count);
  int64_t follows = 0;
  for (int64_t b = 0; b < count; ++b) {
    const auto* tokens = batch.tokens_BT.const_data_ptr<int64_t>() + b * 32;
    const auto* types = batch.types_BT.const_data_ptr<int64_t>() + b * 32;
    const int64_t length = batch.length_B.const_data_ptr<int64_t>()[b];
    EXPECT_EQ(tokens[0], kBegin);
    EXPECT_EQ(tokens[length - 1], kSeparator);
    std::set<int64_t> sides[2];
    for (int64_t t = 1; t < length; ++t) {
      if (tokens[t] >= kFirstWord) {
        sides[types[t]].insert(tokens[t]);
      }
    }
    for (int64_t t = length; t < 32; ++t) {
      EXPECT_EQ(tokens[t], kPadding);
    }
    ASSERT_EQ(sides[0].size(), 1u);
    ASSERT_EQ(sides[1].size(), 1u);
    const int64_t label = batch.follows_B.const_data_ptr<int64_t>()[b];
    EXPECT_EQ(label == 0, sides[0] == sides[1]);
    follows += label == 0 ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(follows) / count, 0.5, 0.08);
}

TEST(MaskedRows, BadInput) {
  const TemporaryFolder folder;
  const TokenSet set = make_token_set(folder.path() / "t", {{5, 6, 7}}, kVocabulary);
  MaskedVocabulary without = vocabulary();
  without.mask = -1;
  EXPECT_THROW(MaskedRows(set, without, {.sequence_length = 32}), Error);
  EXPECT_THROW(MaskedRows(set, vocabulary(), {.sequence_length = 4}), Error);
  EXPECT_THROW(MaskedRows(set, vocabulary(), {.sequence_length = 32, .next_sentence = true}), Error) << "three tokens are no pair";
  EXPECT_NO_THROW(MaskedRows(set, vocabulary(), {.sequence_length = 32}));
}

}  // namespace
}  // namespace athanor
