// Zip archives (PKWARE's APPNOTE 6.3): the central directory, stored and deflated members, each checked by its CRC-32.
// Not read: zip64, encryption, other methods, several disks.
//
//   const ZipFile zip = ZipFile::open("a.zip");
//   for (const ZipMember& member : zip.members()) { std::string bytes; zip.read(member, bytes, reason); }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/file.h"

namespace athanor {

struct ZipMember {
  std::string name;  // relative, without "." and ".." parts
  uint64_t bytes = 0;
  uint64_t packed_bytes = 0;
  uint32_t crc = 0;
  uint16_t method = 0;
  uint16_t flags = 0;
  uint64_t header = 0;  // where its local header begins
};

// The files of an archive in memory, in the order of its directory; folders are passed over. Error(kInput) with `where`
// for a directory that is damaged, or a name that leads out of its folder.
std::vector<ZipMember> zip_members(std::string_view archive, const std::string& where);

// A member's bytes. False with a short reason: damage, encryption, a method that is not known, more than max_bytes.
bool read_zip_member(std::string_view archive, const ZipMember& member, uint64_t max_bytes, std::string& bytes,
                     std::string& reason);

class ZipFile {
 public:
  static ZipFile open(const fs::path& path);
  const std::vector<ZipMember>& members() const { return members_; }
  bool read(const ZipMember& member, uint64_t max_bytes, std::string& bytes, std::string& reason) const {
    return read_zip_member(file_.text(), member, max_bytes, bytes, reason);
  }

 private:
  MappedFile file_;
  std::vector<ZipMember> members_;
};

}  // namespace athanor
