// Sources: local files and their digests; npm through a client that the test makes.
#include "athanor/data/sources/source_unit.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "athanor/base/hash.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/data/testing/test_tar.h"

namespace athanor {
namespace {

struct Got {
  std::vector<std::string> texts, sources, reasons;
  std::vector<SourcePin> pins;
  uint64_t done = 0, total = 0;
};

Got read_all_of(const ResolvedSource& source, SourceContext& context) {
  Got got;
  for (const ReadUnit& unit : cut_sources({&source, 1})) {
    UnitSink sink;
    const uint64_t before = got.done;
    sink.on_document = [&](Document&& document) {
      got.texts.push_back(document.text);
      got.sources.push_back(document.source);
    };
    sink.on_rejected = [&](Rejected&& row) { got.reasons.push_back(row.reason); };
    sink.on_progress = [&](uint64_t done) {
      EXPECT_GE(before + done, got.done);
      EXPECT_LE(done, unit.bytes);
      got.done = before + done;
    };
    got.total += unit.bytes;
    const auto pins = read_unit(source, unit, {}, context, sink);
    got.pins.insert(got.pins.end(), pins.begin(), pins.end());
  }
  return got;
}

using Texts = std::vector<std::string>;

TEST(Source, PathsMatchPatterns) {
  EXPECT_TRUE(match_path("", "a/b.txt"));
  EXPECT_TRUE(match_path("data/*.txt", "data/a.txt"));
  EXPECT_FALSE(match_path("data/*.txt", "data/b/a.txt"));
  EXPECT_TRUE(match_path("data", "data/b/a.txt"));
  EXPECT_TRUE(match_path("**/*.txt", "a.txt"));
  EXPECT_TRUE(match_path("**/c/*.txt", "a/b/c/d.txt"));
  EXPECT_FALSE(match_path("data/*.txt", "data"));
  EXPECT_FALSE(match_path("dat", "data/a.txt"));
}

TEST(Source, FolderFileAndGlob) {
  const fs::path dir = scratch("source") / "texts";
  make_dirs(dir / "sub" / ".hidden");
  put_file(dir / "b.txt", "b");
  put_file(dir / "a.md", "a");
  put_file(dir / "sub/c.jsonl", "{\"text\":\"c\"}\nbroken\n");
  put_file(dir / "sub/.hidden/d.txt", "d");
  put_file(dir / ".e.txt", "e");
  put_file(dir / "f.bin", "f");
  DigestCache digests(dir.parent_path() / "cache/digests.jsonl");
  SourceContext context{dir.parent_path() / "cache", &digests};
  const ResolvedSource folder = resolve_source({dir.string() + "/"}, context);
  ASSERT_EQ(folder.pins.size(), 3u);
  EXPECT_EQ(folder.pins[0].name, "texts/a.md");
  EXPECT_EQ(folder.pins[0].digest, "sha256:" + sha256_hex("a"));
  const Got got = read_all_of(folder, context);
  EXPECT_EQ(got.texts, (Texts{"a", "b", "c"}));
  EXPECT_EQ(got.sources, (Texts{"texts/a.md", "texts/b.txt", "texts/sub/c.jsonl"}));
  EXPECT_EQ(got.reasons, Texts{"broken JSON"});
  EXPECT_EQ(got.done, got.total);
  EXPECT_EQ(read_all_of(resolve_source({(dir / "b.txt").string()}, context), context).sources, Texts{"b.txt"});
  EXPECT_EQ(read_all_of(resolve_source({(dir / "**/*.jsonl").string()}, context), context).sources,
            Texts{"texts/sub/c.jsonl"});
  EXPECT_EQ(read_all_of(resolve_source({(dir / "s*").string()}, context), context).sources,
            Texts{"texts/sub/c.jsonl"});
  for (const std::string& bad : {(dir / "none").string(), (dir / "f.bin").string(), (dir / "*.bin").string(),
                                 (dir / "sub/.hidden/../../nothing/*").string()}) {
    EXPECT_EQ(error_of([&] { resolve_source({bad}, context); }).kind(), ErrorKind::kInput) << bad;
  }
  fs::create_directories(dir / "pictures");
  std::ofstream(dir / "pictures/one.png") << "x";
  EXPECT_EQ(error_of([&] { resolve_source({(dir / "pictures").string()}, context); }).hint(), "images: true takes them");
  EXPECT_EQ(error_of([&] { resolve_source({"ftp://x/y"}, context); }).kind(), ErrorKind::kUsage);
  EXPECT_EQ(error_of([&] { resolve_source({""}, context); }).kind(), ErrorKind::kUsage);
}

}  // namespace
}  // namespace athanor
