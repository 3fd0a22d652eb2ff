// A reader of tar archives (POSIX ustar and pax, GNU long names), one member after another, from a stream.
//   TarReader tar(*stream, "a.tgz");
//   while (auto member = tar.next()) { ... tar.open_member() ... }
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "athanor/data/stream/stream.h"

namespace athanor {

struct TarMember {
  std::string name;  // relative, without "." and ".." parts
  uint64_t bytes = 0;
};

class TarReader {
 public:
  // `where` names the archive in errors. The stream must outlive this.
  TarReader(ByteStream& stream, std::string where);

  // The next regular file (folders, links and devices are passed over); nullopt at the end. Error(kInput) for a
  // broken or truncated archive, or a name that leads out of its folder.
  std::optional<TarMember> next();

  // The bytes of the member that next() returned; valid until next() is called again. A truncated archive is
  // its fault().
  std::unique_ptr<ByteStream> open_member();

 private:
  class MemberStream;
  struct Header;
  [[noreturn]] void fail(const std::string& what) const;
  bool read_block(char* block);
  std::string read_text(uint64_t bytes);
  void skip(uint64_t bytes);
  size_t read_some(char* buffer, size_t size);
  void apply_pax(const std::string& records, std::string& name, std::optional<uint64_t>& bytes) const;
  std::string checked_name(const std::string& name) const;

  ByteStream& stream_;
  std::string where_;
  uint64_t member_left_ = 0;   // unread bytes of the present member
  uint64_t padding_ = 0;       // zero bytes after it
};

}  // namespace athanor
