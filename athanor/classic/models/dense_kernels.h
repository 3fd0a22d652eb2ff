// The inner loops over doubles, for the baseline, AVX2 and AVX-512. A result depends on the machine's instruction set only,
// never on threads or on how the work was cut up.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace athanor::classic {

double dot(const double* a, const double* b, size_t count);
double weighted_dot(const double* a, const double* b, const double* weight, size_t count);  // sum of a * b * weight
void add_scaled(double* y, const double* x, double factor, size_t count);                   // y += factor * x

enum class Metric { kSquaredEuclidean, kManhattan, kDot };

// Points in blocks of eight, a column of eight after another, so that a vector register holds one coordinate of eight.
class PointBlocks {
 public:
  static constexpr size_t kBlock = 8;
  PointBlocks() = default;
  PointBlocks(const double* points, size_t count, size_t dim);  // row after row

  size_t count() const { return count_; }
  size_t num_blocks() const { return (count_ + kBlock - 1) / kBlock; }
  // out[q * 8 + i] for up to four queries: the metric of query q and point block * 8 + i (what lies past the end is
  // garbage). The sum runs over the coordinates in order.
  void measure(Metric metric, const double* const* queries, size_t num_queries, size_t block, double* out) const;

 private:
  size_t count_ = 0;
  size_t dim_ = 0;
  std::vector<double> values_;
};

// Products of panels: eight columns each, a row of eight numbers after another.
struct TileKernel {
  static constexpr size_t kSide = 8;
  // out[p * 64 + i * 8 + j] += sum over rows of a[i] * b[p][j], for two panels b; in the order of the rows.
  static void add(const double* a, const double* const b[2], size_t rows, double* out);
};

}  // namespace athanor::classic
