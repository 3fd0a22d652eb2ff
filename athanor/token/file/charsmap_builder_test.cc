#include "athanor/token/file/charsmap_builder.h"

#include <gtest/gtest.h>

#include <random>

#include "athanor/base/base64.h"
#include "athanor/token/file/byte_automaton.h"
#include "athanor/token/pipeline/precompiled.h"

namespace athanor::token {
namespace {

const std::string kWhere = "a test";

struct Both {
  std::vector<NormalizerStep> steps;
  Charsmap map;
};

Both both(const std::vector<const char*>& types) {
  Json parts = Json::array();
  for (const char* type : types) {
    parts.push_back({{"type", type}});
  }
  const Json sequence = {{"type", "Sequence"}, {"normalizers", parts}};
  std::vector<NormalizerStep> steps = read_normalizers(Field(sequence, "normalizer", kWhere));
  const Json blob = to_base64(build_charsmap(steps));
  Charsmap map = Charsmap::read(Field(blob, "charsmap", kWhere));
  return {std::move(steps), std::move(map)};
}

std::string by_steps(const Both& both, const std::string& text) {
  Aligned aligned = Aligned::of(text, 0, false, true);
  for (const NormalizerStep& step : both.steps) {
    step.apply(aligned);
  }
  return aligned.text;
}

std::string by_map(const Both& both, const std::string& text) {
  Aligned aligned = Aligned::of(text, 0, false, true);
  both.map.apply_longest(aligned);
  return aligned.text;
}

TEST(CharsmapBuilder, EveryCharacterAndEveryWayToWriteAComposedOne) {
  const Both nfkc = both({"Nmt", "NFKC"});
  size_t different = 0;
  for (char32_t code = 1; code < 0x30000; ++code) {
    if (code >= 0xD800 && code < 0xE000) {
      continue;
    }
    std::string text;
    append_utf8(text, code);
    for (const std::string& each : {text, to_nfd(text), to_nfkd(text)}) {
      different += by_map(nfkc, each) != by_steps(nfkc, each);
    }
  }
  EXPECT_EQ(different, 0u);
  for (const char* text : {"ｶﾞｰﾄﾞ", "ﾊﾟﾝ", "e\u0301le\u0300ve", "Việt Nam", "Vie\u0302\u0323t", "Vie\u0323\u0302t", "한국어",
                           "ㅎㅏㄴ", "\u1112\u1161\u11ab", "ﬁn", "①②③ ㍿ ™", "tab\there\u200b\u00a0x", "\u2581a"}) {
    EXPECT_EQ(by_map(nfkc, text), by_steps(nfkc, text)) << text;
  }
}

TEST(CharsmapBuilder, OtherChains) {
  const std::string text = "École ÉCOLE e\u0301 ǅ Straße ΑΣ İ ﬁ が か\u3099";
  for (const std::vector<const char*>& types :
       {std::vector<const char*>{"NFC"}, {"NFD"}, {"NFKD"}, {"Lowercase"}, {"NFKC", "Lowercase"},
        {"NFD", "StripAccents"}, {"NFD", "StripAccents", "Lowercase"}}) {
    const Both chain = both(types);
    EXPECT_EQ(by_map(chain, text), by_steps(chain, text)) << types.front() << " " << types.size();
  }
}

// What charsmap_builder.h says of them.
TEST(CharsmapBuilder, ItsLimits) {
  const Both nfkc = both({"Nmt", "NFKC"});
  EXPECT_EQ(by_map(nfkc, "ﬁ\u0301"), "fi\u0301");           // a mark after what stands for several letters
  EXPECT_EQ(by_map(nfkc, "e\u0001\u0301"), "e\u0301");       // over a dropped character
  EXPECT_EQ(by_map(nfkc, "x\u0301\u0323"), "x\u0301\u0323");  // marks that belong to no composed character
}

// Words of letters with up to one mark each.
TEST(CharsmapBuilder, RandomWords) {
  const Both nfkc = both({"NFKC"});
  std::mt19937 random(7);
  const std::u32string letters = U"aeiouAEIOUncsyz αεωи ᄀᄂ가ｱｶﾊかはＡ①";
  const std::u32string marks = U"\u0300\u0301\u0302\u0303\u0308\u030A\u031B\u0323\u0327\u3099\u309A\uFF9E\uFF9F\u1161\u11A8";
  for (int round = 0; round < 20000; ++round) {
    std::string word;
    for (int i = 0; i < 4; ++i) {
      append_utf8(word, letters[random() % letters.size()]);
      if (random() % 2 == 0) {
        append_utf8(word, marks[random() % marks.size()]);
      }
    }
    ASSERT_EQ(by_map(nfkc, word), by_steps(nfkc, word)) << word;
  }
}

TEST(CharsmapBuilder, HangulSharesItsSubtrees) {
  const Json nfkc = {{"type", "NFKC"}};
  // some 200,000 sequences; held one by one they would take megabytes
  EXPECT_LT(build_charsmap(read_normalizers(Field(nfkc, "normalizer", kWhere))).size(), 600'000u);
}

TEST(DoubleArray, HoldsItsKeysAndNothingElse) {
  std::map<std::string, uint32_t> keys;
  std::mt19937 random(3);
  for (int i = 0; i < 3000; ++i) {
    std::string key(1 + random() % 6, '\0');
    for (char& c : key) {
      c = static_cast<char>(1 + random() % 255);
    }
    keys.emplace(key, random() & 0x7FFFFFFF);
  }
  keys.emplace("\x01", 5);
  const std::vector<uint32_t> units = double_array(keys);
  EXPECT_EQ(units.size() % 256, 0u);
  // A walk as darts-clone does it (units without its flag for far offsets).
  size_t seen = 0;
  const auto walk = [&](const auto& self, size_t at, const std::string& key) -> void {
    const size_t base = at ^ (units[at] >> 10);
    for (uint32_t byte = 1; byte < 256; ++byte) {
      const size_t next = base ^ byte;
      if (next >= units.size() || (units[next] & (1u << 31 | 0xFF)) != byte) {
        continue;
      }
      const std::string longer = key + static_cast<char>(byte);
      if ((units[next] >> 8 & 1) != 0) {
        const auto found = keys.find(longer);
        ASSERT_NE(found, keys.end());
        EXPECT_EQ(units[next ^ (units[next] >> 10)] & 0x7FFFFFFF, found->second);
        ++seen;
      }
      self(self, next, longer);
    }
  };
  walk(walk, 0, "");
  EXPECT_EQ(seen, keys.size());
}

}  // namespace
}  // namespace athanor::token
