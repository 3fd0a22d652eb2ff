#include <png.h>

#include <cstring>

#include "athanor/data/images/image.h"

namespace athanor {

bool decode_png(std::string_view bytes, Image& image, std::string& reason) {
  png_image png;
  std::memset(&png, 0, sizeof(png));
  png.version = PNG_IMAGE_VERSION;
  if (png_image_begin_read_from_memory(&png, bytes.data(), bytes.size()) == 0) {
    reason = "damaged PNG";
    return false;
  }
  if (static_cast<int64_t>(png.width) * static_cast<int64_t>(png.height) > kMaxImagePixels) {
    png_image_free(&png);
    reason = "too many pixels";
    return false;
  }
  const bool color = (png.format & PNG_FORMAT_FLAG_COLOR) != 0;
  png.format = color ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  image.width = png.width;
  image.height = png.height;
  image.channels = color ? 3 : 1;
  image.pixels.resize(PNG_IMAGE_SIZE(png));
  const png_color black{0, 0, 0};
  // Warnings (a wrong checksum among them) are no reason to refuse: libpng reads on; a truncated file is an error.
  if (png_image_finish_read(&png, &black, image.pixels.data(), 0, nullptr) == 0) {
    png_image_free(&png);
    reason = "damaged PNG";
    return false;
  }
  return true;
}

}  // namespace athanor
