// A small fp32 product in registers, for kernels that do something with its sums at once: up to six rows by up to 64 columns.
// The left operand's rows may overlap (windows of a text), the right one lies in a panel [depth][vectors][16]. Each sum is
// over the depth in order, so that no result depends on how rows are cut into tiles.
#pragma once

#include <cstdint>

namespace athanor {

constexpr int64_t kTileRows = 6;      // at most: 6 x 4 sums, their factors and no more fit into 32 registers
constexpr int64_t kTileVectors = 4;
constexpr int64_t kTileColumns = 16 * kTileVectors;

// Rows of the next tile when so many are left: all about as high, and as many as this processor's registers take.
int64_t next_tile_rows(int64_t left);

// sums [rows][vectors][16] += a panel; row r of a begins at a + r stride. 1 <= rows <= kTileRows, 1 <= vectors <= kTileVectors.
void add_tile_product(const float* a, int64_t stride, int64_t rows, const float* panel, int64_t depth, int64_t vectors,
                      float* sums);

}  // namespace athanor
