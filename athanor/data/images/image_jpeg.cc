#include <csetjmp>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include <jpeglib.h>

#include "athanor/data/images/image.h"

namespace athanor {

namespace {

struct JpegError {
  jpeg_error_mgr manager;
  std::jmp_buf jump;
};

void jump_out(j_common_ptr jpeg) { std::longjmp(reinterpret_cast<JpegError*>(jpeg->err)->jump, 1); }

void count_warning(j_common_ptr jpeg, int level) {
  if (level < 0) {
    ++jpeg->err->num_warnings;
  }
}

enum class JpegResult { kGood, kDamaged, kTooLarge, kColors };

// No object with a destructor may live here: errors leave by longjmp. `image` is the caller's.
JpegResult decode(const unsigned char* bytes, unsigned long size, Image& image) {
  jpeg_decompress_struct jpeg;
  JpegError error;
  std::memset(&jpeg, 0, sizeof(jpeg));
  jpeg.err = jpeg_std_error(&error.manager);
  error.manager.error_exit = jump_out;
  error.manager.emit_message = count_warning;
  if (setjmp(error.jump) != 0) {
    jpeg_destroy_decompress(&jpeg);
    return JpegResult::kDamaged;
  }
  jpeg_create_decompress(&jpeg);
  jpeg_mem_src(&jpeg, bytes, size);
  jpeg_read_header(&jpeg, TRUE);
  JpegResult result = JpegResult::kGood;
  if (static_cast<int64_t>(jpeg.image_width) * static_cast<int64_t>(jpeg.image_height) > kMaxImagePixels) {
    result = JpegResult::kTooLarge;
  } else if (jpeg.jpeg_color_space != JCS_GRAYSCALE && jpeg.jpeg_color_space != JCS_YCbCr &&
             jpeg.jpeg_color_space != JCS_RGB) {
    result = JpegResult::kColors;
  } else {
    jpeg.out_color_space = jpeg.jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
    jpeg.dct_method = JDCT_ISLOW;  // the same numbers with and without SIMD
    jpeg_start_decompress(&jpeg);
    image.width = jpeg.output_width;
    image.height = jpeg.output_height;
    image.channels = jpeg.output_components;
    image.pixels.resize(static_cast<size_t>(image.width * image.height * image.channels));
    while (jpeg.output_scanline < jpeg.output_height) {
      JSAMPROW row = image.pixels.data() + static_cast<size_t>(jpeg.output_scanline) *
                                               static_cast<size_t>(image.width * image.channels);
      jpeg_read_scanlines(&jpeg, &row, 1);
    }
    jpeg_finish_decompress(&jpeg);
    // A truncated file is filled up with grey and a warning: not what was photographed.
    result = error.manager.num_warnings > 0 ? JpegResult::kDamaged : JpegResult::kGood;
  }
  jpeg_destroy_decompress(&jpeg);
  return result;
}

}  // namespace

bool decode_jpeg(std::string_view bytes, Image& image, std::string& reason) {
  switch (decode(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), image)) {
    case JpegResult::kGood:
      return true;
    case JpegResult::kDamaged:
      reason = "damaged JPEG";
      break;
    case JpegResult::kTooLarge:
      reason = "too many pixels";
      break;
    case JpegResult::kColors:
      reason = "JPEG of another colour space";
      break;
  }
  return false;
}

}  // namespace athanor
