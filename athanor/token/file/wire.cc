#include "athanor/token/file/wire.h"

#include <cstring>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"

namespace athanor::token {

namespace {

constexpr uint32_t kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5;

void put_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    out += static_cast<char>(value | 0x80);
  }
  out += static_cast<char>(value);
}

}  // namespace

void WireReader::fail(const std::string& what) const {
  throw Error(ErrorKind::kInput, "field '" + name_ + "' " + what + " (at byte " + std::to_string(offset_ + at_) + ")",
              *where_, "is this a whole SentencePiece model? Copy or download it again");
}

uint64_t WireReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ >= bytes_.size()) {
      fail("ends inside a number");
    }
    const uint8_t byte = static_cast<uint8_t>(bytes_[at_++]);
    value |= uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) {
      return value;
    }
  }
  fail("holds a number of more than 64 bits");
}

bool WireReader::next() {
  if (at_ >= bytes_.size()) {
    return false;
  }
  const uint64_t tag = varint();
  if (tag >> 3 == 0 || tag >> 3 >= (1U << 29)) {
    fail("holds the impossible field number " + std::to_string(tag >> 3));
  }
  field_ = static_cast<uint32_t>(tag >> 3);
  type_ = static_cast<uint32_t>(tag & 7);
  if (type_ == kVarint) {
    value_begin_ = at_;
    number_ = varint();
    return true;
  }
  if (type_ != kLength && type_ != kFixed32 && type_ != kFixed64) {
    fail("holds the wire type " + std::to_string(type_) + ", which is not read");
  }
  const uint64_t size = type_ == kLength ? varint() : type_ == kFixed32 ? 4 : 8;
  if (size > bytes_.size() - at_) {
    fail("claims " + std::to_string(size) + " bytes where " + std::to_string(bytes_.size() - at_) + " are left");
  }
  value_begin_ = at_;
  text_ = bytes_.substr(at_, size);
  at_ += size;
  return true;
}

void WireReader::want(uint32_t type, const char* name) const {
  if (type_ != type) {
    fail("has '" + std::string(name) + "' with the wire type " + std::to_string(type_) + ", not " +
         std::to_string(type));
  }
}

uint64_t WireReader::integer(const char* name) {
  want(kVarint, name);
  return number_;
}

int32_t WireReader::int32(const char* name) {
  const int64_t value = static_cast<int64_t>(integer(name));
  if (value < std::numeric_limits<int32_t>::min() || value > std::numeric_limits<int32_t>::max()) {
    fail("has '" + std::string(name) + "' outside 32 bits");
  }
  return static_cast<int32_t>(value);
}

float WireReader::float32(const char* name) {
  want(kFixed32, name);
  float value;
  std::memcpy(&value, text_.data(), sizeof(value));
  return value;
}

std::string_view WireReader::bytes(const char* name) {
  want(kLength, name);
  return text_;
}

std::string WireReader::string(const char* name) {
  want(kLength, name);
  if (!is_valid_utf8(text_)) {
    fail("has '" + std::string(name) + "' that is not UTF-8");
  }
  return std::string(text_);
}

void put_integer(std::string& out, uint32_t field, int64_t value) {
  put_varint(out, uint64_t{field} << 3 | kVarint);
  put_varint(out, static_cast<uint64_t>(value));
}

void put_float(std::string& out, uint32_t field, float value) {
  put_varint(out, uint64_t{field} << 3 | kFixed32);
  char bytes[sizeof(value)];
  std::memcpy(bytes, &value, sizeof(value));
  out.append(bytes, sizeof(bytes));
}

void put_bytes(std::string& out, uint32_t field, std::string_view value) {
  put_varint(out, uint64_t{field} << 3 | kLength);
  put_varint(out, value.size());
  out += value;
}

}  // namespace athanor::token
