// The GGUF container (ggml-org/ggml, docs/gguf.md), versions 2 and 3, little-endian: typed metadata, a table of
// tensors, their data. The whole header is checked when it is read; a tensor's data when it is asked for, so that
// the metadata of a file that is still being copied can be read.
//
//   const auto file = GgufFile::open("model.gguf");
//   file.text("tokenizer.ggml.model");                  // "gpt2"
//   file.find("tokenizer.ggml.tokens")->strings()[0];   // points into the mapped file
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/file.h"

namespace athanor {

enum class GgufType : uint32_t {
  kUint8 = 0, kInt8, kUint16, kInt16, kUint32, kInt32, kFloat32, kBool, kString, kArray, kUint64, kInt64, kFloat64
};
const char* name_of(GgufType type);

// One value of the metadata. Integers, bools and floats are read as number(); text lies in the file.
class GgufValue {
 public:
  GgufType type = GgufType::kUint8;
  GgufType item_type = GgufType::kUint8;  // of an array
  uint64_t count = 0;                     // items of an array; 1 otherwise

  bool is_integer() const;        // a scalar of an integer type
  bool is_integer_array() const;
  int64_t integer(uint64_t index = 0) const;  // of an integer or bool; a u64 past int64's end is an Error(kInput)
  double number(uint64_t index = 0) const;    // of any number
  bool boolean() const { return integer() != 0; }
  std::string_view text() const { return texts_.at(0); }
  const std::vector<std::string_view>& strings() const { return texts_; }  // of a string array
  const std::vector<GgufValue>& items() const { return items_; }           // of an array of arrays

 private:
  friend class GgufParser;
  GgufType number_type() const { return type == GgufType::kArray ? item_type : type; }
  std::span<const uint8_t> raw_;  // numbers, as they lie in the file
  std::vector<std::string_view> texts_;
  std::vector<GgufValue> items_;
};

struct GgufTensor {
  std::string name;
  std::vector<int64_t> shape;  // slowest first (row-major, as in safetensors): the reverse of the file's order
  uint32_t type = 0;           // ggml_type
  uint64_t offset = 0;         // from the start of the data
  std::optional<uint64_t> bytes;  // none for a type that is not known here
};

class GgufFile {
 public:
  // Error(kInput) names the key or the tensor and the byte.
  static GgufFile open(const fs::path& path);
  static GgufFile from_bytes(std::string bytes, const std::string& where);
  static bool is_gguf(std::string_view begin) { return begin.starts_with("GGUF"); }

  uint32_t version() const { return version_; }
  const std::vector<std::pair<std::string, GgufValue>>& metadata() const { return metadata_; }  // in file order
  const GgufValue* find(std::string_view key) const;                                           // nullptr: not there
  // Error(kInput) when the key has another type; the fallback when it is not there.
  std::string text(std::string_view key, const std::string& fallback = "") const;
  std::optional<int64_t> integer(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  const std::vector<std::string_view>* strings(std::string_view key) const;  // nullptr: not there

  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  // Error(kInput) when the file ends before the tensor does, or its type is not known.
  std::span<const uint8_t> tensor_bytes(const GgufTensor& tensor) const;
  const std::string& where() const { return where_; }

 private:
  friend class GgufParser;
  std::string_view bytes() const { return path_given_ ? file_.text() : std::string_view(*held_); }
  std::string where_;
  bool path_given_ = false;
  MappedFile file_;
  std::unique_ptr<std::string> held_;  // stays in place when this object moves
  uint32_t version_ = 0;
  std::vector<std::pair<std::string, GgufValue>> metadata_;
  std::map<std::string, size_t, std::less<>> index_;
  std::vector<GgufTensor> tensors_;
  uint64_t data_begin_ = 0;
};

// Metadata for a file without tensors (a vocabulary). Version 3; keys in the order given.
class GgufWriter {
 public:
  void text(std::string_view key, std::string_view value);
  void uint32(std::string_view key, uint32_t value);
  void float32(std::string_view key, float value);
  void boolean(std::string_view key, bool value);
  void strings(std::string_view key, std::span<const std::string> values);
  void floats(std::string_view key, std::span<const float> values);
  void int32s(std::string_view key, std::span<const int32_t> values);
  void uint8s(std::string_view key, std::string_view bytes);
  std::string bytes() const;  // the whole file

 private:
  void key(std::string_view key, GgufType type);
  void array(std::string_view key, GgufType item_type, uint64_t count);
  std::string body_;
  uint64_t count_ = 0;
};

}  // namespace athanor
