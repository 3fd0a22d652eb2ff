// The safetensors container (huggingface/safetensors): u64 little-endian header length, a JSON header, raw bytes.
// Numbers are not looked at here; the tensor room gives them a dtype.
//
//   const auto file = SafetensorsFile::open("model.safetensors");
//   const TensorView* weight = file.find("lm_head.weight");   // bytes point into the mapped file
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/file.h"

namespace athanor {

struct TensorView {
  std::string name;
  std::string dtype;  // "F64","F32","F16","BF16","F8_E4M3","F8_E5M2","I64","I32","I16","I8","U64","U32","U16","U8","BOOL"
  std::vector<int64_t> shape;  // sizes >= 0; empty for a scalar
  std::span<const uint8_t> bytes;
};

// Bytes of one value; 0 for a name that is not in the list above.
size_t dtype_bytes(std::string_view dtype);

class SafetensorsFile {
 public:
  // Checks the whole header before it answers: lengths, dtypes, shapes against byte counts, that the tensors
  // cover the data exactly, in order, with no overlap and no gap. Error(kInput) names the file and the tensor.
  static SafetensorsFile open(const fs::path& path);

  // In the order of their bytes in the file. Valid while this object lives (moving it keeps them valid).
  const std::vector<TensorView>& tensors() const { return tensors_; }
  const TensorView* find(std::string_view name) const;  // nullptr when there is none
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
  MappedFile file_;
  std::vector<TensorView> tensors_;
  std::map<std::string, size_t, std::less<>> index_;
  std::map<std::string, std::string> metadata_;
};

// Writes the tensors one after another in the given order; the header is padded to 8 bytes, its keys stand in the
// same order, and metadata gets {"format": "pt"} unless it says otherwise. Same input, same bytes. fsynced, but
// not atomic: write into a folder that is renamed. For a loader that wants aligned tensors, give the widest dtypes
// first. Error(kInternal) for a dtype, shape or byte count that does not fit, or a name given twice.
void write_safetensors(const fs::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata);

struct SafetensorsContent {
  fs::path path;
  std::span<const TensorView> tensors;
  std::map<std::string, std::string> metadata;
};

// The same for several files, and the SHA-256 of each. A second thread hashes them side by side (base/sha256_lanes.h) while the
// first one writes, and the disk begins with the first bytes.
std::vector<std::string> write_safetensors_hashed(std::span<const SafetensorsContent> files);

}  // namespace athanor
