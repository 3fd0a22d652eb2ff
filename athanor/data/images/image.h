// Pixels: PNG (libpng) and JPEG (libjpeg-turbo) decoded within bounds; sizes and channels changed. And an image in a
// document: the object `image` of its meta (docs/formats/documents.md).
//
//   Image image;
//   std::string reason;
//   if (decode_image(read_file("cat.jpg"), image, reason)) { image = resized(image, 32, 32); }
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

struct Image {
  int64_t width = 0;
  int64_t height = 0;
  int64_t channels = 0;         // 1: grey, 3: RGB
  std::vector<uint8_t> pixels;  // height x width x channels
};

// No image is decoded beyond this many pixels: a bomb of a few bytes can claim more.
inline constexpr int64_t kMaxImagePixels = int64_t{1} << 26;

// "png" or "jpeg" by the first bytes; "" for anything else.
const char* image_format(std::string_view bytes);

// Palettes, 16 bits and transparency (against black) become 8-bit grey or RGB. False with a short reason for damage,
// truncation, another format or too many pixels.
bool decode_image(std::string_view bytes, Image& image, std::string& reason);
bool decode_png(std::string_view bytes, Image& image, std::string& reason);
bool decode_jpeg(std::string_view bytes, Image& image, std::string& reason);

// The mean of the area that a new pixel covers, in the two directions one after another; where it grows, bilinear.
Image resized(const Image& image, int64_t width, int64_t height);
// channels: 1 or 3; grey is 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601).
Image with_channels(const Image& image, int64_t channels);

// What stands in meta: {"format": "png" | "jpeg" | "raw", "width", "height", "channels", "sha256", "bytes": base64}.
// raw: the pixels themselves.
nlohmann::json image_json(std::string_view bytes, const char* format, const Image& image);
// From a document's meta. False with a short reason.
bool image_of_meta(std::string_view meta, Image& image, std::string& reason);

}  // namespace athanor
