// Edges, gradients and texture of grey pictures, as scikit-image 0.26 computes them. Private to
// this room.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/data/images/image.h"

namespace athanor {

// height x width numbers, row after row.
struct Plane {
  int64_t width = 0, height = 0;
  std::vector<double> values;

  Plane() = default;
  Plane(int64_t w, int64_t h) : width(w), height(h), values(static_cast<size_t>(w * h), 0.0) {}
  double* row(int64_t r) { return values.data() + r * width; }
  const double* row(int64_t r) const { return values.data() + r * width; }
  double& at(int64_t row, int64_t column) {
    return values[static_cast<size_t>(row * width + column)];
  }
  double at(int64_t row, int64_t column) const {
    return values[static_cast<size_t>(row * width + column)];
  }
};

// Of an image of one channel: pixels / unit.
Plane plane_of(const Image& grey, double unit);

// Shares of the pixels by red, then green, then blue, each in so many equal bins of 0 to 255.
std::vector<double> color_histograms(const Image& rgb, int64_t bins);
// Size of the Sobel gradient, of [0, 1] where the plane is (filters.sobel).
Plane sobel(const Plane& plane);
// Edges of one pixel's width: Gauss (deviation sigma), Sobel, only the crest of the gradient, two
// thresholds (Canny 1986; feature.canny). 1 on an edge, else 0.
Plane canny(const Plane& plane, double sigma = 1, double low = 0.1, double high = 0.2);
// Histograms of oriented gradients (Dalal and Triggs 2005; feature.hog with block_norm L2-Hys):
// blocks x orientations.
std::vector<double> hog(const Plane& plane, int64_t orientations, int64_t cell, int64_t block);
uint64_t hog_size(int64_t width, int64_t height, int64_t orientations, int64_t cell, int64_t block);
// Rotation-invariant uniform local binary patterns of 8 neighbours at distance 1 (Ojala et al.
// 2002; feature.local_binary_pattern(image, 8, 1, "uniform")): 0 to 9 a pixel.
std::vector<uint8_t> local_binary_patterns(const Plane& plane);
inline constexpr int kPatterns = 10;

}  // namespace athanor
