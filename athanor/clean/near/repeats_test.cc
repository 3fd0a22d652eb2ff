// Repeated paragraphs, lines and passages: rules on small cases, an exhaustive search as the oracle, properties.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/clean/near/repeats.h"

namespace athanor {
namespace {

struct Doc {
  std::string id, text;
};

class Folder {
 public:
  Folder() {
    std::string path = (fs::temp_directory_path() / "athanor-repeats-XXXXXX").string();
    path_ = ::mkdtemp(path.data());
  }
  ~Folder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// The texts after cutting, by id.
std::map<std::string, std::string> cut(const std::vector<Doc>& docs, RepeatOptions options, int threads = 2,
                                       size_t part_rows = 3) {
  const Folder folder;
  options.scratch = folder.path().string();
  ThreadPool pool(threads);
  const RepeatSigner signer(options);
  std::vector<fs::path> parts;
  for (size_t first = 0; first < docs.size(); first += part_rows) {
    std::vector<TextRow> rows;
    for (size_t i = first; i < std::min(docs.size(), first + part_rows); ++i) {
      rows.push_back({docs[i].id, docs[i].text});
    }
    parts.push_back(folder.path() / std::to_string(first));
    signer.sign(rows, pool).save(parts.back());
  }
  RepeatCuts cuts = find_repeats(parts, options, pool, [&](const std::vector<bool>& wanted, const auto& fn) {
    for (size_t row = 0; row < wanted.size(); ++row) {
      if (wanted[row]) {
        fn(row, docs[row].text);
      }
    }
  });
  const TokenScanner scanner;
  std::map<std::string, std::string> out;
  for (size_t row = 0; row < docs.size(); ++row) {
    out[docs[row].id] = cut_repeats(docs[row].text, cuts.places(row), options, scanner);
  }
  return out;
}

TEST(Repeats, ParagraphsStayInTheSmallestId) {
  const std::vector<Doc> docs = {{"c", "Cookies: accept all\n\nA story of c.\n"},
                                 {"a", "A story of a.\n\ncookies:  accept ALL\n \n\nThe end of a.\n"},
                                 {"b", "Cookies: accept all"}};
  const auto out = cut(docs, {.unit = RepeatUnit::kParagraph, .min_chars = 12});
  // The keys of such ids are hashes: one of the three keeps it, and which one does not depend on the order.
  size_t kept = 0;
  for (const auto& [id, text] : out) {
    kept += text.find("ccept") != std::string::npos;
    EXPECT_EQ(text.find("story") != std::string::npos, id != "b") << text;
  }
  EXPECT_EQ(kept, 1u);
  EXPECT_EQ(cut({docs[2], docs[0], docs[1]}, {.unit = RepeatUnit::kParagraph, .min_chars = 12}), out);
  const auto untouched = cut(docs, {.unit = RepeatUnit::kParagraph, .min_chars = 50});
  for (const Doc& doc : docs) {
    EXPECT_EQ(untouched.at(doc.id), doc.text);
  }
}

TEST(Repeats, HexIdsGoByTheirOrder) {
  const std::string a(32, '1');
  const std::string b = "0" + std::string(31, 'f');
  const auto out = cut({{a, "one line here\nsame line\n"}, {b, "same line\nother line\n"}},
                       {.unit = RepeatUnit::kLine, .min_chars = 5});
  EXPECT_EQ(out.at(a), "one line here\n");
  EXPECT_EQ(out.at(b), "same line\nother line\n");
}

TEST(Repeats, PiecesCoverTheText) {
  for (const std::string text : {"", "\n", "a", "a\n\nb", "\n \na\nb\n\n\n  \nc", "a\r\n\r\nb\r\n", " \n\n"}) {
    for (const RepeatUnit unit : {RepeatUnit::kLine, RepeatUnit::kParagraph}) {
      size_t at = 0;
      for (const TextPiece& piece : split_pieces(text, unit)) {
        EXPECT_EQ(piece.begin, at);
        at = piece.end;
      }
      EXPECT_EQ(at, text.size());
    }
  }
  const std::string text = "a\nb\n\n\nc";
  EXPECT_EQ(split_pieces(text, RepeatUnit::kParagraph).size(), 2u);
  EXPECT_EQ(split_pieces(text, RepeatUnit::kParagraph)[0].content, "a\nb");
}

std::string words(uint64_t seed, size_t count, uint64_t vocabulary = 1000) {
  std::string text;
  for (size_t i = 0; i < count; ++i) {
    text += "w" + std::to_string(random_at(seed, i) % vocabulary) + (i % 9 == 8 ? ". " : " ");
  }
  return text;
}

TEST(Repeats, APassageStaysOnce) {
  const std::string passage = words(1, 60);
  const std::string a = "00" + std::string(30, '0');
  const std::string b = "01" + std::string(30, '0');
  const std::string c = "02" + std::string(30, '0');
  const auto out = cut({{b, words(3, 30) + passage + words(4, 30)}, {a, passage}, {c, words(5, 10) + words(1, 49)}},
                       {.unit = RepeatUnit::kPassage, .min_words = 50});
  EXPECT_EQ(out.at(a), passage);
  EXPECT_EQ(out.at(b), words(3, 30) + words(4, 30));
  EXPECT_EQ(out.at(c), words(5, 10) + words(1, 49));  // 49 words are no passage
}

TEST(Repeats, APeriodicTextKeepsItsFirstRun) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    text += "la ";
  }
  const auto out = cut({{"x", text}}, {.unit = RepeatUnit::kPassage, .min_words = 10});
  EXPECT_EQ(out.at("x").size(), 30u);
}

// The words of a text as they are compared.
std::vector<std::string> compared_words(const TokenScanner& scanner, const std::string& text) {
  std::vector<TokenSpan> tokens;
  scanner.scan(text, tokens);
  std::vector<std::string> list;
  for (const TokenSpan& token : tokens) {
    list.emplace_back();
    scanner.append_token(text, token, list.back());
  }
  return list;
}

// Every run of `width` words compared with every one before it, word by word: one place each is kept, by the stated rule.
std::map<std::string, std::string> oracle(std::vector<Doc> docs, size_t width) {
  const TokenScanner scanner;
  std::sort(docs.begin(), docs.end(), [](const Doc& a, const Doc& b) { return a.id < b.id; });
  struct First {
    size_t doc, place;
  };
  std::vector<std::vector<std::string>> all;
  std::vector<First> firsts;
  std::map<std::string, std::string> out;
  for (size_t doc = 0; doc < docs.size(); ++doc) {
    all.push_back(compared_words(scanner, docs[doc].text));
    std::vector<uint32_t> places;
    for (size_t i = 0; i + width <= all[doc].size(); ++i) {
      const auto same = std::find_if(firsts.begin(), firsts.end(), [&](const First& first) {
        const auto& other = all[first.doc];
        return std::equal(other.begin() + static_cast<std::ptrdiff_t>(first.place),
                          other.begin() + static_cast<std::ptrdiff_t>(first.place + width),
                          all[doc].begin() + static_cast<std::ptrdiff_t>(i));
      });
      if (same == firsts.end()) {
        firsts.push_back({doc, i});
      } else if (!(same->doc == doc && i < same->place + width)) {
        places.push_back(static_cast<uint32_t>(i));
      }
    }
    RepeatOptions options{.unit = RepeatUnit::kPassage, .min_words = static_cast<int64_t>(width)};
    out[docs[doc].id] = cut_repeats(docs[doc].text, places, options, scanner);
  }
  return out;
}

TEST(RepeatsProperty, AsTheOracleForAnyOrderThreadsAndMemory) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    std::vector<Doc> docs;
    for (uint64_t i = 0; i < 40; ++i) {
      std::string id(32, '0');
      for (size_t k = 0; k < 16; ++k) {
        id[k] = "0123456789abcdef"[random_at(seed, i, k) % 16];
      }
      std::string text;
      for (uint64_t k = 0; k < 1 + random_at(seed, i, 100) % 4; ++k) {
        text += words(random_at(seed, i, 200 + k) % 12, 5 + random_at(seed, i, 300 + k) % 40, 3 + 50 * (seed % 2));
      }
      docs.push_back({id, text});
    }
    const auto expected = oracle(docs, 8);
    RepeatOptions options{.unit = RepeatUnit::kPassage, .min_words = 8};
    EXPECT_EQ(cut(docs, options), expected);
    options.memory_bytes = 0;
    EXPECT_EQ(cut(docs, options, 1, 7), expected);
    for (const uint64_t mask : {0xFFFull, 0xFull, 0ull}) {  // so that some runs, most and all share a hash
      options.hash_mask = mask;
      EXPECT_EQ(cut(docs, options), expected) << mask;
    }
    options.hash_mask = ~uint64_t{0};
    std::reverse(docs.begin(), docs.end());
    EXPECT_EQ(cut(docs, options, 3, 1), expected);
  }
}

// Two texts of other words whose runs are made to share a hash: nothing is cut.
TEST(Repeats, ASharedHashCutsNothing) {
  const std::string a = std::string(32, '1'), b = std::string(32, '2');
  const std::vector<Doc> docs = {{a, words(1, 9)}, {b, words(2, 9)}};
  RepeatOptions options{.unit = RepeatUnit::kPassage, .min_words = 8, .hash_mask = 0};
  const auto out = cut(docs, options);
  EXPECT_EQ(out.at(a), docs[0].text);
  EXPECT_EQ(out.at(b), docs[1].text);
}

TEST(Repeats, ADamagedPartIsSaid) {
  const Folder folder;
  const fs::path path = folder.path() / "part";
  RepeatPart{{1, 2}, {1, 3}, {7, 8, 9}}.save(path);
  EXPECT_EQ(RepeatPart::load(path).hashes, (std::vector<uint64_t>{7, 8, 9}));
  const std::string good = read_file(path);
  for (size_t size = 0; size < good.size(); ++size) {
    write_file_atomic(path, good.substr(0, size));
    EXPECT_THROW(RepeatPart::load(path), Error);
  }
  RepeatPart{{1, 2}, {3, 1}, {7, 8, 9}}.save(path);
  EXPECT_THROW(RepeatPart::load(path), Error);
}

}  // namespace
}  // namespace athanor
