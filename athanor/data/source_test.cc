// Sources: local files and their digests; npm through a client that the test makes.
#include "athanor/data/source.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "athanor/base/hash.h"
#include "athanor/data/test_scratch.h"
#include "athanor/data/test_tar.h"

namespace athanor {
namespace {

struct Got {
  std::vector<std::string> texts, sources, reasons;
  std::vector<SourcePin> pins;
  uint64_t done = 0, total = 0;
};

Got read_all_of(const ResolvedSource& source, SourceContext& context) {
  Got got;
  SourceSink sink;
  sink.on_document = [&](Document&& document) {
    got.texts.push_back(document.text);
    got.sources.push_back(document.source);
  };
  sink.on_rejected = [&](Rejected&& row) { got.reasons.push_back(row.reason); };
  sink.on_progress = [&](uint64_t done, uint64_t total) {
    EXPECT_GE(done, got.done);
    EXPECT_LE(done, total);
    got.done = done;
    got.total = total;
  };
  got.pins = read_source(source, context, sink);
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
  EXPECT_EQ(error_of([&] { resolve_source({"ftp://x/y"}, context); }).kind(), ErrorKind::kUsage);
  EXPECT_EQ(error_of([&] { resolve_source({""}, context); }).kind(), ErrorKind::kUsage);
}

TEST(DigestCache, HashesAnUnchangedFileOnce) {
  const fs::path dir = scratch("digests");
  const fs::path file = dir / "a.txt";
  put_file(file, "one");
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(1);
  fs::last_write_time(file, old);
  {
    DigestCache cache(dir / "c/digests.jsonl");
    EXPECT_EQ(cache.sha256(file), sha256_hex("one"));
    EXPECT_EQ(cache.sha256(file), sha256_hex("one"));
    EXPECT_EQ(cache.num_hashed(), 1u);
  }
  std::ofstream(dir / "c/digests.jsonl", std::ios::app) << "{broken\n[1]\n{\"path\":7}\n";
  DigestCache cache(dir / "c/digests.jsonl");
  EXPECT_EQ(cache.sha256(file), sha256_hex("one"));
  EXPECT_EQ(cache.num_hashed(), 0u);
  put_file(file, "two");  // same size, new time
  EXPECT_EQ(cache.sha256(file), sha256_hex("two"));
  EXPECT_EQ(cache.sha256(file), sha256_hex("two"));
  EXPECT_EQ(cache.num_hashed(), 2u);  // changed a moment ago: not yet to be trusted
}

// A folder with a fake npm, alone on PATH together with the system's shell tools.
class FakeNpm : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = scratch("npm");
    old_path_ = std::getenv("PATH");
    make_dirs(dir_ / "bin");
    const std::string tgz = gzip(tar_member("package/package.json", "{}") + tar_member("package/data/a.txt", "Hello.") +
                                 tar_member("package/data/b.txt", "World.") + tar_member("package/docs/c.md", "no") +
                                 kTarEnd);
    put_file(dir_ / "pack.tgz", tgz);
    set_npm("sha512-" + sha512_base64(tgz));
    ::setenv("PATH", ((dir_ / "bin").string() + ":/usr/bin:/bin").c_str(), 1);
    context_.cache_dir = dir_ / "cache";
  }
  void TearDown() override { ::setenv("PATH", old_path_.c_str(), 1); }

  void set_npm(const std::string& integrity) {
    const fs::path npm = dir_ / "bin/npm";
    put_file(npm,
             "#!/bin/sh\necho \"$@\" >> " + (dir_ / "calls").string() +
                 "\ncase \"$1 $2 $3\" in\n"
                 "'view @s/texts@1.2.0 dist') echo '{\"integrity\": \"sha1-x " + integrity + "\"}';;\n"
                 "'view @s/texts@^1 version') echo '[\"1.1.0\", \"1.2.0\"]';;\n"
                 "'view @s/texts version') echo '\"1.2.0\"';;\n"
                 "'pack @s/texts@1.2.0 --ignore-scripts') cp " + (dir_ / "pack.tgz").string() +
                 " \"$6/s-texts-1.2.0.tgz\"; shift 5; echo '[{}]';;\n"
                 "*) printf '%s' '{\"error\": {\"code\": \"E404\", \"summary\": \"Not found\\nmore\"}}'; exit 1;;\nesac\n");
    fs::permissions(npm, fs::perms::owner_all);
  }
  std::string calls() { return fs::exists(dir_ / "calls") ? read_file(dir_ / "calls") : ""; }

  fs::path dir_;
  std::string old_path_;
  SourceContext context_;
};

TEST_F(FakeNpm, ReadsThePackageAndThenItsCache) {
  const ResolvedSource source = resolve_source({"npm:@s/texts@1.2.0/data/*.txt"}, context_);
  EXPECT_EQ(calls(), "");  // an exact version needs no question
  EXPECT_EQ(source.pins.at(0).name, "npm:@s/texts@1.2.0/data/*.txt");
  const Got got = read_all_of(source, context_);
  EXPECT_EQ(got.texts, (Texts{"Hello.", "World."}));
  EXPECT_EQ(got.sources[0], "npm:@s/texts@1.2.0/data/a.txt");
  EXPECT_TRUE(got.pins.at(0).digest.starts_with("sha512-"));
  const std::string before = calls();
  EXPECT_NE(before.find("--ignore-scripts"), std::string::npos);
  fs::remove(dir_ / "bin/npm");
  ::setenv("PATH", (dir_ / "bin").c_str(), 1);
  EXPECT_EQ(read_all_of(source, context_).texts, got.texts);
  EXPECT_EQ(calls(), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(dir_ / "cache/npm"), fs::directory_iterator()), 2);
  const ResolvedSource none = resolve_source({"npm:@s/texts@1.2.0/nowhere"}, context_);
  EXPECT_NE(error_of([&] { read_all_of(none, context_); }).hint().find("docs/c.md"), std::string::npos);
}

TEST_F(FakeNpm, RangesAreAskedFor) {
  EXPECT_EQ(resolve_source({"npm:@s/texts@^1/data"}, context_).npm_version, "1.2.0");
  EXPECT_EQ(resolve_source({"npm:@s/texts"}, context_).npm_version, "1.2.0");
  const Error error = error_of([&] { resolve_source({"npm:unknown"}, context_); });
  EXPECT_NE(error.message().find("E404: Not found"), std::string::npos);
  EXPECT_NE(error.hint().find("source=PATH"), std::string::npos);
  for (const char* bad : {"npm:", "npm:@scope", "npm:--registry=x", "npm:a b"}) {
    EXPECT_EQ(error_of([&] { resolve_source({bad}, context_); }).kind(), ErrorKind::kUsage) << bad;
  }
}

TEST_F(FakeNpm, AWrongTarballShowsBothDigests) {
  set_npm("sha512-AAAA");
  const ResolvedSource source = resolve_source({"npm:@s/texts@1.2.0/data/*.txt"}, context_);
  const Error error = error_of([&] { read_all_of(source, context_); });
  EXPECT_EQ(error.kind(), ErrorKind::kInput);
  EXPECT_NE(error.message().find("sha512-AAAA"), std::string::npos);
  EXPECT_NE(error.message().find("sha512-" + sha512_base64(read_file(dir_ / "pack.tgz"))), std::string::npos);
}

TEST_F(FakeNpm, WithoutNpmTheErrorSaysWhatToDo) {
  ::setenv("PATH", (dir_ / "nothing").c_str(), 1);
  const ResolvedSource source = resolve_source({"npm:@s/texts@1.2.0/data/*.txt"}, context_);
  const Error error = error_of([&] { read_all_of(source, context_); });
  EXPECT_EQ(error.kind(), ErrorKind::kInput);
  EXPECT_NE(error.hint().find("source=PATH"), std::string::npos);
}

}  // namespace
}  // namespace athanor
