#include "athanor/train/loading/packed_rows.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "athanor/base/error.h"
#include "athanor/train/loading/loader.h"
#include "athanor/train/testing.h"

namespace athanor {
namespace {

using namespace testing_train;

constexpr int32_t kVocabulary = 50000;

// Documents of drawn lengths; no token occurs twice, so that a token tells its place.
std::vector<std::vector<int32_t>> distinct_documents(size_t count, size_t longest, uint64_t seed) {
  Rng rng(seed);
  std::vector<std::vector<int32_t>> documents(count);
  int32_t id = 0;
  for (auto& document : documents) {
    const size_t length = rng.below(longest + 1);
    for (size_t i = 0; i < length; ++i) {
      document.push_back(id++);
    }
  }
  return documents;
}

struct Epoch {
  std::map<int64_t, int> targets;  // how often each token is a target
  int64_t padding = 0;
};

Epoch read_epoch(const Rows& rows, int64_t length, uint64_t epoch, int32_t end_of_text) {
  Epoch result;
  std::vector<int64_t> inputs(length), targets(length);
  std::vector<int32_t> marks(length);
  for (uint64_t i = 0; i < rows.num_rows(); ++i) {
    rows.fill(epoch * rows.num_rows() + i, {inputs.data(), targets.data(), marks.data()});
    for (int64_t t = 0; t < length; ++t) {
      if (targets[t] < 0) {
        ++result.padding;
        continue;
      }
      ++result.targets[targets[t]];
      const bool follows = t > 0 && marks[t] == marks[t - 1];
      if (follows) {
        EXPECT_EQ(inputs[t], targets[t - 1]);
      }
      if (targets[t] != end_of_text && inputs[t] != end_of_text) {
        EXPECT_EQ(targets[t], inputs[t] + 1);  // the next token of the same document
      }
    }
  }
  return result;
}

TEST(PackedRows, EveryTokenIsATargetOnceAnEpoch) {
  const TemporaryFolder folder;
  for (const bool end : {true, false}) {
    const auto documents = distinct_documents(300, 40, 3);
    size_t tokens = 0;
    for (const auto& document : documents) {
      tokens += end ? document.size() : document.size() - std::min<size_t>(1, document.size());
    }
    const TokenSet set = make_token_set(folder.path() / (end ? "e" : "n"), documents, kVocabulary, end);
    const PackedRows rows(set, {.sequence_length = 16, .packing = "best_fit"});
    for (uint64_t epoch = 0; epoch < 3; ++epoch) {
      Epoch seen = read_epoch(rows, 16, epoch, set.end_of_text());
      if (end) {
        EXPECT_EQ(seen.targets[kVocabulary - 1], 300);
        seen.targets.erase(kVocabulary - 1);
      }
      EXPECT_EQ(seen.targets.size(), tokens);
      for (const auto& [token, times] : seen.targets) {
        EXPECT_EQ(times, 1) << token;
      }
      EXPECT_NEAR(static_cast<double>(seen.padding) / static_cast<double>(rows.num_rows() * 16), rows.padding(), 1e-12);
    }
  }
}

TEST(PackedRows, NoDocumentThatFitsIsCut) {
  const TemporaryFolder folder;
  const auto documents = distinct_documents(500, 60, 5);  // with end_of_text at most 61 inputs
  const TokenSet set = make_token_set(folder.path() / "t", documents, kVocabulary);
  const PackedRows rows(set, {.sequence_length = 64, .packing = "best_fit"});
  std::map<uint64_t, int> times;
  for (uint64_t i = 0; i < rows.num_rows(); ++i) {
    rows.documents(i, [&](uint64_t document) { ++times[document]; });
  }
  EXPECT_EQ(times.size(), 500u);
  for (const auto& [document, count] : times) {
    EXPECT_EQ(count, 1) << document;
  }
  EXPECT_LT(rows.padding(), 0.03);  // lengths of 1 to 61 in rows of 64
}

TEST(PackedRows, OrderIsAFunctionOfTheSampleAndDrawnAnewEachEpoch) {
  const TemporaryFolder folder;
  const TokenSet set = make_token_set(folder.path() / "t", distinct_documents(200, 20, 1), kVocabulary);
  const LoaderOptions options{.sequence_length = 32, .seed = 4, .packing = "best_fit"};
  const PackedRows one(set, options);
  const PackedRows other(set, options);
  std::vector<int64_t> a(32), b(32), targets(32);
  std::vector<int32_t> marks(32);
  size_t same_as_epoch_before = 0;
  for (uint64_t i = 2 * one.num_rows(); i-- > 0;) {  // backwards: what was asked before must not matter
    one.fill(i, {a.data(), targets.data(), marks.data()});
    other.fill(2 * one.num_rows() - 1 - i, {b.data(), targets.data(), marks.data()});
    other.fill(i, {b.data(), targets.data(), marks.data()});
    EXPECT_EQ(a, b);
    other.fill((i + one.num_rows()) % (2 * one.num_rows()), {b.data(), targets.data(), marks.data()});
    same_as_epoch_before += a == b ? 1 : 0;
  }
  EXPECT_LT(same_as_epoch_before, one.num_rows() / 2);
}

TEST(PackedRows, ManyGroups) {
  const TemporaryFolder folder;
  const size_t count = DocumentPacking::kGroupDocuments * 2 + 100;
  const TokenSet set = make_token_set(folder.path() / "t", std::vector<std::vector<int32_t>>(count, {1, 2, 3}), 10);
  const PackedRows rows(set, {.sequence_length = 8, .packing = "best_fit"});
  EXPECT_EQ(rows.num_rows(), (count + 1) / 2);
  EXPECT_EQ(read_epoch(rows, 8, 1, 9).targets[2], static_cast<int>(count));
}

TEST(PackedRows, ASetWithoutATargetIsRefused) {
  const TemporaryFolder folder;
  const TokenSet set = make_token_set(folder.path() / "t", {{1}, {2}}, 10, false);
  EXPECT_THROW(PackedRows(set, {.sequence_length = 8, .packing = "best_fit"}), Error);
}

TEST(PackedRows, TheLoaderMarksPiecesAndPadding) {
  const TemporaryFolder folder;
  const TokenSet set = make_token_set(folder.path() / "t", {{1, 2, 3}, {4, 5}}, 10);
  Loader loader({{"t", &set}}, {.sequence_length = 8, .packing = "best_fit"});
  const Batch batch = loader.batch(0, 1);
  const auto* inputs = batch.tokens_BT.const_data_ptr<int64_t>();
  const auto* targets = batch.targets_BT.const_data_ptr<int64_t>();
  const auto* marks = batch.document_BT.const_data_ptr<int32_t>();
  EXPECT_EQ(std::vector<int64_t>(inputs, inputs + 8), (std::vector<int64_t>{9, 1, 2, 3, 9, 4, 5, 9}));
  EXPECT_EQ(std::vector<int64_t>(targets, targets + 8), (std::vector<int64_t>{1, 2, 3, 9, 4, 5, 9, -1}));
  EXPECT_EQ(std::vector<int32_t>(marks, marks + 8), (std::vector<int32_t>{0, 0, 0, 0, 1, 1, 1, 2}));
}

}  // namespace
}  // namespace athanor
