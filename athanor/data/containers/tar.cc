#include "athanor/data/containers/tar.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstring>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr size_t kBlock = 512;
constexpr uint64_t kMaxTextBytes = 1 << 20;  // of a pax header or a long name

uint64_t padding_of(uint64_t bytes) { return (kBlock - bytes % kBlock) % kBlock; }

// A NUL- or space-ended octal field; GNU's base-256 for large sizes. nullopt when it is neither.
std::optional<uint64_t> number_field(const char* field, size_t size) {
  uint64_t value = 0;
  if ((static_cast<uint8_t>(field[0]) & 0x80) != 0) {
    value = static_cast<uint8_t>(field[0]) & 0x7f;
    for (size_t i = 1; i < size; ++i) {
      if (value >> 56 != 0) {
        return std::nullopt;
      }
      value = value << 8 | static_cast<uint8_t>(field[i]);
    }
    return value;
  }
  size_t i = 0;
  while (i < size && field[i] == ' ') {
    ++i;
  }
  for (; i < size && field[i] >= '0' && field[i] <= '7'; ++i) {
    value = value << 3 | static_cast<uint64_t>(field[i] - '0');
  }
  if (i < size && field[i] != '\0' && field[i] != ' ') {
    return std::nullopt;
  }
  return value;
}

std::string text_field(const char* field, size_t size) { return std::string(field, ::strnlen(field, size)); }

}  // namespace

struct TarReader::Header {
  char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100], magic[6], version[2],
      user[32], group[32], major[8], minor[8], prefix[155], rest[12];

  bool sums_up() const {
    uint64_t sum = 0;
    for (size_t i = 0; i < kBlock; ++i) {
      const bool in_checksum = i >= offsetof(Header, checksum) && i < offsetof(Header, type);
      sum += in_checksum ? ' ' : reinterpret_cast<const uint8_t*>(this)[i];
    }
    return number_field(checksum, sizeof checksum) == sum;
  }
};

class TarReader::MemberStream : public ByteStream {
 public:
  explicit MemberStream(TarReader& tar) : tar_(tar) {}
  size_t read(char* buffer, size_t size) override {
    const size_t want = static_cast<size_t>(std::min<uint64_t>(size, tar_.member_left_));
    if (want == 0 || fault_) {
      return 0;
    }
    const size_t n = tar_.read_some(buffer, want);
    if (n == 0) {
      fault_ = StreamFault{tar_.stream_.fault() ? tar_.stream_.fault()->reason : "truncated tar", position_};
    }
    tar_.member_left_ -= n;
    position_ += n;
    return n;
  }
  const std::optional<StreamFault>& fault() const override { return fault_; }
  uint64_t file_position() const override { return position_; }

 private:
  TarReader& tar_;
  uint64_t position_ = 0;
  std::optional<StreamFault> fault_;
};

TarReader::TarReader(ByteStream& stream, std::string where) : stream_(stream), where_(std::move(where)) {
  static_assert(sizeof(Header) == kBlock);
}

void TarReader::fail(const std::string& what) const {
  throw Error(ErrorKind::kInput, "is not a whole tar archive: " + what, where_, "download it again");
}

size_t TarReader::read_some(char* buffer, size_t size) { return stream_.read(buffer, size); }

bool TarReader::read_block(char* block) {
  size_t used = 0;
  while (used < kBlock) {
    const size_t n = read_some(block + used, kBlock - used);
    if (n == 0) {
      break;
    }
    used += n;
  }
  if (stream_.fault() || (used != 0 && used != kBlock)) {
    fail(stream_.fault() ? stream_.fault()->reason : "it ends inside a header");
  }
  return used == kBlock;
}

std::string TarReader::read_text(uint64_t bytes) {
  if (bytes > kMaxTextBytes) {
    fail("a header of " + std::to_string(bytes) + " bytes");
  }
  std::string text(static_cast<size_t>(bytes), '\0');
  size_t used = 0;
  while (used < text.size()) {
    const size_t n = read_some(text.data() + used, text.size() - used);
    if (n == 0) {
      fail("it ends inside a header");
    }
    used += n;
  }
  skip(padding_of(bytes));
  return text;
}

void TarReader::skip(uint64_t bytes) {
  char block[16 << 10];
  while (bytes > 0) {
    const size_t n = read_some(block, static_cast<size_t>(std::min<uint64_t>(sizeof block, bytes)));
    if (n == 0) {
      fail(stream_.fault() ? stream_.fault()->reason : "it ends inside a member");
    }
    bytes -= n;
  }
}

// Records "length key=value\n".
void TarReader::apply_pax(const std::string& records, std::string& name, std::optional<uint64_t>& bytes) const {
  size_t at = 0;
  while (at < records.size()) {
    size_t length = 0;
    const char* begin = records.data() + at;
    const char* limit = records.data() + records.size();
    const auto [digits_end, code] = std::from_chars(begin, limit, length);
    const size_t digits = static_cast<size_t>(digits_end - begin);
    if (code != std::errc() || length < digits + 3 || length > records.size() - at || *digits_end != ' ' ||
        records[at + length - 1] != '\n') {
      fail("a broken pax header");
    }
    const std::string record = records.substr(at + digits + 1, length - digits - 2);
    const size_t equals = record.find('=');
    if (equals == std::string::npos) {
      fail("a broken pax header");
    }
    const std::string value = record.substr(equals + 1);
    if (record.compare(0, equals, "path") == 0) {
      name = value;
    } else if (record.compare(0, equals, "size") == 0) {
      uint64_t size = 0;
      const auto parsed = std::from_chars(value.data(), value.data() + value.size(), size);
      if (parsed.ec != std::errc() || parsed.ptr != value.data() + value.size()) {
        fail("a broken pax size");
      }
      bytes = size;
    }
    at += length;
  }
}

std::string TarReader::checked_name(const std::string& name) const {
  const fs::path path(name);
  fs::path clean;
  for (const fs::path& part : path) {
    if (part == "..") {
      fail("the member '" + name.substr(0, 200) + "' leads out of its folder");
    }
    if (part != "." && !part.empty()) {
      clean /= part;
    }
  }
  if (path.is_absolute() || name.find('\0') != std::string::npos || clean.empty()) {
    fail("the member '" + name.substr(0, 200) + "' has a name that is not relative");
  }
  return clean.generic_string();
}

std::optional<TarMember> TarReader::next() {
  skip(member_left_);
  skip(padding_);
  member_left_ = padding_ = 0;
  std::string long_name;
  std::optional<uint64_t> pax_bytes;
  while (true) {
    Header header;
    if (!read_block(reinterpret_cast<char*>(&header))) {
      return std::nullopt;  // archives without their two zero blocks are common enough
    }
    if (header.name[0] == '\0' && std::all_of(reinterpret_cast<char*>(&header),
                                              reinterpret_cast<char*>(&header) + kBlock,
                                              [](char c) { return c == '\0'; })) {
      return std::nullopt;
    }
    const std::optional<uint64_t> size = number_field(header.size, sizeof header.size);
    if (!header.sums_up() || !size) {
      fail("a header with a wrong checksum");
    }
    if (header.type == 'x' || header.type == 'L') {
      const std::string text = read_text(*size);
      if (header.type == 'L') {
        long_name = text.c_str();
      } else {
        apply_pax(text, long_name, pax_bytes);
      }
      continue;
    }
    const uint64_t bytes = pax_bytes.value_or(*size);
    if (bytes > UINT64_MAX - kBlock) {
      fail("an impossible size");
    }
    std::string name = text_field(header.name, sizeof header.name);
    const std::string prefix = text_field(header.prefix, sizeof header.prefix);
    if (std::memcmp(header.magic, "ustar\0", 6) == 0 && !prefix.empty()) {
      name = prefix + "/" + name;
    }
    if (!long_name.empty()) {
      name = long_name;
    }
    long_name.clear();
    pax_bytes.reset();
    if (header.type == '0' || header.type == '\0' || header.type == '7') {
      member_left_ = bytes;
      padding_ = padding_of(bytes);
      return TarMember{checked_name(name), bytes};
    }
    // Links and folders have no bytes even where an old tar wrote a size; a global pax header has.
    if (header.type == 'g' || header.type == 'K') {
      skip(bytes);
      skip(padding_of(bytes));
    }
  }
}

std::unique_ptr<ByteStream> TarReader::open_member() { return std::make_unique<MemberStream>(*this); }

}  // namespace athanor
