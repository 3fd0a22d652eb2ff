#include "athanor/data/safetensors.h"

#include <cstring>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"

namespace athanor {

SafetensorsFile SafetensorsFile::open(const fs::path& path) {
  SafetensorsFile out;
  out.file_ = MappedFile(path);
  const auto bytes = out.file_.bytes();
  uint64_t length = 0;
  if (bytes.size() < 8) throw Error(ErrorKind::kInput, "too short for a safetensors file", path.string());
  std::memcpy(&length, bytes.data(), 8);
  if (length > bytes.size() - 8) throw Error(ErrorKind::kInput, "safetensors header is truncated", path.string());
  const auto json = nlohmann::json::parse(bytes.data() + 8, bytes.data() + 8 + length, nullptr, false);
  if (!json.is_object()) throw Error(ErrorKind::kInput, "safetensors header is not JSON", path.string());
  const auto data = bytes.subspan(8 + length);
  for (const auto& [name, entry] : json.items()) {
    if (name == "__metadata__") continue;
    const uint64_t begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
    if (begin > end || end > data.size()) throw Error(ErrorKind::kInput, "tensor outside the file", path.string());
    out.tensors_.push_back({name, entry["dtype"], entry["shape"].get<std::vector<int64_t>>(),
                            data.subspan(begin, end - begin)});
  }
  return out;
}

const TensorView* SafetensorsFile::find(std::string_view name) const {
  for (const TensorView& t : tensors_) {
    if (t.name == name) return &t;
  }
  return nullptr;
}

void write_safetensors(const fs::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata) {
  nlohmann::ordered_json json;
  if (!metadata.empty()) json["__metadata__"] = metadata;
  uint64_t offset = 0;
  for (const TensorView& t : tensors) {
    json[t.name] = {{"dtype", t.dtype}, {"shape", t.shape}, {"data_offsets", {offset, offset + t.bytes.size()}}};
    offset += t.bytes.size();
  }
  std::string text = json.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  FileWriter writer(path);
  const uint64_t length = text.size();
  writer.write({reinterpret_cast<const char*>(&length), 8});
  writer.write(text);
  for (const TensorView& t : tensors) writer.write({reinterpret_cast<const char*>(t.bytes.data()), t.bytes.size()});
  writer.close();
}

}  // namespace athanor
