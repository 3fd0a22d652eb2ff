#include <cstring>

#include "athanor/data/gguf.h"

namespace athanor {

namespace {

constexpr uint32_t kVersion = 3;

template <typename T>
void put(std::string& out, T value) {
  char bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  out.append(bytes, sizeof(T));
}

void put_text(std::string& out, std::string_view text) {
  put(out, uint64_t{text.size()});
  out += text;
}

}  // namespace

void GgufWriter::key(std::string_view key, GgufType type) {
  put_text(body_, key);
  put(body_, static_cast<uint32_t>(type));
  ++count_;
}

void GgufWriter::array(std::string_view name, GgufType item_type, uint64_t count) {
  key(name, GgufType::kArray);
  put(body_, static_cast<uint32_t>(item_type));
  put(body_, count);
}

void GgufWriter::text(std::string_view name, std::string_view value) {
  key(name, GgufType::kString);
  put_text(body_, value);
}

void GgufWriter::uint32(std::string_view name, uint32_t value) {
  key(name, GgufType::kUint32);
  put(body_, value);
}

void GgufWriter::float32(std::string_view name, float value) {
  key(name, GgufType::kFloat32);
  put(body_, value);
}

void GgufWriter::boolean(std::string_view name, bool value) {
  key(name, GgufType::kBool);
  body_ += value ? '\1' : '\0';
}

void GgufWriter::strings(std::string_view name, std::span<const std::string> values) {
  array(name, GgufType::kString, values.size());
  for (const std::string& value : values) {
    put_text(body_, value);
  }
}

void GgufWriter::floats(std::string_view name, std::span<const float> values) {
  array(name, GgufType::kFloat32, values.size());
  for (const float value : values) {
    put(body_, value);
  }
}

void GgufWriter::int32s(std::string_view name, std::span<const int32_t> values) {
  array(name, GgufType::kInt32, values.size());
  for (const int32_t value : values) {
    put(body_, value);
  }
}

void GgufWriter::uint8s(std::string_view name, std::string_view bytes) {
  array(name, GgufType::kUint8, bytes.size());
  body_ += bytes;
}

std::string GgufWriter::bytes() const {
  std::string out = "GGUF";
  put(out, kVersion);
  put(out, uint64_t{0});  // tensors
  put(out, count_);
  return out + body_;
}

}  // namespace athanor
