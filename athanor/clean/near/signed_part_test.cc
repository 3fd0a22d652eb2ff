// The file of signatures: round trips, and files that are not what they say.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/clean/near/part_set.h"
#include "athanor/clean/near/sort_runs.h"

namespace athanor {
namespace {

class Folder {
 public:
  Folder() {
    std::string path = (fs::temp_directory_path() / "athanor-near-XXXXXX").string();
    path_ = ::mkdtemp(path.data());
  }
  ~Folder() { fs::remove_all(path_); }
  fs::path operator/(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

constexpr char kSignature[] = R"({"method":"minhash"})";

void write_part(const fs::path& path, size_t rows, uint64_t seed) {
  SignedPartWriter writer(3, kSignature);
  for (size_t i = 0; i < rows; ++i) {
    const std::vector<uint64_t> keys{random_at(seed, i, 1), random_at(seed, i, 2), i};
    std::vector<uint32_t> shingles;
    for (uint32_t k = 0; k < i % 5; ++k) {
      shingles.push_back(static_cast<uint32_t>(10 * i + k));
    }
    const std::string id = "id" + std::string(i % 3, 'x') + std::to_string(i);
    writer.add({{i, seed}, {0.5 * static_cast<double>(i), 100 + i, static_cast<uint32_t>(i % 2), 0}, keys, shingles, id});
  }
  writer.finish(path);
  EXPECT_EQ(fs::file_size(path), writer.bytes());
}

TEST(SignedPart, ReadsWhatWasWritten) {
  const Folder folder;
  write_part(folder / "a", 10, 1);
  write_part(folder / "b", 0, 2);
  write_part(folder / "c", 7, 3);
  for (const bool keep_open : {true, false}) {
    const SignedPart part(folder / "a", keep_open);
    part.verify();
    EXPECT_EQ(part.signature(), kSignature);
    EXPECT_EQ(part.digests(3, 2), (std::vector<TextDigest>{{3, 1}, {4, 1}}));
    EXPECT_EQ(part.keys(2, 8, 2), (std::vector<uint64_t>{8, 9}));
    EXPECT_EQ(part.keys(1, 0, 1)[0], random_at(1, 0, 2));
    EXPECT_EQ(part.ranks(4, 1)[0].num_shingles, 4u);
    EXPECT_EQ(part.ranks(4, 1)[0].bytes, 104u);
    EXPECT_EQ(part.id(0), "id0");
    EXPECT_EQ(part.ids(4, 2), (std::vector<std::string>{"idx4", "idxx5"}));
    std::vector<uint32_t> shingles;
    part.shingles(7, shingles);
    EXPECT_EQ(shingles, (std::vector<uint32_t>{70, 71}));
    part.shingles(5, shingles);
    EXPECT_TRUE(shingles.empty());
  }
  const PartSet set({folder / "a"}, {folder / "b", folder / "c"});
  EXPECT_EQ(set.num_rows(), 17u);
  EXPECT_EQ(set.num_held(), 10u);
  EXPECT_EQ(set.id(9), "id9");
  EXPECT_EQ(set.id(10), "id0");
  EXPECT_EQ(set.locate(16).second, 6u);
}

TEST(SignedPart, ADamagedFileIsSaidNotRead) {
  const Folder folder;
  write_part(folder / "a", 10, 1);
  const std::string good = read_file(folder / "a");
  size_t refused = 0;
  for (size_t at = 0; at < good.size(); ++at) {  // every byte changed, every length cut
    for (const bool cut : {false, true}) {
      std::string bad = good;
      if (cut) {
        bad.resize(at);
      } else {
        bad[at] = static_cast<char>(bad[at] ^ 0x41);
      }
      {
        FileWriter file(folder / "bad");
        file.write(bad);
      }
      try {
        const SignedPart part(folder / "bad");
        for (uint64_t row = 0; row < part.num_rows(); ++row) {
          std::vector<uint32_t> shingles;
          try {
            part.id(row);
            part.shingles(row, shingles);
            part.ids(0, part.num_rows());
          } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::kInput);
          }
        }
        part.verify();
        ADD_FAILURE() << "byte " << at << (cut ? " cut" : " changed") << " was not noticed";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput);
        ++refused;
      }
    }
  }
  EXPECT_EQ(refused, 2 * good.size());
}

TEST(DedupIndex, FolderIsCheckedBeforeUse) {
  const Folder folder;
  write_part(folder / "part-000000.near", 10, 1);
  write_dedup_index(folder.path(), {"part-000000.near"}, kSignature, 10);
  EXPECT_EQ(open_dedup_index(folder.path(), kSignature).size(), 1u);
  const auto message = [&](const std::string& signature) -> std::string {
    try {
      open_dedup_index(folder.path(), signature);
    } catch (const Error& error) {
      return error.message();
    }
    return "";
  };
  EXPECT_EQ(message(R"({"method":"exact"})"),
            "the index was made with other options: method is \"exact\" here and \"minhash\" in the index");
  write_dedup_index(folder.path(), {"../part-000000.near"}, kSignature, 10);
  EXPECT_EQ(message(kSignature), "names a part that is no file beside it");
  write_file_atomic(folder / "index.json", "[1, 2");
  EXPECT_EQ(message(kSignature), "is not a JSON object");
  fs::remove(folder / "index.json");
  EXPECT_EQ(message(kSignature), "there is no dedup index here");
}

struct Number {
  uint64_t value;
  bool operator<(const Number& other) const { return value < other.value; }
};

TEST(RunSorter, OrderDoesNotDependOnMemoryOrThreads) {
  std::vector<uint64_t> expected;
  for (uint64_t i = 0; i < 100000; ++i) {
    expected.push_back(random_at(1, i) % 50000);
  }
  const std::vector<uint64_t> given = expected;
  std::sort(expected.begin(), expected.end());
  for (const uint64_t memory : {uint64_t{0}, uint64_t{100000}, uint64_t{1} << 30}) {
    for (const int threads : {1, 3}) {
      ThreadPool pool(threads);
      RunSorter<Number> sorter(memory, fs::temp_directory_path().string(), pool);
      for (const uint64_t value : given) {
        sorter.add({value});
      }
      EXPECT_EQ(sorter.bytes_on_disk() > 0, memory < (uint64_t{1} << 30));
      std::vector<uint64_t> got;
      sorter.drain([&](const Number& number) { got.push_back(number.value); });
      EXPECT_EQ(got, expected);
    }
  }
  ThreadPool pool(2);
  RunSorter<Number> empty(0, "/nowhere", pool);
  empty.drain([](const Number&) { FAIL(); });
}

}  // namespace
}  // namespace athanor
