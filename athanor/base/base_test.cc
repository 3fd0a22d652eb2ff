// Files, digests, threads and random numbers.
#include <gtest/gtest.h>
#include <unistd.h>

#include <set>
#include <stdexcept>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/base/hash.h"
#include "athanor/base/rng.h"
#include "athanor/base/sha256_lanes.h"
#include "athanor/base/thread_pool.h"

namespace athanor {
namespace {

fs::path scratch(const std::string& name) {
  const fs::path dir = fs::temp_directory_path() / ("athanor-base-" + name + "-" + std::to_string(::getpid()));
  fs::remove_all(dir);
  fs::create_directories(dir);
  return dir;
}

TEST(File, AtomicWriteThenRead) {
  const fs::path dir = scratch("atomic");
  write_file_atomic(dir / "a", "one");
  write_file_atomic(dir / "a", "two");
  EXPECT_EQ(read_file(dir / "a"), "two");
  EXPECT_EQ(std::distance(fs::directory_iterator(dir), fs::directory_iterator()), 1);
}

TEST(File, MissingFileNamesItself) {
  try {
    read_file("/nowhere/at/all");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_EQ(error.where(), "/nowhere/at/all");
  }
}

TEST(File, ReadRefusesMoreThanTheLimit) {
  const fs::path dir = scratch("limit");
  write_file_atomic(dir / "a", std::string(100, 'x'));
  EXPECT_THROW(read_file(dir / "a", 99), Error);
}

TEST(File, WriterAppendsAndCounts) {
  const fs::path dir = scratch("writer");
  {
    FileWriter writer(dir / "a");
    writer.write("abc");
    writer.write(std::string(200000, 'x'));
    EXPECT_EQ(writer.size(), 200003u);
    writer.close();
  }
  FileWriter more(dir / "a", FileWriter::Mode::kAppend);
  more.write("z");
  more.sync();
  EXPECT_EQ(more.size(), 200004u);
  EXPECT_EQ(fs::file_size(dir / "a"), 200004u);
}

TEST(File, FullDiskIsAResourceError) {
  if (!fs::exists("/dev/full")) {
    GTEST_SKIP() << "no /dev/full here";
  }
  FileWriter writer("/dev/full", FileWriter::Mode::kAppend);
  writer.write("x");
  EXPECT_THROW(writer.flush(), Error);
}

TEST(File, GlobFindsAtAnyDepthSorted) {
  const fs::path dir = scratch("glob");
  fs::create_directories(dir / "b/c");
  write_file_atomic(dir / "z.txt", "");
  write_file_atomic(dir / "b/c/a.txt", "");
  write_file_atomic(dir / "b/x.md", "");
  const auto all = glob((dir / "**/*.txt").string());
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0], dir / "b/c/a.txt");
  EXPECT_EQ(glob((dir / "b/?.[lm]d").string()).size(), 1u);
}

TEST(Hash, KnownVectors) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha512_base64("abc").substr(0, 20), "3a81oZNherrMQXNJriBB");
  EXPECT_EQ(xxh3_64(""), 0x2d06800538d394c2ULL);
}

TEST(Hash, SeveralTextsAtOnceAreThoseOfEachAlone) {
  const auto digests = sha256_many(std::vector<TextPieces>{{"abc"}, {}, {"a", "", "bc"}});
  EXPECT_EQ(digests[0], "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(digests[1], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digests[2], digests[0]);
  std::string bytes(1000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<char>(random_at(1, 2, i));
  }
  // Every length around the blocks' borders, beside neighbours of other lengths, cut at places that move.
  std::vector<TextPieces> texts;
  for (size_t length = 0; length < 200; ++length) {
    TextPieces& pieces = texts.emplace_back();
    const std::string_view text = std::string_view(bytes).substr(length, (length * 7) % 300);
    for (size_t begin = 0, step = 1; begin < text.size(); begin += step, step = (step * 5 + length) % 131 + 1) {
      pieces.push_back(text.substr(begin, step));
    }
  }
  const auto many = sha256_many(texts);
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(many[i], sha256_hex(std::string_view(bytes).substr(i, (i * 7) % 300))) << i;
  }
}

TEST(ThreadPool, DoesEachIndexOnce) {
  ThreadPool pool(3);
  std::vector<int> hits(10000);
  for (int round = 0; round < 20; ++round) {
    pool.parallel_for(hits.size(), [&](size_t i) { ++hits[i]; });
  }
  for (const int hit : hits) {
    ASSERT_EQ(hit, 20);
  }
}

TEST(ThreadPool, PassesTheFirstExceptionOn) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.parallel_for(100, [](size_t i) { if (i == 7) { throw std::runtime_error("x"); } }),
               std::runtime_error);
  int sum = 0;
  pool.parallel_for(1, [&](size_t) { ++sum; });
  EXPECT_EQ(sum, 1);
}

TEST(Rng, PermuteIsABijection) {
  for (const uint64_t size : {1, 2, 3, 7, 64, 1000, 4097}) {
    std::set<uint64_t> seen;
    for (uint64_t i = 0; i < size; ++i) {
      const uint64_t to = permute(i, size, 42);
      EXPECT_LT(to, size);
      seen.insert(to);
    }
    EXPECT_EQ(seen.size(), size);
  }
  EXPECT_NE(permute(1, 1000, 1), permute(1, 1000, 2));
}

TEST(Rng, BelowStaysBelow) {
  Rng rng(1);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_LT(rng.below(3), 3u);
  }
}

}  // namespace
}  // namespace athanor
