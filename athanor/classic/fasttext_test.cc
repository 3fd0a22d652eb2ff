#include "athanor/classic/fasttext.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {
namespace {

const fs::path kFixtures = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/classic";
const char* const kModels[] = {"softmax.bin", "hs.bin", "ova.bin", "ns.bin", "pruned.ftz", "quantised.ftz"};

TEST(FastText, AgreesWithFastTextOnEveryLoss) {
  std::map<std::string, std::unique_ptr<FastText>> models;
  std::ifstream file(kFixtures / "fasttext.jsonl");
  std::string line;
  int compared = 0;
  while (std::getline(file, line)) {
    const auto want = nlohmann::json::parse(line);
    const std::string name = want["model"];
    if (!models[name]) {
      models[name] = std::make_unique<FastText>(FastText::open(kFixtures / name));
    }
    const auto got = models[name]->predict(want["text"].get<std::string>(), want["k"], want["threshold"]);
    ASSERT_EQ(got.size(), want["labels"].size()) << line;
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_NEAR(got[i].probability, want["probabilities"][i].get<float>(), 5e-6) << line;
      // Two labels of equal probability may stand in either order.
      const bool tied = (i > 0 && std::abs(got[i].probability - got[i - 1].probability) < 1e-6) ||
                        (i + 1 < got.size() && std::abs(got[i].probability - got[i + 1].probability) < 1e-6);
      EXPECT_TRUE(tied || got[i].label == want["labels"][i]) << line;
    }
    ++compared;
  }
  EXPECT_EQ(compared, 6 * 3 * 40);
}

TEST(FastText, NewlinesAreBlanks) {
  const FastText model = FastText::open(kFixtures / "softmax.bin");
  std::vector<int32_t> one;
  std::vector<int32_t> two;
  model.row_ids("hehi lolo\nbo", one);
  model.row_ids("hehi lolo bo", two);
  EXPECT_EQ(one, two);
}

TEST(FastTextFormat, WritesTheSameBytes) {
  for (const char* name : kModels) {
    const std::string bytes = read_file(kFixtures / name);
    EXPECT_EQ(FastTextModel::parse(bytes, name).to_bytes(), bytes) << name;
  }
}

// Every cut is refused; a flipped bit is refused or gives a model that still answers with finite numbers.
TEST(FastTextFormat, DamageIsAnErrorOrHarmless) {
  int refused = 0;
  for (const char* name : kModels) {
    const std::string bytes = read_file(kFixtures / name);
    for (size_t length = 0; length < bytes.size(); length += 1 + length / 40) {
      EXPECT_THROW(FastTextModel::parse(std::string_view(bytes).substr(0, length), name), Error) << name << " " << length;
    }
    Rng rng(7);
    for (int i = 0; i < 400; ++i) {
      std::string damaged = bytes;
      // The first kilobyte holds the lengths: half of the flips go there.
      const uint64_t bound = i % 2 == 0 ? std::min<uint64_t>(1024, bytes.size()) : bytes.size();
      damaged[rng.below(bound)] ^= static_cast<char>(1 << rng.below(8));
      try {
        const FastText model(FastTextModel::parse(damaged, name));
        for (const auto& found : model.predict("hehi lolo bo \xFF\x80 deo", -1)) {
          EXPECT_TRUE(std::isfinite(found.probability));
        }
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 200);
}

TEST(FastTextFormat, BytesAfterTheEndAreRefused) {
  const std::string bytes = read_file(kFixtures / "ova.bin") + "x";
  EXPECT_THROW(FastTextModel::parse(bytes, "ova"), Error);
}

}  // namespace
}  // namespace athanor
