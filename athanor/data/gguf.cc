#include "athanor/data/gguf.h"

#include <bit>
#include <cstring>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr uint64_t kMaxKeyBytes = 65535;  // the specification's limit
constexpr uint64_t kMaxDimensions = 8;    // ggml has 4
constexpr int kMaxArrayDepth = 4;
constexpr uint64_t kDefaultAlignment = 32;

constexpr const char* kTypeNames[] = {"uint8", "int8",   "uint16", "int16",  "uint32", "int32",  "float32",
                                      "bool",  "string", "array",  "uint64", "int64",  "float64"};
constexpr uint8_t kTypeBytes[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};  // 0: of no fixed size

// ggml_type: values a block and bytes a block; 0 where the number is not (or no longer) in use.
struct BlockSize {
  uint16_t values;
  uint16_t bytes;
};
constexpr BlockSize kBlocks[] = {
    {1, 4},     {1, 2},     {32, 18},   {32, 20},  {0, 0},     {0, 0},    {32, 22},  {32, 24},   // F32 .. Q5_1
    {32, 34},   {32, 36},   {256, 84},  {256, 110}, {256, 144}, {256, 176}, {256, 210}, {256, 292},  // Q8_0 .. Q8_K
    {256, 66},  {256, 74},  {256, 98},  {256, 50}, {32, 18},   {256, 110}, {256, 82}, {256, 136},  // IQ2_XXS .. IQ4_XS
    {1, 1},     {1, 2},     {1, 4},     {1, 8},    {1, 8},     {256, 56}, {1, 2},    {0, 0},     // I8 .. BF16
    {0, 0},     {0, 0},     {256, 54},  {256, 66}, {0, 0},     {0, 0},    {0, 0},    {32, 17}};   // TQ1_0 .. MXFP4

std::optional<uint64_t> tensor_size(const GgufTensor& tensor) {
  if (tensor.type >= std::size(kBlocks) || kBlocks[tensor.type].values == 0) {
    return std::nullopt;
  }
  const BlockSize block = kBlocks[tensor.type];
  uint64_t values = 1;
  for (const int64_t size : tensor.shape) {
    if (__builtin_mul_overflow(values, static_cast<uint64_t>(size), &values)) {
      return std::nullopt;
    }
  }
  uint64_t bytes = 0;
  if (values % block.values != 0 || __builtin_mul_overflow(values / block.values, uint64_t{block.bytes}, &bytes)) {
    return std::nullopt;
  }
  return bytes;
}

}  // namespace

// Reads the header; every length is held against what is left of the file before anything is taken.
class GgufParser {
 public:
  GgufParser(GgufFile& file) : file_(file), bytes_(file.bytes()) {}

  void parse() {
    if (!GgufFile::is_gguf(bytes_)) {
      fail("does not begin with the four bytes GGUF");
    }
    at_ = 4;
    file_.version_ = number<uint32_t>();
    if (file_.version_ != 2 && file_.version_ != 3) {
      const bool swapped = __builtin_bswap32(file_.version_) <= 3;
      fail(swapped ? "is big-endian" : "has version " + std::to_string(file_.version_),
           swapped ? "only little-endian files are read" : "versions 2 and 3 are read; convert the model again");
    }
    const uint64_t num_tensors = number<uint64_t>();
    const uint64_t num_values = number<uint64_t>();
    if (num_values > left() / 13 || num_tensors > left() / 24) {
      fail("claims " + std::to_string(num_values) + " values and " + std::to_string(num_tensors) +
           " tensors, more than its bytes can hold");
    }
    read_metadata(num_values);
    read_tensors(num_tensors);
  }

 private:
  [[noreturn]] void fail(const std::string& what, const std::string& hint = "") const {
    throw Error(ErrorKind::kInput, what + " (at byte " + std::to_string(at_) + ")", file_.where_,
                hint.empty() ? "is this a whole GGUF file? Copy or download it again" : hint);
  }
  std::string place() const { return name_.empty() ? "" : "'" + name_ + "' "; }
  uint64_t left() const { return bytes_.size() - at_; }

  std::string_view take(uint64_t size) {
    if (size > left()) {
      fail(place() + "needs " + std::to_string(size) + " bytes where " + std::to_string(left()) + " are left");
    }
    const std::string_view part = bytes_.substr(at_, size);
    at_ += size;
    return part;
  }

  template <typename T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string_view text() { return take(number<uint64_t>()); }

  GgufType type() {
    const uint32_t value = number<uint32_t>();
    if (value >= std::size(kTypeNames)) {
      fail(place() + "has the unknown type " + std::to_string(value));
    }
    return static_cast<GgufType>(value);
  }

  std::span<const uint8_t> raw(uint64_t size) {
    const std::string_view part = take(size);
    return {reinterpret_cast<const uint8_t*>(part.data()), part.size()};
  }

  void value(GgufValue& out, GgufType type, int depth) {
    out.type = type;
    out.count = 1;
    if (type == GgufType::kString) {
      out.texts_.push_back(text());
    } else if (type == GgufType::kArray) {
      array(out, depth + 1);
    } else {
      out.raw_ = raw(kTypeBytes[static_cast<size_t>(type)]);
    }
  }

  void array(GgufValue& out, int depth) {
    if (depth > kMaxArrayDepth) {
      fail(place() + "nests arrays deeper than " + std::to_string(kMaxArrayDepth) + " levels");
    }
    out.item_type = type();
    out.count = number<uint64_t>();
    const uint64_t item = kTypeBytes[static_cast<size_t>(out.item_type)];
    const uint64_t least = item != 0 ? item : out.item_type == GgufType::kString ? 8 : 12;
    if (out.count > left() / least) {
      fail(place() + "claims " + std::to_string(out.count) + " items where " + std::to_string(left()) +
           " bytes are left");
    }
    if (item != 0) {
      out.raw_ = raw(item * out.count);
    } else if (out.item_type == GgufType::kString) {
      out.texts_.reserve(out.count);
      for (uint64_t i = 0; i < out.count; ++i) {
        out.texts_.push_back(text());
      }
    } else {
      for (uint64_t i = 0; i < out.count; ++i) {
        value(out.items_.emplace_back(), GgufType::kArray, depth);
      }
    }
  }

  void read_metadata(uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      name_.clear();
      const std::string_view key = text();
      if (key.empty() || key.size() > kMaxKeyBytes) {
        fail("has a key of " + std::to_string(key.size()) + " bytes");
      }
      name_ = key;
      if (!file_.index_.emplace(name_, file_.metadata_.size()).second) {
        fail("has the key '" + name_ + "' twice");
      }
      GgufValue& out = file_.metadata_.emplace_back(name_, GgufValue()).second;
      value(out, type(), 0);
    }
    name_.clear();
  }

  void read_tensors(uint64_t count) {
    std::map<std::string_view, bool> names;
    for (uint64_t i = 0; i < count; ++i) {
      name_.clear();
      GgufTensor& tensor = file_.tensors_.emplace_back();
      const std::string_view name = text();
      tensor.name = name_ = name;
      if (name.size() > kMaxKeyBytes || !names.emplace(name, true).second) {
        fail("has the tensor " + place() + "twice, or its name is too long");
      }
      const uint32_t dimensions = number<uint32_t>();
      if (dimensions > kMaxDimensions) {
        fail("tensor " + place() + "has " + std::to_string(dimensions) + " dimensions");
      }
      tensor.shape.resize(dimensions);
      for (uint32_t d = 0; d < dimensions; ++d) {
        const uint64_t size = number<uint64_t>();
        if (size > uint64_t{1} << 62) {
          fail("tensor " + place() + "has a size of " + std::to_string(size));
        }
        tensor.shape[dimensions - 1 - d] = static_cast<int64_t>(size);
      }
      tensor.type = number<uint32_t>();
      tensor.offset = number<uint64_t>();
      tensor.bytes = tensor_size(tensor);
    }
    name_.clear();
    const uint64_t alignment = static_cast<uint64_t>(
        file_.integer("general.alignment").value_or(static_cast<int64_t>(kDefaultAlignment)));
    if (alignment == 0 || alignment > (1U << 20) || !std::has_single_bit(alignment)) {
      fail("'general.alignment' is " + std::to_string(alignment) + ", not a power of two up to 2^20");
    }
    file_.data_begin_ = (at_ + alignment - 1) / alignment * alignment;
  }

  GgufFile& file_;
  std::string_view bytes_;
  uint64_t at_ = 0;
  std::string name_;
};

const char* name_of(GgufType type) { return kTypeNames[static_cast<size_t>(type)]; }

bool GgufValue::is_integer() const {
  return type != GgufType::kString && type != GgufType::kArray && type != GgufType::kFloat32 &&
         type != GgufType::kFloat64 && type != GgufType::kBool;
}

bool GgufValue::is_integer_array() const {
  return type == GgufType::kArray && kTypeBytes[static_cast<size_t>(item_type)] != 0 &&
         item_type != GgufType::kFloat32 && item_type != GgufType::kFloat64;
}

namespace {

template <typename T>
T read_raw(std::span<const uint8_t> raw, uint64_t index) {
  if (index >= raw.size() / sizeof(T)) {
    throw Error(ErrorKind::kInternal, "a GGUF value was read past its end");
  }
  T value;
  std::memcpy(&value, raw.data() + index * sizeof(T), sizeof(T));
  return value;
}

}  // namespace

int64_t GgufValue::integer(uint64_t index) const {
  switch (number_type()) {
    case GgufType::kUint8:
    case GgufType::kBool:
      return read_raw<uint8_t>(raw_, index);
    case GgufType::kInt8:
      return read_raw<int8_t>(raw_, index);
    case GgufType::kUint16:
      return read_raw<uint16_t>(raw_, index);
    case GgufType::kInt16:
      return read_raw<int16_t>(raw_, index);
    case GgufType::kUint32:
      return read_raw<uint32_t>(raw_, index);
    case GgufType::kInt32:
      return read_raw<int32_t>(raw_, index);
    case GgufType::kInt64:
      return read_raw<int64_t>(raw_, index);
    case GgufType::kUint64: {
      const uint64_t value = read_raw<uint64_t>(raw_, index);
      if (value > uint64_t{INT64_MAX}) {
        throw Error(ErrorKind::kInput, "a GGUF integer is larger than 2^63");
      }
      return static_cast<int64_t>(value);
    }
    default:
      throw Error(ErrorKind::kInternal, std::string("a GGUF ") + name_of(number_type()) + " was read as an integer");
  }
}

double GgufValue::number(uint64_t index) const {
  switch (number_type()) {
    case GgufType::kFloat32:
      return read_raw<float>(raw_, index);
    case GgufType::kFloat64:
      return read_raw<double>(raw_, index);
    default:
      return static_cast<double>(integer(index));
  }
}

GgufFile GgufFile::open(const fs::path& path) {
  GgufFile file;
  file.where_ = path.string();
  file.path_given_ = true;
  file.file_ = MappedFile(path);
  GgufParser(file).parse();
  return file;
}

GgufFile GgufFile::from_bytes(std::string bytes, const std::string& where) {
  GgufFile file;
  file.where_ = where;
  file.held_ = std::make_unique<std::string>(std::move(bytes));
  GgufParser(file).parse();
  return file;
}

const GgufValue* GgufFile::find(std::string_view key) const {
  const auto found = index_.find(key);
  return found == index_.end() ? nullptr : &metadata_[found->second].second;
}

namespace {

[[noreturn]] void wrong_type(const std::string& where, std::string_view key, const GgufValue& value,
                             const char* wanted) {
  throw Error(ErrorKind::kInput,
              "field '" + std::string(key) + "' is of type " + name_of(value.type) + ", not " + wanted, where);
}

}  // namespace

std::string GgufFile::text(std::string_view key, const std::string& fallback) const {
  const GgufValue* const value = find(key);
  if (value != nullptr && value->type != GgufType::kString) {
    wrong_type(where_, key, *value, "string");
  }
  return value == nullptr ? fallback : std::string(value->text());
}

std::optional<int64_t> GgufFile::integer(std::string_view key) const {
  const GgufValue* const value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!value->is_integer()) {
    wrong_type(where_, key, *value, "an integer");
  }
  return value->integer();
}

std::optional<bool> GgufFile::boolean(std::string_view key) const {
  const GgufValue* const value = find(key);
  if (value == nullptr) {
    return std::nullopt;
  }
  if (value->type != GgufType::kBool) {
    wrong_type(where_, key, *value, "bool");
  }
  return value->boolean();
}

const std::vector<std::string_view>* GgufFile::strings(std::string_view key) const {
  const GgufValue* const value = find(key);
  if (value != nullptr && (value->type != GgufType::kArray || value->item_type != GgufType::kString)) {
    wrong_type(where_, key, *value, "an array of strings");
  }
  return value == nullptr ? nullptr : &value->strings();
}

std::span<const uint8_t> GgufFile::tensor_bytes(const GgufTensor& tensor) const {
  const std::string_view all = bytes();
  if (!tensor.bytes) {
    throw Error(ErrorKind::kInput, "tensor '" + tensor.name + "' has the type " + std::to_string(tensor.type) +
                                       ", which is not known, or a shape that does not fit it", where_);
  }
  const uint64_t data = all.size() > data_begin_ ? all.size() - data_begin_ : 0;
  if (tensor.offset > data || *tensor.bytes > data - tensor.offset) {
    throw Error(ErrorKind::kInput, "tensor '" + tensor.name + "' ends past the end of the file", where_,
                "copy or download the file again; it may be truncated");
  }
  return {reinterpret_cast<const uint8_t*>(all.data()) + data_begin_ + tensor.offset, *tensor.bytes};
}

}  // namespace athanor
