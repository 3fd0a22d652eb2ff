// Backtracking, seams and the cache give what plain merging gives, for merge lists of any kind; and the large parts of a
// file read without a DOM are those that the JSON library reads.
#include "athanor/token/model/backtrack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/token/file/raw_parts.h"
#include "athanor/token/model/seams.h"
#include "athanor/token/model/windows.h"

namespace athanor::token {
namespace {

// Pairs with the lowest rank, the leftmost of equals, one after the other: nothing clever.
std::vector<int32_t> merge_plainly(std::string_view piece, const std::vector<Merge>& merges) {
  std::map<std::pair<int32_t, int32_t>, size_t> ranks;
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    ranks[{merges[rank].left, merges[rank].right}] = rank;
  }
  std::vector<int32_t> ids(piece.size());
  std::transform(piece.begin(), piece.end(), ids.begin(), [](char c) { return static_cast<uint8_t>(c); });
  for (;;) {
    size_t best = merges.size(), at = 0;
    for (size_t i = 0; i + 1 < ids.size(); ++i) {
      const auto found = ranks.find({ids[i], ids[i + 1]});
      if (found != ranks.end() && found->second < best) {
        best = found->second;
        at = i;
      }
    }
    if (best == merges.size()) {
      return ids;
    }
    ids[at] = merges[best].result;
    ids.erase(ids.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

struct Made {
  std::vector<Merge> merges;
  std::vector<std::string> bytes;  // by id
};

// Merges of what came before them; now and then a token that another pair makes already.
Made random_merges(Rng& rng, const std::vector<uint8_t>& alphabet, size_t count) {
  Made made;
  made.bytes.resize(256);
  for (int byte = 0; byte < 256; ++byte) {
    made.bytes[byte] = std::string(1, static_cast<char>(byte));
  }
  std::vector<int32_t> usable(alphabet.begin(), alphabet.end());
  std::map<std::string, int32_t> by_bytes;
  std::map<std::pair<int32_t, int32_t>, bool> seen;
  while (made.merges.size() < count) {
    const int32_t left = usable[rng.below(usable.size())], right = usable[rng.below(usable.size())];
    const std::string joined = made.bytes[left] + made.bytes[right];
    if (joined.size() > 24 || seen[{left, right}]) {
      continue;
    }
    seen[{left, right}] = true;
    const auto [known, is_new] = by_bytes.emplace(joined, static_cast<int32_t>(made.bytes.size()));
    if (is_new) {
      made.bytes.push_back(joined);
      usable.push_back(known->second);
    }
    made.merges.push_back({left, right, known->second});
  }
  return made;
}

std::string random_piece(Rng& rng, const std::vector<uint8_t>& alphabet, size_t size) {
  std::string piece;
  while (piece.size() < size) {
    const size_t run = rng.below(5) == 0 ? 1 + rng.below(12) : 1;
    piece.append(run, static_cast<char>(alphabet[rng.below(alphabet.size())]));
  }
  return piece;
}

TEST(Backtrack, GivesWhatMergingGives) {
  Rng rng(11);
  std::array<int32_t, 256> byte_ids;
  std::iota(byte_ids.begin(), byte_ids.end(), 0);
  int num_usable = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<uint8_t> alphabet = {'a', 'b', 'c', 'd', 0xE4, 0xBD};
    alphabet.resize(1 + rng.below(alphabet.size()));
    const Made made = random_merges(rng, alphabet, 2 + rng.below(alphabet.size() == 1 ? 8 : 40));
    MergeTable table(made.merges.size());
    for (size_t rank = 0; rank < made.merges.size(); ++rank) {
      table.insert(made.merges[rank].left, made.merges[rank].right, static_cast<uint32_t>(rank));
    }
    const Backtracker backtracker(made.merges, table, byte_ids, static_cast<int32_t>(made.bytes.size()));
    if (!backtracker.usable()) {
      continue;
    }
    ++num_usable;
    Workspace work;
    for (int i = 0; i < 20; ++i) {
      const std::string piece = random_piece(rng, alphabet, 1 + rng.below(80));
      std::vector<int32_t> ids;
      backtracker.encode(piece, work, ids);
      ASSERT_EQ(ids, merge_plainly(piece, made.merges)) << "round " << round << ": " << piece;
    }
  }
  EXPECT_GT(num_usable, 200);
}

TEST(Backtrack, RefusesMergesOutOfOrder) {
  std::array<int32_t, 256> byte_ids;
  std::iota(byte_ids.begin(), byte_ids.end(), 0);
  const std::vector<Merge> merges = {{256, 'c', 257}, {'a', 'b', 256}};  // "abc" before its "ab"
  MergeTable table(2);
  table.insert(256, 'c', 0);
  table.insert('a', 'b', 1);
  EXPECT_FALSE(Backtracker(merges, table, byte_ids, 258).usable());
}

TEST(Windows, GiveWhatMergingGives) {
  Rng rng(14);
  size_t num_done = 0, num_given_up = 0, num_repeated = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<uint8_t> alphabet = {'a', 'b', 'c', 'd', 0xE4, 0xBD};
    alphabet.resize(1 + rng.below(alphabet.size()));
    const Made made = random_merges(rng, alphabet, 2 + rng.below(alphabet.size() == 1 ? 8 : 40));
    if (!merges_in_order(made.merges, static_cast<int32_t>(made.bytes.size()))) {
      continue;
    }
    std::vector<uint16_t> token_bytes(made.bytes.size());
    std::transform(made.bytes.begin(), made.bytes.end(), token_bytes.begin(),
                   [](const std::string& bytes) { return static_cast<uint16_t>(bytes.size()); });
    const WindowRules rules{4 + rng.below(40), token_bytes, [&](std::string_view text, std::vector<int32_t>& out) {
                              const std::vector<int32_t> ids = merge_plainly(text, made.merges);
                              out.insert(out.end(), ids.begin(), ids.end());
                            }};
    for (int i = 0; i < 10; ++i) {
      std::string piece = random_piece(rng, alphabet, 1 + rng.below(80));
      const bool repeated = rng.below(3) == 0;
      if (repeated) {
        const std::string unit = piece.substr(0, 1 + rng.below(4)), front = piece.substr(0, rng.below(20));
        piece = front;
        while (piece.size() < 300) {
          piece += unit;
        }
        piece += random_piece(rng, alphabet, rng.below(30));
      }
      Workspace work;
      std::vector<int32_t> ids = {7};
      size_t allowance = 100000;
      if (!encode_by_windows(piece, rules, allowance, work, ids)) {
        ASSERT_EQ(ids, std::vector<int32_t>{7});
        ++num_given_up;
        continue;
      }
      ++num_done;
      num_repeated += repeated && 100000 - allowance < piece.size() ? 1 : 0;
      ids.erase(ids.begin());
      ASSERT_EQ(ids, merge_plainly(piece, made.merges)) << "round " << round << ": " << piece;
    }
  }
  EXPECT_GT(num_done, 1000u);
  EXPECT_GT(num_given_up, 10u);
  EXPECT_GT(num_repeated, 100u);
}

TEST(Windows, StopAtTheAllowance) {
  const std::vector<uint16_t> token_bytes(256, 1);
  const WindowRules rules{10, token_bytes, [](std::string_view text, std::vector<int32_t>& out) {
                            out.insert(out.end(), text.begin(), text.end());
                          }};
  Workspace work;
  std::vector<int32_t> ids;
  size_t allowance = 25;
  EXPECT_FALSE(encode_by_windows("abcdefghijklmnopqrstuvwxyz", rules, allowance, work, ids));
  EXPECT_EQ(allowance, 0u);
  EXPECT_TRUE(ids.empty());
}

TEST(Windows, RefusesMergesOutOfOrder) {
  EXPECT_TRUE(merges_in_order(std::vector<Merge>{{'a', 'b', 256}, {256, 'c', 257}}, 258));
  EXPECT_FALSE(merges_in_order(std::vector<Merge>{{256, 'c', 257}, {'a', 'b', 256}}, 258));
  EXPECT_FALSE(merges_in_order(std::vector<Merge>{{'a', 'b', 256}, {256, 'c', 257}, {'a', 'b', 256}}, 258));
}

TEST(Seams, PartsGiveTheIdsOfTheWhole) {
  Rng rng(12);
  const std::vector<std::string> characters = {"\xE4\xBD\xA0", "\xE5\xA5\xBD", "\xE7\x9A\x84", "\xF0\x9F\x98\x80", " ",
                                               "a", "\xC3\xA9", "\xE3\x80\x82", "\xE4\xBD", "\xFF"};
  const std::vector<uint8_t> bytes = {0xE4, 0xBD, 0xA0, 0xE5, 0xA5, 0xE7, 0x9A, 0x84, ' ', 'a', 0xC3, 0xA9};
  size_t num_cuts = 0;
  for (int round = 0; round < 400; ++round) {
    const Made made = random_merges(rng, bytes, 1 + rng.below(60));
    Seams seams;
    for (const std::string& token : made.bytes) {
      seams.add(token);
    }
    std::string piece;
    for (size_t i = rng.below(30) + 1; i > 0; --i) {
      piece += characters[rng.below(characters.size())];
    }
    std::vector<int32_t> ids;
    size_t at = 0, begin = 0;
    const size_t room = 1 + rng.below(4);
    while (at < piece.size()) {
      size_t ends[4];
      const size_t count = seams.cut(piece.data(), at, piece.size(), ends, room);
      ASSERT_GT(count, 0u);
      ASSERT_LE(count, room);
      for (size_t i = 0; i < count; ++i) {
        const std::vector<int32_t> part = merge_plainly(piece.substr(begin, ends[i] - begin), made.merges);
        ids.insert(ids.end(), part.begin(), part.end());
        begin = ends[i];
        ++num_cuts;
      }
      ASSERT_EQ(at, begin);
    }
    ASSERT_EQ(ids, merge_plainly(piece, made.merges)) << "round " << round;
  }
  EXPECT_GT(num_cuts, 2000u);
}

TEST(RawParts, TakesOutVocabAndMerges) {
  const std::string text = R"( {"a": "}", "model": {"x": [1, {"vocab": 3}], "vocab": {"\"{": 0, "b\\": 12},)"
                           R"( "merges": ["a b", ["c", "d e"], "\/ f"], "y": null}, "vocab": {"z": 1}} )";
  RawParts parts;
  const std::optional<std::string> rest = take_raw_parts(text, parts);
  ASSERT_TRUE(rest);
  nlohmann::json wanted = nlohmann::json::parse(text);
  wanted["model"]["vocab"] = nlohmann::json::object();
  wanted["model"]["merges"] = nlohmann::json::array();
  EXPECT_EQ(nlohmann::json::parse(*rest), wanted);
  EXPECT_EQ(nlohmann::json::parse(parts.vocab.text), nlohmann::json::parse(text)["model"]["vocab"]);

  RawWalk vocab(parts.vocab.text);
  std::string_view name, left, right;
  int32_t id = -1;
  ASSERT_TRUE(vocab.next_pair(name, id));
  EXPECT_EQ(name, "\"{");
  ASSERT_TRUE(vocab.next_pair(name, id));
  EXPECT_EQ(name, "b\\");
  EXPECT_EQ(id, 12);
  EXPECT_FALSE(vocab.next_pair(name, id));
  EXPECT_FALSE(vocab.bad());
  RawWalk merges(parts.merges.text);
  ASSERT_TRUE(merges.next_merge(left, right));
  EXPECT_EQ(left, "a");
  ASSERT_TRUE(merges.next_merge(left, right));
  EXPECT_EQ(right, "d e");
  ASSERT_TRUE(merges.next_merge(left, right));
  EXPECT_EQ(left, "/");
  EXPECT_FALSE(merges.next_merge(left, right));
  EXPECT_FALSE(merges.bad());
}

TEST(RawParts, AnyNamesComeThrough) {
  Rng rng(13);
  const std::vector<std::string> kBits = {"a", "{", "}", "[", "]", "\"", "\\", ",", ":", " ", "\xC4\xA0", "long long name", "\t"};
  for (int round = 0; round < 300; ++round) {
    nlohmann::json json = {{"added", nlohmann::json::array()}, {"model", {{"type", "BPE"}}}, {"z\"[", {1, "]", {{"q", "{"}}}}};
    const auto name = [&] {
      std::string text;
      for (size_t i = 1 + rng.below(12); i > 0; --i) {
        text += kBits[rng.below(kBits.size())];
      }
      return text;
    };
    json["model"]["merges"] = nlohmann::json::array();
    json["model"]["vocab"] = nlohmann::json::object();
    for (size_t i = rng.below(60); i > 0; --i) {
      json["model"]["merges"].push_back({name(), name()});
      json["model"]["vocab"][name()] = rng.below(100000);
    }
    RawParts parts;
    const std::string text = "{\"model\": {\"vocab\": " + json["model"]["vocab"].dump(1) +
                             ", \"merges\": " + json["model"]["merges"].dump() +
           "}, \"rest\": " + json["z\"["].dump() + "}";
    const std::optional<std::string> taken = take_raw_parts(text, parts);
    ASSERT_TRUE(taken);
    ASSERT_EQ(nlohmann::json::parse(parts.vocab.text), json["model"]["vocab"]);
    ASSERT_EQ(nlohmann::json::parse(parts.merges.text), json["model"]["merges"]);
    ASSERT_EQ(nlohmann::json::parse(*taken)["rest"], json["z\"["]);
    RawWalk walk(parts.merges.text);
    std::string_view left, right;
    for (const nlohmann::json& merge : json["model"]["merges"]) {
      ASSERT_TRUE(walk.next_merge(left, right));
      ASSERT_EQ(left, merge[0].get<std::string>());
      ASSERT_EQ(right, merge[1].get<std::string>());
    }
    ASSERT_FALSE(walk.next_merge(left, right) || walk.bad());
  }
}

TEST(RawParts, WhatIsNotPlainIsBad) {
  for (const char* text : {"{\"a\": 01}", "{\"a\": -1}", "{\"a\": 1.5}", "{\"a\": 1,}", "{\"a\" 1}", "{\"a\": 1",
                           "{\"a\": 1} x", "{\"\\u0061\": 1}", "{\"a\n\": 1}", "[1]", "", "{\"a\": 1234567890}"}) {
    RawWalk walk(text);
    std::string_view name;
    int32_t id;
    while (walk.next_pair(name, id)) {
    }
    EXPECT_TRUE(walk.bad()) << text;
  }
  for (const char* text : {"[\"a\"]", "[\"a b c\"]", "[[\"a\"]]", "[[\"a\", \"b\", \"c\"]]", "[1]", "[\"a b\"", "{}"}) {
    RawWalk walk(text);
    std::string_view left, right;
    while (walk.next_merge(left, right)) {
    }
    EXPECT_TRUE(walk.bad()) << text;
  }
}

}  // namespace
}  // namespace athanor::token
