// X'X of a dense matrix: packed once into panels of eight columns that stay in cache, then multiplied tile by tile. A number
// of the result is summed over the rows in their order, so the bytes depend on the machine's instruction set only.
//
//   PackedColumns packed(rows, columns);
//   packed.fill(pool, [&](size_t row, double* to) { ... });   // a row's values, to[0] to to[columns - 1]
//   const std::vector<double> gram = packed.gram(pool);        // columns x columns, both halves
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "athanor/base/thread_pool.h"

namespace athanor::classic {

class PackedColumns {
 public:
  PackedColumns(size_t rows, size_t columns);

  // row_of writes one row; called from many threads.
  void fill(ThreadPool& pool, const std::function<void(size_t row, double* to)>& row_of);
  std::vector<double> gram(ThreadPool& pool) const;

 private:
  static constexpr size_t kPanel = 8;    // columns
  static constexpr size_t kChunk = 256;  // rows: a panel's chunk is 16 KB

  // A chunk's panel: row after row, eight numbers each.
  const double* panel(size_t chunk, size_t i) const { return values_.get() + (chunk * panels_ + i) * kPanel * kChunk; }
  void add_tiles(size_t begin, size_t end, std::vector<double>& out) const;

  size_t rows_;
  size_t columns_;
  size_t panels_;
  size_t chunks_;
  std::unique_ptr<double[]> values_;  // written by fill(), not before
};

}  // namespace athanor::classic
