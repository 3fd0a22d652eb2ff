#include "athanor/run/journal.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "athanor/base/error.h"

namespace athanor {
namespace {

class Journal : public ::testing::Test {
 protected:
  void SetUp() override { fs::remove_all(dir_); }
  void TearDown() override { fs::remove_all(dir_); }
  fs::path dir_ = fs::temp_directory_path() / ("athanor-journal-" + std::to_string(getpid()));
};

TEST_F(Journal, KeepsWhatWasFinished) {
  {
    const PartJournal journal(dir_);
    journal.write("00002", [](const fs::path& folder) { write_file_atomic(folder / "a", "two"); });
    journal.write("00001", [](const fs::path& folder) { write_file_atomic(folder / "a", "one"); });
  }
  const PartJournal again(dir_);
  EXPECT_TRUE(again.has("00001"));
  EXPECT_FALSE(again.has("00003"));
  EXPECT_EQ(again.keys(), (std::vector<std::string>{"00001", "00002"}));
  EXPECT_EQ(read_file(again.path("00002") / "a"), "two");
}

TEST_F(Journal, KeepsNothingOfAPartThatFailed) {
  const PartJournal journal(dir_);
  EXPECT_THROW(journal.write("1",
                             [](const fs::path& folder) {
                               write_file_atomic(folder / "a", "x");
                               throw Error(ErrorKind::kInput, "broken");
                             }),
               Error);
  EXPECT_FALSE(journal.has("1"));
  EXPECT_TRUE(fs::is_empty(dir_));
}

TEST_F(Journal, ClearsItsOwnHalvesOnly) {
  fs::create_directories(dir_ / ".7.half-0-of-2");
  fs::create_directories(dir_ / ".8.half-1-of-2");
  const PartJournal journal(dir_, ShardOf{0, 2});
  EXPECT_FALSE(fs::exists(dir_ / ".7.half-0-of-2"));
  EXPECT_TRUE(fs::exists(dir_ / ".8.half-1-of-2"));
  EXPECT_TRUE(journal.keys().empty());
}

TEST_F(Journal, APartThatIsThereStays) {
  const PartJournal journal(dir_);
  journal.write("1", [](const fs::path& folder) { write_file_atomic(folder / "a", "first"); });
  journal.write("1", [](const fs::path& folder) { write_file_atomic(folder / "a", "second"); });
  EXPECT_EQ(read_file(journal.path("1") / "a"), "first");
}

TEST_F(Journal, LinksReplace) {
  fs::create_directories(dir_);
  write_file_atomic(dir_ / "a", "new");
  write_file_atomic(dir_ / "b", "old");
  link_file(dir_ / "a", dir_ / "b");
  EXPECT_EQ(read_file(dir_ / "b"), "new");
}

TEST(Shard, IsCountedFromZero) {
  const ShardOf shard = parse_shard("2/8");
  EXPECT_TRUE(shard.mine(10));
  EXPECT_FALSE(shard.mine(8));
  EXPECT_TRUE(parse_shard("0/1").whole());
  for (const char* bad : {"", "3", "8/8", "-1/4", "1/0", "1/2x", "a/b", "1/99999999"}) {
    EXPECT_THROW(parse_shard(bad), Error) << bad;
  }
}

}  // namespace
}  // namespace athanor
