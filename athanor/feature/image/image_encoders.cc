// Encoders of images: colours, edges, gradients, texture, pixels. An image that cannot be decoded
// gives missing values.
#include <cmath>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/feature/image/filters.h"
#include "athanor/feature/kinds.h"

namespace athanor {

namespace {

// What all share: one row an image, in parallel, nothing learnt.
class ImageEncoder : public Encoder {
 public:
  Matrix fit(std::span<const TableColumn* const> columns, const Target*,
             FitContext& context) override {
    return apply(columns, context.pool);
  }

  Matrix apply(std::span<const TableColumn* const> columns, ThreadPool& pool) const override {
    const TableColumn& column = *columns[0];
    Matrix out = Matrix::dense(column.texts.size(), width());
    pool.parallel_for(out.rows, [&](size_t row) {
      Image image;
      std::string reason;
      double* to = out.row(row);
      if (column.texts[row].empty() ||
          !image_of_meta("{\"image\":" + column.texts[row] + "}", image, reason)) {
        std::fill(to, to + out.columns, std::numeric_limits<double>::quiet_NaN());
        return;
      }
      describe(image, to);
    });
    for (uint64_t i = 0; i < out.columns; ++i) {
      out.names.push_back(column.name + "." + name(i));
    }
    return out;
  }

  void save(SavedWriter&) const override {}
  void load(const SavedReader&) override {}

 protected:
  virtual uint64_t width() const = 0;
  virtual void describe(const Image& image, double* to) const = 0;
  virtual std::string name(uint64_t feature) const = 0;

  static Image grey_square(const Image& image, int64_t size) {
    return resized(with_channels(image, 1), size, size);
  }
};

struct ColorsOptions {
  int64_t bins = 16;
  static void fields(Fields<ColorsOptions>& f) {
    f.add("bins", &ColorsOptions::bins, "of each of red, green and blue").range(2, 256);
  }
};

class Colors : public ImageEncoder {
 public:
  explicit Colors(ColorsOptions options) : options_(options) {}

 protected:
  uint64_t width() const override { return static_cast<uint64_t>(3 * options_.bins); }
  void describe(const Image& image, double* to) const override {
    const std::vector<double> values = color_histograms(with_channels(image, 3), options_.bins);
    std::copy(values.begin(), values.end(), to);
  }
  std::string name(uint64_t feature) const override {
    const auto bins = static_cast<uint64_t>(options_.bins);
    return std::string(feature < bins       ? "red "
                       : feature < 2 * bins ? "green "
                                            : "blue ") +
           std::to_string(feature % bins);
  }

 private:
  ColorsOptions options_;
};

struct HogOptions {
  int64_t size = 64;
  int64_t orientations = 9, cell = 8, block = 3;
  static void fields(Fields<HogOptions>& f) {
    f.add("size", &HogOptions::size, "images are made grey and this wide and high").range(8, 1024);
    f.add("orientations", &HogOptions::orientations, "directions of a histogram").range(2, 64);
    f.add("cell", &HogOptions::cell, "pixels of a cell's side").range(2, 256);
    f.add("block", &HogOptions::block, "cells of a block's side").range(1, 16);
  }
};

class Hog : public ImageEncoder {
 public:
  explicit Hog(HogOptions options) : options_(options) {
    if (width() == 0) {
      throw Error(ErrorKind::kUsage, "size is too small for one block of cells", "hog.size");
    }
  }

 protected:
  uint64_t width() const override {
    return hog_size(options_.size, options_.size, options_.orientations, options_.cell,
                    options_.block);
  }
  void describe(const Image& image, double* to) const override {
    const std::vector<double> values = hog(plane_of(grey_square(image, options_.size), 1),
                                           options_.orientations, options_.cell, options_.block);
    std::copy(values.begin(), values.end(), to);
  }
  std::string name(uint64_t feature) const override {
    return "gradient " + std::to_string(feature);
  }

 private:
  HogOptions options_;
};

struct EdgesOptions {
  int64_t size = 64, grid = 8;
  double sigma = 1;
  static void fields(Fields<EdgesOptions>& f) {
    f.add("size", &EdgesOptions::size, "images are made grey and this wide and high")
        .range(8, 1024);
    f.add("grid", &EdgesOptions::grid,
          "fields of a side; each gives the mean Sobel gradient and the share of Canny's edges")
        .range(1, 64);
    f.add("sigma", &EdgesOptions::sigma, "Canny: deviation of the Gauss filter in pixels")
        .range(0.1, 20);
  }
};

class Edges : public ImageEncoder {
 public:
  explicit Edges(EdgesOptions options) : options_(options) {
    if (options_.grid > options_.size) {
      throw Error(ErrorKind::kUsage, "grid must not be above size", "edges.grid");
    }
  }

 protected:
  uint64_t width() const override {
    return static_cast<uint64_t>(2 * options_.grid * options_.grid);
  }
  void describe(const Image& image, double* to) const override {
    const Plane plane = plane_of(grey_square(image, options_.size), 255);
    const Plane gradient = sobel(plane), edges = canny(plane, options_.sigma);
    const int64_t fields = options_.grid * options_.grid;
    std::vector<double> pixels(static_cast<size_t>(fields), 0);
    for (int64_t r = 0; r < options_.size; ++r) {
      for (int64_t c = 0; c < options_.size; ++c) {
        const int64_t field =
            r * options_.grid / options_.size * options_.grid + c * options_.grid / options_.size;
        to[field] += gradient.at(r, c);
        to[fields + field] += edges.at(r, c);
        pixels[static_cast<size_t>(field)] += 1;
      }
    }
    for (int64_t field = 0; field < fields; ++field) {
      to[field] /= pixels[static_cast<size_t>(field)];
      to[fields + field] /= pixels[static_cast<size_t>(field)];
    }
  }
  std::string name(uint64_t feature) const override {
    const auto fields = static_cast<uint64_t>(options_.grid * options_.grid);
    return (feature < fields ? "sobel " : "canny ") + std::to_string(feature % fields);
  }

 private:
  EdgesOptions options_;
};

struct TextureOptions {
  int64_t size = 64, grid = 2;
  static void fields(Fields<TextureOptions>& f) {
    f.add("size", &TextureOptions::size, "images are made grey and this wide and high")
        .range(8, 1024);
    f.add("grid", &TextureOptions::grid,
          "fields of a side; each gives a histogram of local binary patterns")
        .range(1, 8);
  }
};

class Texture : public ImageEncoder {
 public:
  explicit Texture(TextureOptions options) : options_(options) {}

 protected:
  uint64_t width() const override {
    return static_cast<uint64_t>(options_.grid * options_.grid * kPatterns);
  }
  void describe(const Image& image, double* to) const override {
    const std::vector<uint8_t> patterns =
        local_binary_patterns(plane_of(grey_square(image, options_.size), 1));
    std::vector<double> pixels(static_cast<size_t>(options_.grid * options_.grid), 0);
    const auto field_of = [&](int64_t i) {
      return i / options_.size * options_.grid / options_.size * options_.grid +
             i % options_.size * options_.grid / options_.size;
    };
    for (int64_t i = 0; i < options_.size * options_.size; ++i) {
      to[field_of(i) * kPatterns + patterns[static_cast<size_t>(i)]] += 1;
      pixels[static_cast<size_t>(field_of(i))] += 1;
    }
    for (uint64_t i = 0; i < width(); ++i) {
      to[i] /= pixels[i / kPatterns];
    }
  }
  std::string name(uint64_t feature) const override {
    return "pattern " + std::to_string(feature % kPatterns) + " of field " +
           std::to_string(feature / kPatterns);
  }

 private:
  TextureOptions options_;
};

struct PixelsOptions {
  int64_t size = 28, channels = 1;
  static void fields(Fields<PixelsOptions>& f) {
    f.add("size", &PixelsOptions::size, "images are made this wide and high").range(1, 512);
    f.add("channels", &PixelsOptions::channels, "1: grey, 3: red, green, blue").range(1, 3);
  }
};

class Pixels : public ImageEncoder {
 public:
  explicit Pixels(PixelsOptions options) : options_(options) {
    if (options_.channels == 2) {
      throw Error(ErrorKind::kUsage, "must be 1 or 3", "pixels.channels");
    }
  }

 protected:
  uint64_t width() const override {
    return static_cast<uint64_t>(options_.size * options_.size * options_.channels);
  }
  void describe(const Image& image, double* to) const override {
    const Image small =
        resized(with_channels(image, options_.channels), options_.size, options_.size);
    for (size_t i = 0; i < small.pixels.size(); ++i) {
      to[i] = small.pixels[i] / 255.0;
    }
  }
  std::string name(uint64_t feature) const override { return "pixel " + std::to_string(feature); }

 private:
  PixelsOptions options_;
};

}  // namespace

EncoderKind colors_kind() {
  return make_encoder_kind<Colors, ColorsOptions>("colors", "histograms of red, green and blue",
                                                  {ColumnKind::kImage});
}
EncoderKind hog_kind() {
  return make_encoder_kind<Hog, HogOptions>("hog", "histograms of oriented gradients: shapes",
                                            {ColumnKind::kImage});
}
EncoderKind edges_kind() {
  return make_encoder_kind<Edges, EdgesOptions>(
      "edges", "how much edge (Sobel, Canny) there is in each field of a grid",
      {ColumnKind::kImage});
}
EncoderKind texture_kind() {
  return make_encoder_kind<Texture, TextureOptions>(
      "texture", "histograms of local binary patterns", {ColumnKind::kImage});
}
EncoderKind pixels_kind() {
  return make_encoder_kind<Pixels, PixelsOptions>("pixels", "the pixels of a small copy, 0 to 1",
                                                  {ColumnKind::kImage});
}

}  // namespace athanor
