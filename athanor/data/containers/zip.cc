#include "athanor/data/containers/zip.h"

#include <zlib.h>

#include <algorithm>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr size_t kEndBytes = 22;        // of the end record, without its comment
constexpr size_t kMaxComment = 65535;
constexpr size_t kEntryBytes = 46;      // of a directory entry, without its texts
constexpr size_t kLocalBytes = 30;
constexpr uint32_t kEndMark = 0x06054b50;
constexpr uint32_t kEntryMark = 0x02014b50;
constexpr uint32_t kLocalMark = 0x04034b50;
constexpr uint16_t kEncrypted = 1;
constexpr uint32_t kZip64 = 0xffffffff;

// Little-endian numbers of a stretch that is known to hold them.
uint32_t number_at(std::string_view bytes, size_t at, size_t size) {
  uint32_t value = 0;
  for (size_t i = 0; i < size; ++i) {
    value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[at + i])) << (8 * i);
  }
  return value;
}

[[noreturn]] void fail(const std::string& what, const std::string& where) {
  throw Error(ErrorKind::kInput, "the zip archive " + what, where);
}

size_t find_end(std::string_view archive, const std::string& where) {
  if (archive.size() >= kEndBytes) {
    const size_t last = archive.size() - kEndBytes;
    for (size_t back = 0; back <= std::min(last, kMaxComment); ++back) {
      if (number_at(archive, last - back, 4) == kEndMark) {
        return last - back;
      }
    }
  }
  fail("has no directory: it is truncated, or something else", where);
}

std::string checked_name(std::string_view name, const std::string& where) {
  std::string clean;
  size_t begin = 0;
  while (begin <= name.size()) {
    const size_t end = std::min(name.find('/', begin), name.size());
    const std::string_view part = name.substr(begin, end - begin);
    if (part == "..") {
      fail("holds a name that leads out of its folder: " + std::string(name.substr(0, 200)), where);
    }
    if (!part.empty() && part != ".") {
      clean += (clean.empty() ? "" : "/") + std::string(part);
    }
    begin = end + 1;
  }
  return clean;
}

bool inflate_member(std::string_view packed, uint64_t size, std::string& bytes) {
  bytes.resize(size);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) {
    return false;
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(bytes.data());
  stream.avail_out = static_cast<uInt>(size);
  const int result = inflate(&stream, Z_FINISH);
  const bool good = result == Z_STREAM_END && stream.total_out == size;
  inflateEnd(&stream);
  return good;
}

}  // namespace

std::vector<ZipMember> zip_members(std::string_view archive, const std::string& where) {
  const size_t end = find_end(archive, where);
  const uint32_t count = number_at(archive, end + 10, 2);
  const uint64_t size = number_at(archive, end + 12, 4);
  const uint64_t begin = number_at(archive, end + 16, 4);
  if (begin == kZip64 || count == 0xffff) {
    fail("is a zip64 archive, which is not read", where);
  }
  if (begin > end || size > end - begin) {
    fail("is damaged: its directory lies outside of it", where);
  }
  std::vector<ZipMember> members;
  std::string_view entries = archive.substr(begin, size);
  for (uint32_t i = 0; i < count; ++i) {
    if (entries.size() < kEntryBytes || number_at(entries, 0, 4) != kEntryMark) {
      fail("is damaged: entry " + std::to_string(i) + " of its directory", where);
    }
    const size_t name = number_at(entries, 28, 2);
    const size_t all = kEntryBytes + name + number_at(entries, 30, 2) + number_at(entries, 32, 2);
    if (all > entries.size()) {
      fail("is damaged: entry " + std::to_string(i) + " of its directory", where);
    }
    const std::string_view written = entries.substr(kEntryBytes, name);
    ZipMember member;
    member.name = checked_name(written, where);
    member.flags = static_cast<uint16_t>(number_at(entries, 8, 2));
    member.method = static_cast<uint16_t>(number_at(entries, 10, 2));
    member.crc = number_at(entries, 16, 4);
    member.packed_bytes = number_at(entries, 20, 4);
    member.bytes = number_at(entries, 24, 4);
    member.header = number_at(entries, 42, 4);
    if (!member.name.empty() && !written.ends_with('/')) {
      members.push_back(std::move(member));
    }
    entries.remove_prefix(all);
  }
  return members;
}

bool read_zip_member(std::string_view archive, const ZipMember& member, uint64_t max_bytes, std::string& bytes,
                     std::string& reason) {
  if ((member.flags & kEncrypted) != 0) {
    reason = "encrypted zip member";
    return false;
  }
  if (member.bytes > max_bytes || member.bytes == kZip64) {
    reason = "file too large";
    return false;
  }
  reason = "damaged zip member";
  if (member.header > archive.size() || archive.size() - member.header < kLocalBytes ||
      number_at(archive, member.header, 4) != kLocalMark) {
    return false;
  }
  const uint64_t begin =
      member.header + kLocalBytes + number_at(archive, member.header + 26, 2) + number_at(archive, member.header + 28, 2);
  if (begin > archive.size() || member.packed_bytes > archive.size() - begin) {
    return false;
  }
  const std::string_view packed = archive.substr(begin, member.packed_bytes);
  if (member.method == 0 && member.packed_bytes == member.bytes) {
    bytes = packed;
  } else if (member.method != 8) {
    reason = member.method == 0 ? reason : "zip member of a method that is not known";
    return false;
  } else if (member.bytes / 1100 > member.packed_bytes || !inflate_member(packed, member.bytes, bytes)) {
    return false;  // deflate cannot shrink by more than 1032 times
  }
  if (crc32(crc32(0, nullptr, 0), reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size())) !=
      member.crc) {
    return false;
  }
  reason.clear();
  return true;
}

ZipFile ZipFile::open(const fs::path& path) {
  ZipFile zip;
  zip.file_ = MappedFile(path);
  zip.members_ = zip_members(zip.file_.text(), path.string());
  return zip;
}

}  // namespace athanor
