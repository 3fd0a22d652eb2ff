#include "athanor/feature/image/filters.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace athanor {

namespace {

// Places beyond the border: mirrored, the border pixel twice (scipy's "reflect").
int64_t reflected(int64_t i, int64_t size) {
  while (i < 0 || i >= size) {
    i = i < 0 ? -i - 1 : 2 * size - 1 - i;
  }
  return i;
}

// [1 2 1] along one direction and [-1 0 1] along the other, unscaled.
void sobel_both(const Plane& plane, Plane& down, Plane& across) {
  down = Plane(plane.width, plane.height);
  across = down;
  for (int64_t r = 0; r < plane.height; ++r) {
    const double* above = plane.row(reflected(r - 1, plane.height));
    const double* here = plane.row(r);
    const double* below = plane.row(reflected(r + 1, plane.height));
    double* to_down = down.row(r);
    double* to_across = across.row(r);
    const auto at = [&](int64_t c, int64_t left, int64_t right) {
      to_down[c] = (below[left] + 2 * below[c] + below[right]) - (above[left] + 2 * above[c] + above[right]);
      to_across[c] = (above[right] + 2 * here[right] + below[right]) - (above[left] + 2 * here[left] + below[left]);
    };
    at(0, 0, reflected(1, plane.width));
    for (int64_t c = 1; c + 1 < plane.width; ++c) {
      at(c, c - 1, c + 1);
    }
    at(plane.width - 1, reflected(plane.width - 2, plane.width), plane.width - 1);
  }
}

// Gauss in both directions; what lies beyond the border is 0 and takes no part in the weights.
Plane smoothed(const Plane& plane, double sigma) {
  const auto radius = static_cast<int64_t>(4 * sigma + 0.5);
  std::vector<double> weights;
  double total = 0;
  for (int64_t i = -radius; i <= radius; ++i) {
    weights.push_back(std::exp(-0.5 * static_cast<double>(i * i) / (sigma * sigma)));
    total += weights.back();
  }
  for (double& weight : weights) {
    weight /= total;
  }
  // Weights of what lies inside, for a place along a side.
  const auto used_at = [&](int64_t place, int64_t size) {
    double used = 0;
    for (int64_t i = -radius; i <= radius; ++i) {
      used += place + i >= 0 && place + i < size ? weights[static_cast<size_t>(i + radius)] : 0;
    }
    return used;
  };
  Plane rows(plane.width, plane.height), out = rows;
  for (int64_t r = 0; r < plane.height; ++r) {
    double* to = rows.row(r);
    for (int64_t i = std::max(-radius, -r); i <= std::min(radius, plane.height - 1 - r); ++i) {
      const double weight = weights[static_cast<size_t>(i + radius)];
      const double* from = plane.row(r + i);
      for (int64_t c = 0; c < plane.width; ++c) {
        to[c] += weight * from[c];
      }
    }
    const double used = used_at(r, plane.height);
    for (int64_t c = 0; c < plane.width; ++c) {
      to[c] /= used;
    }
  }
  std::vector<double> used(static_cast<size_t>(plane.width));
  for (int64_t c = 0; c < plane.width; ++c) {
    used[static_cast<size_t>(c)] = used_at(c, plane.width);
  }
  for (int64_t r = 0; r < plane.height; ++r) {
    const double* from = rows.row(r);
    double* to = out.row(r);
    for (int64_t i = -radius; i <= radius; ++i) {
      const double weight = weights[static_cast<size_t>(i + radius)];
      const int64_t end = std::min(plane.width, plane.width - i);
      for (int64_t c = std::max<int64_t>(0, -i); c < end; ++c) {
        to[c] += weight * from[c + i];
      }
    }
    for (int64_t c = 0; c < plane.width; ++c) {
      to[c] /= used[static_cast<size_t>(c)];
    }
  }
  return out;
}

// Whether the gradient at a pixel is at least that of its neighbours along its own direction,
// between pixels by a line.
bool is_crest(const Plane& size, double down, double across, int64_t r, int64_t c) {
  const bool same = (down >= 0 && across >= 0) || (down <= 0 && across <= 0);
  const double steep = std::fabs(down), flat = std::fabs(across);
  const bool vertical = same ? steep > flat : steep >= flat;
  const double share = vertical ? flat / steep : steep / flat;
  const int64_t dr = same ? 1 : -1;  // the diagonal neighbour: (r + dr, c + 1)
  const auto between = [&](int64_t sign) {
    const double straight = vertical ? size.at(r + sign * dr, c) : size.at(r, c + sign);
    return size.at(r + sign * dr, c + sign) * share + straight * (1 - share);
  };
  const double own = size.at(r, c);
  return between(1) <= own && between(-1) <= own;
}

}  // namespace

Plane plane_of(const Image& grey, double unit) {
  Plane plane(grey.width, grey.height);
  for (size_t i = 0; i < plane.values.size(); ++i) {
    plane.values[i] = grey.pixels[i] / unit;
  }
  return plane;
}

std::vector<double> color_histograms(const Image& rgb, int64_t bins) {
  std::array<std::array<uint64_t, 256>, 3> counts{};
  for (size_t i = 0; i + 2 < rgb.pixels.size(); i += 3) {
    for (size_t channel = 0; channel < 3; ++channel) {
      ++counts[channel][rgb.pixels[i + channel]];
    }
  }
  std::vector<double> out(static_cast<size_t>(3 * bins), 0.0);
  for (size_t channel = 0; channel < 3; ++channel) {
    for (size_t value = 0; value < 256; ++value) {
      out[channel * static_cast<size_t>(bins) + value * static_cast<size_t>(bins) / 256] += static_cast<double>(counts[channel][value]);
    }
  }
  for (double& value : out) {
    value *= 3 / static_cast<double>(rgb.pixels.size());
  }
  return out;
}

Plane sobel(const Plane& plane) {
  Plane down, across;
  sobel_both(plane, down, across);
  for (size_t i = 0; i < down.values.size(); ++i) {
    down.values[i] =
        std::sqrt((down.values[i] * down.values[i] + across.values[i] * across.values[i]) / 32);
  }
  return down;
}

Plane canny(const Plane& plane, double sigma, double low, double high) {
  Plane down, across;
  sobel_both(smoothed(plane, sigma), down, across);
  Plane size(plane.width, plane.height), out = size;
  std::vector<uint8_t> crest(size.values.size(), 0);
  for (size_t i = 0; i < size.values.size(); ++i) {
    size.values[i] =
        std::sqrt(down.values[i] * down.values[i] + across.values[i] * across.values[i]);
  }
  std::vector<int64_t> strong;  // places
  for (int64_t r = 1; r + 1 < plane.height; ++r) {
    for (int64_t c = 1; c + 1 < plane.width; ++c) {
      const double value = size.at(r, c);
      if (value >= low && value > 0 && is_crest(size, down.at(r, c), across.at(r, c), r, c)) {
        crest[static_cast<size_t>(r * plane.width + c)] = 1;
        if (value >= high) {
          strong.push_back(r * plane.width + c);
        }
      }
    }
  }
  while (!strong.empty()) {  // weak crests stay where they hang together with a strong one; none lies on the border
    const int64_t at = strong.back();
    strong.pop_back();
    out.values[static_cast<size_t>(at)] = 1;
    for (int64_t dr = -plane.width; dr <= plane.width; dr += plane.width) {
      for (int64_t dc = -1; dc <= 1; ++dc) {
        uint8_t& near = crest[static_cast<size_t>(at + dr + dc)];
        if (near != 0) {
          near = 0;
          strong.push_back(at + dr + dc);
        }
      }
    }
  }
  return out;
}

uint64_t hog_size(int64_t width, int64_t height, int64_t orientations, int64_t cell,
                  int64_t block) {
  const int64_t across = width / cell - block + 1, down = height / cell - block + 1;
  return across < 1 || down < 1
             ? 0
             : static_cast<uint64_t>(across * down * block * block * orientations);
}

namespace {

// Which of the equal parts of half a turn a direction lies in. A direction is past a border where the sine of the angle
// between them is not negative; only where that is near 0 the angle itself is asked for.
class Directions {
 public:
  explicit Directions(int64_t parts) : parts_(parts) {
    for (int64_t i = 1; i < parts; ++i) {
      const double angle = M_PI * static_cast<double>(i) / static_cast<double>(parts);
      sine_.push_back(std::sin(angle));
      cosine_.push_back(std::cos(angle));
    }
  }

  int64_t of(double dr, double dc, double size) const {
    const bool turned = dr < 0;
    const double y = turned ? -dr : dr, x = turned ? -dc : dc;
    const double near = 1e-9 * size;
    int64_t past = 0, close = 0;
    for (size_t i = 0; i < sine_.size(); ++i) {
      const double side = cosine_[i] * y - sine_[i] * x;
      past += side >= 0 ? 1 : 0;
      close += std::fabs(side) <= near ? 1 : 0;
    }
    return y == 0 ? 0 : (close != 0 ? by_angle(dr, dc) : past);
  }

 private:
  int64_t by_angle(double dr, double dc) const {
    const double degrees = std::fmod(std::atan2(dr, dc) * 180 / M_PI + 180, 180.0);
    return std::min(parts_ - 1, static_cast<int64_t>(degrees * static_cast<double>(parts_) / 180));
  }

  int64_t parts_;
  std::vector<double> sine_, cosine_;
};

// across x down histograms of directions, weighed by the size of the gradient.
std::vector<double> cell_histograms(const Plane& plane, int64_t across, int64_t down, int64_t orientations, int64_t cell) {
  std::vector<double> cells(static_cast<size_t>(std::max<int64_t>(0, across * down * orientations)), 0);
  const Directions directions(orientations);
  std::vector<double> dr(static_cast<size_t>(plane.width), 0), dc = dr, size = dr;
  for (int64_t r = 0; r < down * cell; ++r) {
    const bool inner = r > 0 && r + 1 < plane.height;
    const double* above = plane.row(inner ? r - 1 : r);
    const double* here = plane.row(r);
    const double* below = plane.row(inner ? r + 1 : r);
    for (int64_t c = 1; c + 1 < plane.width; ++c) {
      dc[static_cast<size_t>(c)] = here[c + 1] - here[c - 1];
    }
    for (size_t c = 0; c < size.size(); ++c) {
      dr[c] = below[c] - above[c];
      size[c] = std::sqrt(dr[c] * dr[c] + dc[c] * dc[c]);
    }
    double* to = cells.data() + r / cell * across * orientations;
    for (int64_t c = 0; c < across * cell; ++c) {
      const auto at = static_cast<size_t>(c);
      if (size[at] != 0) {
        to[c / cell * orientations + directions.of(dr[at], dc[at], size[at])] += size[at];
      }
    }
  }
  return cells;
}

}  // namespace

std::vector<double> hog(const Plane& plane, int64_t orientations, int64_t cell, int64_t block) {
  const int64_t across = plane.width / cell, down = plane.height / cell;
  std::vector<double> cells = cell_histograms(plane, across, down, orientations, cell);
  for (double& value : cells) {
    value /= static_cast<double>(cell * cell);
  }
  std::vector<double> out;
  out.reserve(hog_size(plane.width, plane.height, orientations, cell, block));
  for (int64_t r = 0; r + block <= down; ++r) {
    for (int64_t c = 0; c + block <= across; ++c) {
      const size_t begin = out.size();
      for (int64_t br = 0; br < block; ++br) {
        const auto from = cells.begin() + (((r + br) * across + c) * orientations);
        out.insert(out.end(), from, from + block * orientations);
      }
      for (const double most : {0.2, HUGE_VAL}) {  // to length 1, cut at 0.2, to length 1 again
        double squares = 1e-10;
        for (size_t i = begin; i < out.size(); ++i) {
          squares += out[i] * out[i];
        }
        const double length = std::sqrt(squares);
        for (size_t i = begin; i < out.size(); ++i) {
          out[i] = std::min(most, out[i] / length);
        }
      }
    }
  }
  return out;
}

namespace {

constexpr int kNeighbors = 8;

// A neighbour between pixels: the four around it, and how far from the upper left one, a place along a side. Sums are the
// definition's, digit by digit: in even regions their rounding decides a bit.
struct Between {
  double dr = 0, dc = 0;
  bool exact() const { return dr == std::floor(dr) && dc == std::floor(dc); }
};

std::array<Between, kNeighbors> circle() {
  std::array<Between, kNeighbors> out;
  for (int i = 0; i < kNeighbors; ++i) {
    out[static_cast<size_t>(i)] = {std::round(-std::sin(2 * M_PI * i / kNeighbors) * 1e5) / 1e5,
                                   std::round(std::cos(2 * M_PI * i / kNeighbors) * 1e5) / 1e5};
  }
  return out;
}

// Of eight bits, the first lowest: how many are set where they change at most twice, else 9.
std::array<uint8_t, 256> pattern_numbers() {
  std::array<uint8_t, 256> out;
  for (int bits = 0; bits < 256; ++bits) {
    const int changes = __builtin_popcount((bits ^ bits >> 1) & 0x7f);
    out[static_cast<size_t>(bits)] = static_cast<uint8_t>(changes <= 2 ? __builtin_popcount(bits) : kNeighbors + 1);
  }
  return out;
}

// The rows r - 1, r, r + 1 between columns of zeros, so that every pixel has eight neighbours.
void add_bits(const double* const rows[3], int64_t width, int64_t r, const Between& to, int bit, std::vector<uint8_t>& bits) {
  const double y = static_cast<double>(r) + to.dr, y0 = std::floor(y), sy = y - y0;
  const auto down = static_cast<int64_t>(std::floor(to.dr)), right = static_cast<int64_t>(std::floor(to.dc));
  const double* here = rows[1];
  const double* top = rows[1 + down] + right;
  if (to.exact()) {
    for (int64_t c = 0; c < width; ++c) {
      bits[static_cast<size_t>(c)] |= static_cast<uint8_t>((top[c] - here[c] >= 0 ? 1 : 0) << bit);
    }
    return;
  }
  const double* bottom = rows[2 + down] + right;
  for (int64_t c = 0; c < width; ++c) {
    const double x = static_cast<double>(c) + to.dc;
    const double sx = x - static_cast<double>(c + right);
    const double upper = (1 - sx) * top[c] + sx * top[c + 1];
    const double lower = (1 - sx) * bottom[c] + sx * bottom[c + 1];
    bits[static_cast<size_t>(c)] |= static_cast<uint8_t>(((1 - sy) * upper + sy * lower - here[c] >= 0 ? 1 : 0) << bit);
  }
}

}  // namespace

std::vector<uint8_t> local_binary_patterns(const Plane& plane) {
  static const std::array<Between, kNeighbors> neighbors = circle();
  static const std::array<uint8_t, 256> numbers = pattern_numbers();
  const auto padded = static_cast<size_t>(plane.width + 2);
  std::vector<double> ring(3 * padded, 0.0);  // row r at [(r + 1) % 3]
  const auto load = [&](int64_t r) {
    double* to = ring.data() + static_cast<size_t>((r + 1) % 3) * padded + 1;
    if (r < plane.height) {
      std::copy_n(plane.row(r), plane.width, to);
    } else {
      std::fill_n(to, plane.width, 0.0);
    }
  };
  if (plane.height > 0) {
    load(0);
  }
  std::vector<uint8_t> out(plane.values.size());
  std::vector<uint8_t> bits(static_cast<size_t>(plane.width));
  for (int64_t r = 0; r < plane.height; ++r) {
    load(r + 1);
    const double* rows[3];
    for (int64_t i = 0; i < 3; ++i) {
      rows[i] = ring.data() + static_cast<size_t>((r + i) % 3) * padded + 1;
    }
    std::fill(bits.begin(), bits.end(), uint8_t{0});
    for (int i = 0; i < kNeighbors; ++i) {
      add_bits(rows, plane.width, r, neighbors[static_cast<size_t>(i)], i, bits);
    }
    for (size_t c = 0; c < bits.size(); ++c) {
      out[static_cast<size_t>(r * plane.width) + c] = numbers[bits[c]];
    }
  }
  return out;
}

}  // namespace athanor
