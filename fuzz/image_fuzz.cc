// A PNG, a JPEG or an idx file from outside, and an image in a document's meta.
#include <cstddef>
#include <cstdint>

#include "athanor/data/images/image.h"
#include "fuzz/reader_input.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  athanor::Image image;
  std::string reason;
  if (athanor::decode_image(bytes, image, reason)) {
    if (image.pixels.size() != static_cast<size_t>(image.width * image.height * image.channels) ||
        (image.channels != 1 && image.channels != 3)) {
      std::abort();
    }
    if (image.pixels.size() < 1 << 20) {
      const athanor::Image small = athanor::resized(athanor::with_channels(image, 1), 7, 5);
      if (small.pixels.size() != 35) {
        std::abort();
      }
    }
  } else if (reason.empty()) {
    std::abort();
  }
  athanor::image_of_meta(bytes, image, reason);
  athanor::read_as("idx3-ubyte", bytes);
  athanor::read_as("png", bytes);
  return 0;
}
