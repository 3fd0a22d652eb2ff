#include "athanor/data/images/image.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "athanor/base/base64.h"
#include "athanor/base/hash.h"

namespace athanor {

namespace {

// Weights of old pixels in each new one, along one direction.
struct Share {
  int64_t from = 0;
  double weight = 0;
};

std::vector<std::vector<Share>> shares(int64_t before, int64_t after) {
  std::vector<std::vector<Share>> all(static_cast<size_t>(after));
  const double scale = static_cast<double>(before) / static_cast<double>(after);
  for (int64_t i = 0; i < after; ++i) {
    auto& mine = all[static_cast<size_t>(i)];
    if (scale <= 1) {  // grows: between the two nearest centres
      const double centre = std::clamp((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0, static_cast<double>(before - 1));
      const auto left = static_cast<int64_t>(centre);
      const double part = centre - static_cast<double>(left);
      mine.push_back({left, 1 - part});
      mine.push_back({std::min(left + 1, before - 1), part});
      continue;
    }
    const double begin = static_cast<double>(i) * scale;
    const double end = std::min(begin + scale, static_cast<double>(before));
    for (auto from = static_cast<int64_t>(begin); from < before && static_cast<double>(from) < end; ++from) {
      const double covered = std::min(end, static_cast<double>(from + 1)) - std::max(begin, static_cast<double>(from));
      mine.push_back({from, covered / (end - begin)});
    }
  }
  return all;
}

uint8_t to_byte(double value) { return static_cast<uint8_t>(std::clamp(std::floor(value + 0.5), 0.0, 255.0)); }

}  // namespace

const char* image_format(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) {
    return "png";
  }
  return bytes.starts_with("\xff\xd8\xff") ? "jpeg" : "";
}

bool decode_image(std::string_view bytes, Image& image, std::string& reason) {
  const std::string_view format = image_format(bytes);
  if (format == "png") {
    return decode_png(bytes, image, reason);
  }
  if (format == "jpeg") {
    return decode_jpeg(bytes, image, reason);
  }
  reason = "neither PNG nor JPEG";
  return false;
}

Image resized(const Image& image, int64_t width, int64_t height) {
  if (image.width == width && image.height == height) {
    return image;
  }
  const auto columns = shares(image.width, width);
  const auto rows = shares(image.height, height);
  const int64_t channels = image.channels;
  std::vector<double> narrow(static_cast<size_t>(image.height * width * channels));
  for (int64_t y = 0; y < image.height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      for (int64_t c = 0; c < channels; ++c) {
        double sum = 0;
        for (const Share& share : columns[static_cast<size_t>(x)]) {
          sum += share.weight * image.pixels[static_cast<size_t>((y * image.width + share.from) * channels + c)];
        }
        narrow[static_cast<size_t>((y * width + x) * channels + c)] = sum;
      }
    }
  }
  Image out{width, height, channels, std::vector<uint8_t>(static_cast<size_t>(width * height * channels))};
  const int64_t line = width * channels;
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t i = 0; i < line; ++i) {
      double sum = 0;
      for (const Share& share : rows[static_cast<size_t>(y)]) {
        sum += share.weight * narrow[static_cast<size_t>(share.from * line + i)];
      }
      out.pixels[static_cast<size_t>(y * line + i)] = to_byte(sum);
    }
  }
  return out;
}

Image with_channels(const Image& image, int64_t channels) {
  if (image.channels == channels) {
    return image;
  }
  const auto count = static_cast<size_t>(image.width * image.height);
  Image out{image.width, image.height, channels, std::vector<uint8_t>(count * static_cast<size_t>(channels))};
  for (size_t i = 0; i < count; ++i) {
    if (channels == 1) {
      const uint8_t* rgb = image.pixels.data() + 3 * i;
      out.pixels[i] = to_byte(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]);
    } else {
      std::fill_n(out.pixels.begin() + static_cast<std::ptrdiff_t>(3 * i), 3, image.pixels[i]);
    }
  }
  return out;
}

nlohmann::json image_json(std::string_view bytes, const char* format, const Image& image) {
  return {{"format", format},          {"width", image.width},          {"height", image.height},
          {"channels", image.channels}, {"sha256", sha256_hex(bytes)}, {"bytes", to_base64(bytes)}};
}

bool image_of_meta(std::string_view meta, Image& image, std::string& reason) {
  const auto json = nlohmann::json::parse(meta, nullptr, false);
  const auto found = json.is_object() ? json.find("image") : json.end();
  if (!json.is_object() || found == json.end() || !found->is_object()) {
    reason = "no image";
    return false;
  }
  const auto text = found->find("bytes");
  const auto bytes = text != found->end() && text->is_string() ? from_base64(text->get_ref<const std::string&>()) : std::nullopt;
  if (!bytes) {
    reason = "damaged image";
    return false;
  }
  const auto number = [&](const char* key) {
    const auto value = found->find(key);
    return value != found->end() && value->is_number_integer() ? value->get<int64_t>() : 0;
  };
  const auto format = found->find("format");
  if (format == found->end() || !format->is_string() || format->get_ref<const std::string&>() != "raw") {
    return decode_image(*bytes, image, reason);
  }
  image = {number("width"), number("height"), number("channels"), {}};
  const bool sound = image.width > 0 && image.height > 0 && image.width <= kMaxImagePixels &&
                     image.height <= kMaxImagePixels / image.width && (image.channels == 1 || image.channels == 3) &&
                     bytes->size() == static_cast<size_t>(image.width * image.height * image.channels);
  if (!sound) {
    reason = "damaged image";
    return false;
  }
  image.pixels.assign(bytes->begin(), bytes->end());
  return true;
}

}  // namespace athanor
