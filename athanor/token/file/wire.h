// The wire format of protocol buffers (protobuf.dev, "Encoding"): enough of it to read and write a SentencePiece
// model. Groups are refused; unknown fields are given to the caller, who leaves them.
//
//   for (WireReader reader(bytes, where, "trainer_spec"); reader.next();)
//     if (reader.field() == 3) { type = reader.integer(); }
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace athanor::token {

class WireReader {
 public:
  // name: the message's field, for complaints; offset: where bytes begin in the file.
  WireReader(std::string_view bytes, const std::string& where, std::string name, uint64_t offset = 0)
      : bytes_(bytes), where_(&where), name_(std::move(name)), offset_(offset) {}

  bool next();  // to the next field; false at the end. Error(kInput) with name and byte when it is not whole
  uint32_t field() const { return field_; }
  uint64_t begin() const { return offset_ + value_begin_; }  // byte in the file of the value

  // The value, when its wire type is the one asked for; Error(kInput) otherwise.
  uint64_t integer(const char* name);
  bool boolean(const char* name) { return integer(name) != 0; }
  int32_t int32(const char* name);  // Error when it does not fit
  float float32(const char* name);
  std::string_view bytes(const char* name);
  std::string string(const char* name);  // bytes that must be UTF-8

  [[noreturn]] void fail(const std::string& what) const;

 private:
  uint64_t varint();
  void want(uint32_t type, const char* name) const;

  std::string_view bytes_;
  const std::string* where_;
  std::string name_;
  uint64_t offset_;
  size_t at_ = 0, value_begin_ = 0;
  uint32_t field_ = 0, type_ = 0;
  uint64_t number_ = 0;
  std::string_view text_;
};

// Appends one field to a message.
void put_integer(std::string& out, uint32_t field, int64_t value);
void put_float(std::string& out, uint32_t field, float value);
void put_bytes(std::string& out, uint32_t field, std::string_view value);

}  // namespace athanor::token
