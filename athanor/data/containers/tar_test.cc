// The tar reader: members, long names, and archives that lie.
#include "athanor/data/containers/tar.h"

#include <gtest/gtest.h>

#include <map>

#include "athanor/base/rng.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/data/testing/test_tar.h"

namespace athanor {
namespace {

std::map<std::string, std::string> read_tar(const std::string& bytes) {
  static const fs::path path = scratch("tar") / "a.tar";
  put_file(path, bytes);
  const auto stream = open_stream(path);
  TarReader tar(*stream, "a.tar");
  std::map<std::string, std::string> members;
  while (const auto member = tar.next()) {
    if (members.size() % 2 == 1) {  // every other one is passed over unread
      members[member->name] = "";
      continue;
    }
    const auto bytes_of = tar.open_member();
    members[member->name] = *read_all(*bytes_of, 1 << 20);
    EXPECT_TRUE(bytes_of->fault() || members[member->name].size() == member->bytes);
  }
  return members;
}

std::string pax(const std::string& key, const std::string& value) {
  const std::string body = " " + key + "=" + value + "\n";
  size_t length = body.size() + 1;
  while (std::to_string(length).size() + body.size() != length) {
    ++length;
  }
  return std::to_string(length) + body;
}

TEST(Tar, MembersWithShortAndLongNames) {
  const std::string deep = std::string(90, 'd') + "/" + std::string(90, 'e') + "/f.txt";
  const auto members = read_tar(gzip(
      tar_member("package/", "", '5') + tar_member("package/a.txt", std::string(700, 'a')) +
      tar_member("package/link", "", '2') + tar_member("./skip.md", "skipped") +
      tar_member("x", pax("mtime", "1.5") + pax("path", deep), 'x') + tar_member("short", "pax") +
      tar_member("y", "never read") + tar_member("././@LongLink", "g/" + deep + std::string(1, '\0'), 'L') +
      tar_member("short2", "gnu") + kTarEnd));
  ASSERT_EQ(members.size(), 5u);
  EXPECT_EQ(members.at("package/a.txt"), std::string(700, 'a'));
  EXPECT_EQ(members.at(deep), "pax");
  EXPECT_EQ(members.at("g/" + deep), "gnu");
  EXPECT_TRUE(members.contains("skip.md"));
  EXPECT_TRUE(read_tar(kTarEnd).empty());
  EXPECT_TRUE(read_tar("").empty());
}

TEST(Tar, NamesThatLeadOutAreRefused) {
  for (const char* name : {"../a.txt", "a/../../b.txt", "/etc/passwd", ".."}) {
    const Error error = error_of([&] { read_tar(tar_member(name, "x") + kTarEnd); });
    EXPECT_EQ(error.kind(), ErrorKind::kInput) << name;
  }
  EXPECT_EQ(error_of([] { read_tar(tar_member("x", pax("path", "../z"), 'x') + tar_member("s", "x")); }).kind(),
            ErrorKind::kInput);
}

TEST(Tar, CutsAndFlipsAreErrorsOrTheSame) {
  const std::string good = tar_member("a", std::string(600, 'a')) + tar_member("x", pax("path", "bb"), 'x') +
                           tar_member("b", std::string(10, 'b')) + kTarEnd;
  Rng rng(29);
  int noticed = 0;
  for (size_t i = 0; i < 1500; ++i) {
    std::string bad = good;
    if (i % 2 == 0) {
      bad.resize(rng.below(bad.size()));
    } else {
      bad[rng.below(bad.size())] = static_cast<char>(rng.below(256));
    }
    try {
      read_tar(bad);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      EXPECT_EQ(error.where(), "a.tar");
      ++noticed;
    }
  }
  EXPECT_GT(noticed, 500);
  EXPECT_EQ(error_of([] { read_tar(tar_member("x", "99999 path=z\n", 'x')); }).kind(), ErrorKind::kInput);
  EXPECT_EQ(error_of([] { read_tar(tar_member("x", pax("size", "-1"), 'x')); }).kind(), ErrorKind::kInput);
}

}  // namespace
}  // namespace athanor
