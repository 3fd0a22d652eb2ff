#include "athanor/data/containers/safetensors.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/sha256_lanes.h"

namespace athanor {

namespace {

using Json = nlohmann::json;

constexpr size_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the reference implementation's limit
constexpr size_t kAlignment = 8;
constexpr size_t kWritePieceBytes = size_t{8} << 20;

struct DtypeSize {
  std::string_view name;
  size_t bytes;
};
constexpr DtypeSize kDtypes[] = {{"F64", 8}, {"F32", 4}, {"F16", 2}, {"BF16", 2}, {"F8_E4M3", 1},
                                 {"F8_E5M2", 1}, {"I64", 8}, {"I32", 4}, {"I16", 2}, {"I8", 1},
                                 {"U64", 8}, {"U32", 4}, {"U16", 2}, {"U8", 1}, {"BOOL", 1}};

[[noreturn]] void fail(const fs::path& path, const std::string& what) {
  throw Error(ErrorKind::kInput, "is not a whole safetensors file: " + what, path.string(),
              "copy or download the file again; it may be truncated or damaged");
}

// Bytes of a tensor, or nothing when the product overflows or a size is negative.
std::optional<uint64_t> tensor_bytes(const std::vector<int64_t>& shape, size_t value_bytes) {
  uint64_t total = value_bytes;
  for (const int64_t size : shape) {
    if (size < 0 || __builtin_mul_overflow(total, static_cast<uint64_t>(size), &total)) {
      return std::nullopt;
    }
  }
  return total;
}

// JSON objects with a key twice would silently lose a tensor, so the parse looks at every key. Depth is bounded:
// a real header has three levels.
Json parse_header(std::string_view text, const fs::path& path) {
  std::vector<std::set<std::string>> keys;
  bool twice = false;
  bool deep = false;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    deep = deep || depth > 8;
    if (event == Json::parse_event_t::object_start) {
      keys.emplace_back();
    } else if (event == Json::parse_event_t::object_end && !keys.empty()) {
      keys.pop_back();
    } else if (event == Json::parse_event_t::key && !keys.empty()) {
      twice = !keys.back().insert(parsed.get<std::string>()).second || twice;
    }
    return !deep;
  };
  Json header;
  try {
    header = Json::parse(text, watch);
  } catch (const Json::exception&) {
    fail(path, "its header is not valid JSON");
  }
  if (deep || !header.is_object()) {
    fail(path, "its header is not a JSON object of tensors");
  }
  if (twice) {
    fail(path, "a name stands twice in its header");
  }
  return header;
}

struct Entry {
  TensorView view;
  uint64_t begin = 0;
  uint64_t end = 0;
};

Entry read_entry(const std::string& name, const Json& json, uint64_t data_bytes, const fs::path& path) {
  const auto bad = [&](const std::string& what) { fail(path, "tensor '" + name + "' " + what); };
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") || !json["dtype"].is_string() ||
      !json.contains("shape") || !json["shape"].is_array() || !json.contains("data_offsets") ||
      !json["data_offsets"].is_array() || json["data_offsets"].size() != 2) {
    bad("needs exactly dtype, shape and two data_offsets");
  }
  Entry entry;
  entry.view.name = name;
  entry.view.dtype = json["dtype"].get<std::string>();
  const size_t value_bytes = dtype_bytes(entry.view.dtype);
  if (value_bytes == 0) {
    bad("has the unknown dtype '" + entry.view.dtype + "'");
  }
  for (const Json& size : json["shape"]) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
      bad("has a shape that is not a list of whole numbers");
    }
    entry.view.shape.push_back(size.get<int64_t>());
  }
  if (!json["data_offsets"][0].is_number_unsigned() || !json["data_offsets"][1].is_number_unsigned()) {
    bad("has offsets that are not whole numbers");
  }
  entry.begin = json["data_offsets"][0].get<uint64_t>();
  entry.end = json["data_offsets"][1].get<uint64_t>();
  if (entry.begin > entry.end || entry.end > data_bytes) {
    bad("lies at bytes " + std::to_string(entry.begin) + " to " + std::to_string(entry.end) + " of " +
        std::to_string(data_bytes));
  }
  const auto want = tensor_bytes(entry.view.shape, value_bytes);
  if (!want || *want != entry.end - entry.begin) {
    bad("has a shape that does not fit its " + std::to_string(entry.end - entry.begin) + " bytes");
  }
  return entry;
}

}  // namespace

size_t dtype_bytes(std::string_view dtype) {
  for (const DtypeSize& known : kDtypes) {
    if (known.name == dtype) {
      return known.bytes;
    }
  }
  return 0;
}

SafetensorsFile SafetensorsFile::open(const fs::path& path) {
  SafetensorsFile result;
  result.path_ = path;
  result.file_ = MappedFile(path);
  const std::span<const uint8_t> bytes = result.file_.bytes();
  if (bytes.size() < kLengthBytes) {
    fail(path, "it has only " + std::to_string(bytes.size()) + " bytes");
  }
  uint64_t header_bytes = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) {
    header_bytes |= uint64_t{bytes[i]} << (8 * i);
  }
  if (header_bytes > kMaxHeaderBytes || header_bytes > bytes.size() - kLengthBytes) {
    fail(path, "its header claims " + std::to_string(header_bytes) + " bytes of " + std::to_string(bytes.size()));
  }
  const Json header = parse_header(result.file_.text().substr(kLengthBytes, header_bytes), path);
  const std::span<const uint8_t> data = bytes.subspan(kLengthBytes + header_bytes);

  std::vector<Entry> entries;
  for (const auto& [name, json] : header.items()) {
    if (name != "__metadata__") {
      entries.push_back(read_entry(name, json, data.size(), path));
      continue;
    }
    if (!json.is_object()) {
      fail(path, "__metadata__ is not an object");
    }
    for (const auto& [key, value] : json.items()) {
      if (!value.is_string()) {
        fail(path, "__metadata__ '" + key + "' is not a string");
      }
      result.metadata_[key] = value.get<std::string>();
    }
  }
  std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  uint64_t used = 0;
  for (Entry& entry : entries) {
    if (entry.begin != used) {
      fail(path, "tensor '" + entry.view.name + (entry.begin < used ? "' overlaps the one before it"
                                                                    : "' leaves a gap before it"));
    }
    used = entry.end;
    entry.view.bytes = data.subspan(entry.begin, entry.end - entry.begin);
    result.index_[entry.view.name] = result.tensors_.size();
    result.tensors_.push_back(std::move(entry.view));
  }
  if (used != data.size()) {
    fail(path, std::to_string(data.size() - used) + " bytes at its end belong to no tensor");
  }
  return result;
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  const auto found = index_.find(name);
  return found == index_.end() ? nullptr : &tensors_[found->second];
}

namespace {

// Everything before the first tensor's bytes.
std::string head_of(std::span<const TensorView> tensors, const std::map<std::string, std::string>& metadata,
                    const fs::path& path) {
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  std::map<std::string, std::string> all_metadata = metadata;
  all_metadata.emplace("format", "pt");
  header["__metadata__"] = all_metadata;
  std::set<std::string_view> names;
  uint64_t offset = 0;
  for (const TensorView& tensor : tensors) {
    const auto want = tensor_bytes(tensor.shape, dtype_bytes(tensor.dtype));
    if (!want || *want != tensor.bytes.size() || dtype_bytes(tensor.dtype) == 0) {
      throw Error(ErrorKind::kInternal, "tensor '" + tensor.name + "' of dtype " + tensor.dtype + " has " +
                                            std::to_string(tensor.bytes.size()) + " bytes", path.string());
    }
    if (!names.insert(tensor.name).second || tensor.name == "__metadata__") {
      throw Error(ErrorKind::kInternal, "the name '" + tensor.name + "' is given twice", path.string());
    }
    header.push_back({tensor.name,
                      {{"dtype", tensor.dtype},
                       {"shape", tensor.shape},
                       {"data_offsets", {offset, offset + tensor.bytes.size()}}}});
    offset += tensor.bytes.size();
  }
  std::string text = header.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  if (text.size() > kMaxHeaderBytes) {
    throw Error(ErrorKind::kInternal, "the header would be too long", path.string());
  }
  std::string length(kLengthBytes, '\0');
  for (size_t i = 0; i < kLengthBytes; ++i) {
    length[i] = static_cast<char>((uint64_t{text.size()} >> (8 * i)) & 0xff);
  }
  return length + text;
}

std::string_view text_of(const TensorView& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
}

// Asks the kernel to start writing to the disk what the file holds so far, and does not wait: fsync then waits for less. Only a
// head start: that it fails shows in fsync.
void begin_write_back(const fs::path& path) {
#if defined(__linux__)
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd >= 0) {
    ::sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
    ::close(fd);
  }
#endif
}

}  // namespace

void write_safetensors(const fs::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata) {
  const std::string head = head_of(tensors, metadata, path);
  FileWriter writer(path);
  writer.write(head);
  for (const TensorView& tensor : tensors) {
    writer.write(text_of(tensor));
  }
  writer.sync();
  writer.close();
}

std::vector<std::string> write_safetensors_hashed(std::span<const SafetensorsContent> files) {
  std::vector<std::string> heads;
  std::vector<TextPieces> texts;
  heads.reserve(files.size());  // texts point into it
  for (const SafetensorsContent& file : files) {
    TextPieces& pieces = texts.emplace_back();
    pieces.push_back(heads.emplace_back(head_of(file.tensors, file.metadata, file.path)));
    for (const TensorView& tensor : file.tensors) {
      pieces.push_back(text_of(tensor));
    }
  }
  auto digests = std::async(std::launch::async | std::launch::deferred, [&] { return sha256_many(texts); });
  std::vector<std::unique_ptr<FileWriter>> writers;
  for (size_t i = 0; i < files.size(); ++i) {
    writers.push_back(std::make_unique<FileWriter>(files[i].path));
    for (std::string_view rest : texts[i]) {
      while (!rest.empty()) {
        writers[i]->write(rest.substr(0, kWritePieceBytes));
        rest.remove_prefix(std::min(kWritePieceBytes, rest.size()));
        begin_write_back(files[i].path);
      }
    }
  }
  for (const auto& writer : writers) {
    writer->sync();
    writer->close();
  }
  return digests.get();
}

}  // namespace athanor
