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
    const int64_t above = reflected(r - 1, plane.height), below = reflected(r + 1, plane.height);
    for (int64_t c = 0; c < plane.width; ++c) {
      const int64_t left = reflected(c - 1, plane.width), right = reflected(c + 1, plane.width);
      down.at(r, c) = (plane.at(below, left) + 2 * plane.at(below, c) + plane.at(below, right)) -
                      (plane.at(above, left) + 2 * plane.at(above, c) + plane.at(above, right));
      across.at(r, c) = (plane.at(above, right) + 2 * plane.at(r, right) + plane.at(below, right)) -
                        (plane.at(above, left) + 2 * plane.at(r, left) + plane.at(below, left));
    }
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
  const auto pass = [&](const Plane& from, bool rows) {
    Plane out(from.width, from.height);
    const int64_t size = rows ? from.height : from.width;
    for (int64_t r = 0; r < from.height; ++r) {
      for (int64_t c = 0; c < from.width; ++c) {
        double sum = 0, used = 0;
        for (int64_t i = -radius; i <= radius; ++i) {
          const int64_t at = (rows ? r : c) + i;
          if (at >= 0 && at < size) {
            const double weight = weights[static_cast<size_t>(i + radius)] / total;
            sum += weight * (rows ? from.at(at, c) : from.at(r, at));
            used += weight;
          }
        }
        out.at(r, c) = sum / used;
      }
    }
    return out;
  };
  return pass(pass(plane, true), false);
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
  Plane size(plane.width, plane.height), crest = size, out = size;
  for (size_t i = 0; i < size.values.size(); ++i) {
    size.values[i] =
        std::sqrt(down.values[i] * down.values[i] + across.values[i] * across.values[i]);
  }
  std::vector<std::pair<int64_t, int64_t>> strong;
  for (int64_t r = 1; r + 1 < plane.height; ++r) {
    for (int64_t c = 1; c + 1 < plane.width; ++c) {
      const double value = size.at(r, c);
      if (value >= low && value > 0 && is_crest(size, down.at(r, c), across.at(r, c), r, c)) {
        crest.at(r, c) = value;
        if (value >= high) {
          strong.emplace_back(r, c);
        }
      }
    }
  }
  while (!strong.empty()) {  // weak crests stay where they hang together with a strong one
    const auto [r, c] = strong.back();
    strong.pop_back();
    if (out.at(r, c) != 0) {
      continue;
    }
    out.at(r, c) = 1;
    for (int64_t dr = -1; dr <= 1; ++dr) {
      for (int64_t dc = -1; dc <= 1; ++dc) {
        const bool inside =
            r + dr >= 0 && c + dc >= 0 && r + dr < plane.height && c + dc < plane.width;
        if (inside && crest.at(r + dr, c + dc) > 0 && out.at(r + dr, c + dc) == 0) {
          strong.emplace_back(r + dr, c + dc);
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

std::vector<double> hog(const Plane& plane, int64_t orientations, int64_t cell, int64_t block) {
  const int64_t across = plane.width / cell, down = plane.height / cell;
  std::vector<double> cells(static_cast<size_t>(std::max<int64_t>(0, across * down * orientations)),
                            0);
  for (int64_t r = 0; r < down * cell; ++r) {
    for (int64_t c = 0; c < across * cell; ++c) {
      const double dr = r > 0 && r + 1 < plane.height ? plane.at(r + 1, c) - plane.at(r - 1, c) : 0;
      const double dc = c > 0 && c + 1 < plane.width ? plane.at(r, c + 1) - plane.at(r, c - 1) : 0;
      const double degrees = std::fmod(std::atan2(dr, dc) * 180 / M_PI + 180, 180.0);
      const auto bin =
          std::min(orientations - 1,
                   static_cast<int64_t>(degrees * static_cast<double>(orientations) / 180));
      cells[static_cast<size_t>(((r / cell) * across + c / cell) * orientations + bin)] +=
          std::hypot(dr, dc);
    }
  }
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
        for (size_t i = begin; i < out.size(); ++i) {
          out[i] = std::min(most, out[i] / std::sqrt(squares));
        }
      }
    }
  }
  return out;
}

std::vector<uint8_t> local_binary_patterns(const Plane& plane) {
  constexpr int kNeighbors = 8;
  std::array<double, kNeighbors> dr{}, dc{};
  for (int i = 0; i < kNeighbors; ++i) {
    dr[static_cast<size_t>(i)] = std::round(-std::sin(2 * M_PI * i / kNeighbors) * 1e5) / 1e5;
    dc[static_cast<size_t>(i)] = std::round(std::cos(2 * M_PI * i / kNeighbors) * 1e5) / 1e5;
  }
  const auto pixel = [&](int64_t r, int64_t c) {
    return r < 0 || c < 0 || r >= plane.height || c >= plane.width ? 0.0 : plane.at(r, c);
  };
  std::vector<uint8_t> out(plane.values.size());
  for (int64_t r = 0; r < plane.height; ++r) {
    for (int64_t c = 0; c < plane.width; ++c) {
      int bits[kNeighbors], sum = 0, changes = 0;
      for (int i = 0; i < kNeighbors; ++i) {
        const double y = static_cast<double>(r) + dr[static_cast<size_t>(i)],
                     x = static_cast<double>(c) + dc[static_cast<size_t>(i)];
        const double y0 = std::floor(y), x0 = std::floor(x), sy = y - y0, sx = x - x0;
        const auto top = static_cast<int64_t>(y0), bottom = static_cast<int64_t>(std::ceil(y));
        const auto left = static_cast<int64_t>(x0), right = static_cast<int64_t>(std::ceil(x));
        const double upper = (1 - sx) * pixel(top, left) + sx * pixel(top, right);
        const double lower = (1 - sx) * pixel(bottom, left) + sx * pixel(bottom, right);
        bits[i] = (1 - sy) * upper + sy * lower - plane.at(r, c) >= 0 ? 1 : 0;
        sum += bits[i];
        changes += i > 0 && bits[i] != bits[i - 1] ? 1 : 0;
      }
      out[static_cast<size_t>(r * plane.width + c)] =
          static_cast<uint8_t>(changes <= 2 ? sum : kNeighbors + 1);
    }
  }
  return out;
}

}  // namespace athanor
