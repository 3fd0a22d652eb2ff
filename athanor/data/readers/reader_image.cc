// Images: PNG and JPEG files, and the idx files that MNIST is distributed as. The text of such a document is its name; the
// image is in its meta (data/images/image.h).
#include <nlohmann/json.hpp>

#include "athanor/data/images/image.h"
#include "athanor/data/readers/reader_formats.h"

namespace athanor {

namespace {

constexpr uint64_t kMaxImageBytes = uint64_t{64} << 20;
constexpr uint32_t kImagesMagic = 0x803;
constexpr uint32_t kLabelsMagic = 0x801;

uint32_t big_endian(std::string_view bytes, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  }
  return value;
}

// The labels beside a file of images, "...-labels-idx1-ubyte"; empty where there are none.
std::string idx_labels(const fs::path& images, uint64_t max_bytes) {
  std::string name = images.filename().string();
  const size_t kind = name.find("images");
  const size_t rank = name.find("idx3");
  if (kind == std::string::npos || rank == std::string::npos) {
    return "";
  }
  name.replace(rank, 4, "idx1");
  name.replace(kind, 6, "labels");
  const fs::path path = images.parent_path() / name;
  if (!fs::exists(path)) {
    return "";
  }
  const auto stream = open_stream(path);
  const std::optional<std::string> bytes = read_all(*stream, max_bytes);
  const bool sound = bytes && bytes->size() >= 8 && big_endian(*bytes, 0) == kLabelsMagic &&
                     big_endian(*bytes, 4) == bytes->size() - 8;
  return sound ? bytes->substr(8) : "";
}

bool read_bytes(const ReadInput& input, const RowSink& rows, uint64_t limit, std::string& bytes) {
  std::optional<std::string> found = read_all(*input.stream, limit);
  if (!found) {
    rows.reject("file too large", limit, "");
    return false;
  }
  if (input.stream->fault()) {
    rows.reject_fault();
    return false;
  }
  bytes = std::move(*found);
  return true;
}

}  // namespace

void read_image(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  std::string bytes;
  if (!read_bytes(input, rows, kMaxImageBytes, bytes)) {
    return;
  }
  Image image;
  std::string reason;
  if (!decode_image(bytes, image, reason)) {
    rows.reject(reason.c_str(), 0, input.source);
    return;
  }
  const nlohmann::json meta{{"image", image_json(bytes, image_format(bytes), image)}};
  rows.accept(input.source, 0, bytes.size(), meta.dump());
}

void read_idx_images(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  const RowSink rows(input, options, sink);
  std::string bytes;
  if (!read_bytes(input, rows, options.max_file_bytes, bytes)) {
    return;
  }
  if (bytes.size() < 16 || big_endian(bytes, 0) != kImagesMagic) {
    rows.reject("damaged idx", 0, bytes);
    return;
  }
  const uint64_t count = big_endian(bytes, 4);
  Image image;
  image.height = big_endian(bytes, 8);
  image.width = big_endian(bytes, 12);
  image.channels = 1;
  const bool sized = image.width > 0 && image.height > 0 && image.height <= kMaxImagePixels / image.width;
  const uint64_t size = sized ? static_cast<uint64_t>(image.width * image.height) : 0;
  if (!sized || count > (bytes.size() - 16) / size || bytes.size() != 16 + count * size) {
    rows.reject("damaged idx", 0, "the numbers of its header do not fit its size");
    return;
  }
  const std::string labels = idx_labels(input.path, options.max_file_bytes);
  if (!labels.empty() && labels.size() != count) {
    rows.reject("damaged idx", 0, "the file of labels has another number of items");
    return;
  }
  for (uint64_t i = 0; i < count; ++i) {
    const uint64_t begin = 16 + i * size;
    nlohmann::json meta{{"image", image_json(std::string_view(bytes).substr(begin, size), "raw", image)}};
    if (!labels.empty()) {
      meta["label"] = static_cast<uint8_t>(labels[i]);
    }
    rows.accept(input.source + "#" + std::to_string(i), begin, begin + size, meta.dump());
  }
}

void read_idx_labels(const ReadInput& input, const ReadOptions& options, const ReadSink& sink) {
  RowSink(input, options, sink).skip("labels of an idx file");  // read beside its images
}

}  // namespace athanor
