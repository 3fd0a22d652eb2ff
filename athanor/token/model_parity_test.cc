// Each kind of model against HF tokenizers: fixtures of tests/parity/make_token_model_fixtures.py.
#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/base/rng.h"
#include "athanor/token/file/json_field.h"
#include "athanor/token/tokenizer.h"

namespace athanor {
namespace {

const fs::path kModels = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/token/models";
constexpr const char* kNames[] = {"word_piece",  "unigram",     "unigram_bytes", "bpe_bytes",
                                  "bpe_unknown", "bpe_affixed", "word_level"};

TEST(ModelParity, IdsEqualThoseOfHf) {
  const token::Json wanted = token::parse_json(read_file(kModels / "ids.json"), "ids.json");
  for (const char* name : kNames) {
    const Tokenizer tokenizer = Tokenizer::load(kModels / (std::string(name) + ".json"));
    const token::Json& texts = wanted["texts"];
    for (size_t i = 0; i < texts.size(); ++i) {
      const std::string text = texts[i];
      std::vector<int32_t> ids;
      tokenizer.encode(text, ids);
      EXPECT_EQ(ids, wanted[name][i].get<std::vector<int32_t>>()) << name << ": " << text;
    }
    const std::string saved = tokenizer.to_json();
    EXPECT_EQ(Tokenizer::from_json(saved, "saved").to_json(), saved);
  }
}

// Bytes changed, dropped and doubled: loads or says why not, and what loads encodes or says why not.
TEST(ModelParity, DamagedFilesAreRefusedOrWork) {
  Rng rng(1);
  for (const char* name : kNames) {
    const std::string sound = read_file(kModels / (std::string(name) + ".json"));
    for (int round = 0; round < 60; ++round) {
      std::string damaged = sound;
      for (uint64_t changes = 1 + rng.below(4); changes > 0; --changes) {
        const size_t at = rng.below(rng.below(3) == 0 ? damaged.size() : std::min<size_t>(damaged.size(), 1200));
        const uint64_t kind = rng.below(4);
        if (kind == 0) {
          damaged[at] = static_cast<char>(rng.below(256));
        } else if (kind == 1) {
          damaged.erase(at, 1 + rng.below(3));
        } else if (kind == 2) {
          damaged.insert(at, damaged.substr(at, 1 + rng.below(12)));
        } else {
          damaged[at] = "0123456789-\"[]{},:tfn\\"[rng.below(22)];
        }
      }
      try {
        const Tokenizer tokenizer = Tokenizer::from_json(damaged, "damaged.json");
        std::vector<int32_t> ids;
        tokenizer.encode("The cat's  naïve \xE4\xBD\xA0 \xFF text.\n\xE2\x96\x81x", ids);
        tokenizer.decode(ids);
      } catch (const Error& error) {
        EXPECT_FALSE(std::string(error.what()).empty());
      }
    }
  }
}

}  // namespace
}  // namespace athanor
