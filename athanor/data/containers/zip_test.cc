#include "athanor/data/containers/zip.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "athanor/base/error.h"

namespace athanor {
namespace {

// Python's zipfile: b.txt stored ("stored text"), a/c.txt deflated ("furnace " x 20), a folder d/.
std::string fixture() { return read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/data/three.zip", 1 << 20); }

TEST(Zip, StoredAndDeflatedMembers) {
  const std::string archive = fixture();
  const auto members = zip_members(archive, "three.zip");
  ASSERT_EQ(members.size(), 2);
  std::string bytes;
  std::string reason;
  EXPECT_EQ(members[0].name, "b.txt");
  ASSERT_TRUE(read_zip_member(archive, members[0], 1000, bytes, reason));
  EXPECT_EQ(bytes, "stored text");
  EXPECT_EQ(members[1].name, "a/c.txt");
  ASSERT_TRUE(read_zip_member(archive, members[1], 1000, bytes, reason));
  EXPECT_EQ(bytes.size(), 160);
  EXPECT_EQ(bytes.substr(0, 16), "furnace furnace ");
  EXPECT_FALSE(read_zip_member(archive, members[1], 100, bytes, reason));
  EXPECT_EQ(reason, "file too large");
}

TEST(Zip, EveryCutIsNamed) {
  const std::string archive = fixture();
  for (size_t size = 0; size < archive.size(); ++size) {
    EXPECT_THROW(zip_members(std::string_view(archive).substr(0, size), "cut.zip"), Error) << size;
  }
}

TEST(Zip, AFlippedByteIsNeverTakenForTheTruth) {
  const std::string whole = fixture();
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string archive = whole;
    archive[i] = static_cast<char>(archive[i] ^ 0x55);
    try {
      for (const ZipMember& member : zip_members(archive, "flipped.zip")) {
        std::string bytes;
        std::string reason;
        if (read_zip_member(archive, member, 1 << 20, bytes, reason)) {
          EXPECT_TRUE(bytes.empty() || bytes == "stored text" || bytes.substr(0, 16) == "furnace furnace ") << i;
        } else {
          EXPECT_FALSE(reason.empty());
        }
      }
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
    }
  }
}

TEST(Zip, RealArchive) {
  const char* data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const ZipFile zip = ZipFile::open(fs::path(data) / "timeseries/IndoorMovement.zip");
  EXPECT_EQ(zip.members().size(), 320);  // of 322 entries two are folders
  std::string bytes;
  std::string reason;
  for (const ZipMember& member : zip.members()) {
    EXPECT_TRUE(zip.read(member, uint64_t{1} << 30, bytes, reason)) << member.name << ": " << reason;
  }
}

}  // namespace
}  // namespace athanor
