#include "athanor/train/loading/loader.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "athanor/base/error.h"
#include "athanor/train/testing.h"

namespace athanor {
namespace {

using namespace testing_train;

// One document of tokens 0, 1, 2, ...: a token is its own place.
TokenSet ramp(const fs::path& dir, int32_t count) {
  std::vector<int32_t> ids(static_cast<size_t>(count) - 1);
  std::iota(ids.begin(), ids.end(), 0);
  return make_token_set(dir, {ids}, count);
}

std::vector<int64_t> values(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<int64_t>(), tensor.const_data_ptr<int64_t>() + tensor.numel()};
}

TEST(Loader, AnEpochHoldsEveryTokenOnce) {
  const TemporaryFolder folder;
  const TokenSet tokens = ramp(folder.path() / "t", 64);
  Loader loader({{"t", &tokens}}, {.sequence_length = 8, .seed = 5});
  ASSERT_EQ(loader.num_samples(), 8u);
  for (uint64_t epoch = 0; epoch < 5; ++epoch) {
    const Batch batch = loader.batch(epoch * 8, 8);
    std::vector<int64_t> inputs = values(batch.tokens_BT);
    const std::vector<int64_t> targets = values(batch.targets_BT);
    for (size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_EQ(targets[i], (inputs[i] + 1) % 64);  // the ring: after the last token comes the first
    }
    std::sort(inputs.begin(), inputs.end());
    for (size_t i = 0; i < inputs.size(); ++i) {
      EXPECT_EQ(inputs[i], static_cast<int64_t>(i));
    }
  }
}

TEST(Loader, OrderIsAPureFunctionOfSeedAndSample) {
  const TemporaryFolder folder;
  const TokenSet tokens = ramp(folder.path() / "t", 1000);
  Loader loader({{"t", &tokens}}, {.sequence_length = 16, .seed = 7});
  const std::vector<int64_t> whole = values(loader.batch(0, 200).tokens_BT);  // over several epochs
  for (const uint64_t cut : {1, 3, 61, 62, 63, 199}) {
    Loader again({{"t", &tokens}}, {.sequence_length = 16, .seed = 7});
    std::vector<int64_t> pieces = values(again.batch(cut, 200 - static_cast<int64_t>(cut)).tokens_BT);
    const std::vector<int64_t> front = values(again.batch(0, static_cast<int64_t>(cut)).tokens_BT);
    pieces.insert(pieces.begin(), front.begin(), front.end());
    EXPECT_EQ(pieces, whole) << cut;
  }
  Loader other({{"t", &tokens}}, {.sequence_length = 16, .seed = 8});
  EXPECT_NE(values(other.batch(0, 200).tokens_BT), whole);
}

TEST(Loader, EpochsDifferInOrderAndOffset) {
  const TemporaryFolder folder;
  const TokenSet tokens = ramp(folder.path() / "t", 1024);
  const WindowRows loader(tokens, {.sequence_length = 16, .seed = 1});
  std::set<uint64_t> offsets;
  for (uint64_t epoch = 0; epoch < 20; ++epoch) {
    offsets.insert(loader.window_begin(epoch * loader.num_rows()) % 16);
  }
  EXPECT_GT(offsets.size(), 5u);
}

// Frozen: a change here changes every run that is resumed by a newer program.
TEST(Loader, Golden) {
  const TemporaryFolder folder;
  const TokenSet tokens = ramp(folder.path() / "t", 100);
  const WindowRows shuffled(tokens, {.sequence_length = 10, .seed = 42});
  const WindowRows random(tokens, {.sequence_length = 10, .seed = 42, .sampling = "random"});
  std::vector<uint64_t> begins;
  for (uint64_t i = 0; i < 12; ++i) {
    begins.push_back(shuffled.window_begin(i));
  }
  for (uint64_t i = 0; i < 4; ++i) {
    begins.push_back(random.window_begin(i));
  }
  EXPECT_EQ(begins, (std::vector<uint64_t>{89, 29, 19, 9, 49, 69, 59, 79, 99, 39, 95, 75, 5, 31, 84, 59}));
}

TEST(Loader, RandomWindowsStayInside) {
  const TemporaryFolder folder;
  const TokenSet tokens = ramp(folder.path() / "t", 20);
  const WindowRows loader(tokens, {.sequence_length = 8, .sampling = "random"});
  std::set<uint64_t> begins;
  for (uint64_t i = 0; i < 1000; ++i) {
    begins.insert(loader.window_begin(i));
    ASSERT_LE(loader.window_begin(i) + 8, 19u);
  }
  EXPECT_EQ(begins.size(), 12u);  // every place is drawn
}

TEST(Loader, MarksDocumentsOnlyWhereThereIsMoreThanOne) {
  const TemporaryFolder folder;
  const TokenSet tokens = make_token_set(folder.path() / "t", {{0, 1}, {2}, {3, 4, 5}}, 10);
  EXPECT_TRUE(Loader({{"t", &tokens}}, {.sequence_length = 8}).batch(0, 1).document_BT.defined());
  EXPECT_FALSE(Loader({{"t", &tokens}}, {.sequence_length = 8, .document_mask = false}).batch(0, 1).document_BT.defined());
  const TokenSet one = ramp(folder.path() / "one", 100);
  EXPECT_FALSE(Loader({{"t", &one}}, {.sequence_length = 8}).batch(0, 8).document_BT.defined());
}

TEST(Loader, NamesTheDocumentsOfABatch) {
  const TemporaryFolder folder;
  const TokenSet tokens = make_token_set(folder.path() / "t", {{0, 1}, {2}, {3, 4, 5}, {6}}, 10);
  Loader loader({{"t", &tokens}}, {.sequence_length = 10});
  // A window and its last target: all 11 tokens of the set, wherever it begins.
  std::vector<std::string> ids = loader.documents_of(0, 1);
  std::sort(ids.begin(), ids.end());
  EXPECT_EQ(ids, (std::vector<std::string>{document_id(0), document_id(1), document_id(2), document_id(3)}));
  EXPECT_EQ(loader.documents_of(0, 1, 1).back(), "... and 3 more");
}

TEST(Loader, RefusesASetShorterThanOneWindow) {
  const TemporaryFolder folder;
  const TokenSet tokens = make_token_set(folder.path() / "t", {{0, 1, 2}}, 10);
  EXPECT_NO_THROW(Loader({{"t", &tokens}}, {.sequence_length = 3}));
  EXPECT_THROW(Loader({{"t", &tokens}}, {.sequence_length = 4}), Error);
  EXPECT_THROW(Loader({{"t", &tokens}}, {.sequence_length = 0}), Error);
}

}  // namespace
}  // namespace athanor
