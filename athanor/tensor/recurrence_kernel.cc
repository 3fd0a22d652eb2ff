#include "athanor/tensor/recurrence_kernel.h"

#include <algorithm>

#include "athanor/tensor/simd.h"
#include "athanor/tensor/tile_product.h"

namespace athanor::recurrence {
namespace {

using simd::kLanes;
using simd::load;
using simd::load_part;
using simd::store;
using simd::store_part;
using simd::Vec;

// Numbers of a vector of which the first `lanes` are there.
ATHANOR_INLINE Vec get(const float* from, int64_t lanes) { return lanes >= kLanes ? load(from) : load_part(from, lanes); }
ATHANOR_INLINE void put(float* to, Vec value, int64_t lanes) {
  lanes >= kLanes ? store(to, value) : store_part(to, value, lanes);
}

ATHANOR_INLINE Vec tanh(Vec x) {
  const Vec e = simd::exp((x < 0 ? -x : x) * -2.0f);
  const Vec y = (1.0f - e) / (1.0f + e);
  return x < 0 ? -y : y;
}

// Inputs' product and biases of `rows` rows from `row` on: what the state's product is added to. GRU's third is the state's
// own, which the reset gate multiplies.
ATHANOR_SIMD void begin_sums(const ForwardRows& s, int64_t gates, int64_t row, int64_t rows, int64_t unit, float* sums) {
  const int64_t width = s.width;
  const int64_t lanes = width - unit;
  for (int64_t r = 0; r < rows; ++r) {
    const float* from = s.gates + (row + r) * gates * width + unit;
    for (int64_t g = 0; g < gates; ++g, sums += kLanes) {
      const bool state = gates == 3 && g == 2;
      const Vec bias = get(s.bias + (state ? 3 : g) * width + unit, lanes);
      store(sums, state ? bias : bias + get(from + g * width, lanes));
    }
  }
}

ATHANOR_SIMD void lstm_forward(const ForwardRows& s, int64_t row, int64_t rows, int64_t unit, const float* sums) {
  const int64_t width = s.width;
  const int64_t lanes = width - unit;
  for (int64_t r = row; r < row + rows; ++r, sums += 4 * kLanes) {
    const Vec in = simd::sigmoid(load(sums));
    const Vec forget = simd::sigmoid(load(sums + kLanes));
    const Vec candidate = tanh(load(sums + 2 * kLanes));
    const Vec out = simd::sigmoid(load(sums + 3 * kLanes));
    Vec cell = in * candidate;
    if (s.cell_before != nullptr) {
      cell += forget * get(s.cell_before + r * width + unit, lanes);
    }
    float* const gates = s.gates + r * 4 * width + unit;
    put(gates, in, lanes);
    put(gates + width, forget, lanes);
    put(gates + 2 * width, candidate, lanes);
    put(gates + 3 * width, out, lanes);
    put(s.extra + r * width + unit, cell, lanes);
    put(s.hidden + r * s.hidden_stride + unit, out * tanh(cell), lanes);
  }
}

ATHANOR_SIMD void gru_forward(const ForwardRows& s, int64_t row, int64_t rows, int64_t unit, const float* sums) {
  const int64_t width = s.width;
  const int64_t lanes = width - unit;
  const Vec bias = get(s.bias + 2 * width + unit, lanes);
  for (int64_t r = row; r < row + rows; ++r, sums += 3 * kLanes) {
    float* const gates = s.gates + r * 3 * width + unit;
    const Vec reset = simd::sigmoid(load(sums));
    const Vec update = simd::sigmoid(load(sums + kLanes));
    const Vec state = load(sums + 2 * kLanes);
    const Vec candidate = tanh(get(gates + 2 * width, lanes) + bias + reset * state);
    Vec hidden = (1.0f - update) * candidate;
    if (s.before != nullptr) {
      hidden += update * get(s.before + r * s.before_stride + unit, lanes);
    }
    put(gates, reset, lanes);
    put(gates + width, update, lanes);
    put(gates + 2 * width, candidate, lanes);
    put(s.extra + r * width + unit, state, lanes);
    put(s.hidden + r * s.hidden_stride + unit, hidden, lanes);
  }
}

// `unit`: of one vector, whose share of the product's gradient is the rows' sums at `sums`, 64 apart.
ATHANOR_SIMD void lstm_backward(const BackwardRows& s, int64_t row, int64_t rows, int64_t unit, const float* sums) {
  const int64_t width = s.width;
  const int64_t lanes = width - unit;
  for (int64_t r = row; r < row + rows; ++r, sums += kBackwardBlock) {
    float* const gates = s.gates + r * 4 * width + unit;
    const Vec in = get(gates, lanes);
    const Vec forget = get(gates + width, lanes);
    const Vec candidate = get(gates + 2 * width, lanes);
    const Vec out = get(gates + 3 * width, lanes);
    const Vec bent = tanh(get(s.extra + r * width + unit, lanes));
    const Vec dh = get(s.grad + r * s.grad_stride + unit, lanes) + load(sums);
    const Vec dc = get(s.carry + r * width + unit, lanes) + dh * out * (1.0f - bent * bent);
    const Vec before = s.cell_before == nullptr ? Vec{} : get(s.cell_before + r * width + unit, lanes);
    put(gates, dc * candidate * in * (1.0f - in), lanes);
    put(gates + width, dc * before * forget * (1.0f - forget), lanes);
    put(gates + 2 * width, dc * in * (1.0f - candidate * candidate), lanes);
    put(gates + 3 * width, dh * bent * out * (1.0f - out), lanes);
    put(s.carry + r * width + unit, dc * forget, lanes);
  }
}

ATHANOR_SIMD void gru_backward(const BackwardRows& s, int64_t row, int64_t rows, int64_t unit, const float* sums) {
  const int64_t width = s.width;
  const int64_t lanes = width - unit;
  for (int64_t r = row; r < row + rows; ++r, sums += kBackwardBlock) {
    float* const gates = s.gates + r * 3 * width + unit;
    const Vec reset = get(gates, lanes);
    const Vec update = get(gates + width, lanes);
    const Vec candidate = get(gates + 2 * width, lanes);
    const Vec state = get(s.extra + r * width + unit, lanes);
    const Vec before = get(s.before + r * width + unit, lanes);
    const Vec dh = get(s.grad + r * s.grad_stride + unit, lanes) + load(sums) + get(s.carry + r * width + unit, lanes);
    const Vec dcandidate = dh * (1.0f - update) * (1.0f - candidate * candidate);
    put(gates, dcandidate * state * reset * (1.0f - reset), lanes);
    put(gates + width, dh * (before - candidate) * update * (1.0f - update), lanes);
    put(gates + 2 * width, dcandidate, lanes);
    put(s.extra + r * width + unit, dcandidate * reset, lanes);
    put(s.carry + r * width + unit, dh * update, lanes);
  }
}

}  // namespace

int64_t forward_size(CellKind cell, int64_t width) {
  return (width + kForwardBlock - 1) / kForwardBlock * kForwardBlock * gates_of(cell) * width;
}

int64_t backward_size(CellKind cell, int64_t width) {
  return (width + kBackwardBlock - 1) / kBackwardBlock * kBackwardBlock * gates_of(cell) * width;
}

void pack_forward(CellKind cell, const float* weight, int64_t width, int64_t block, float* to) {
  const int64_t gates = gates_of(cell);
  to += block * kForwardBlock * gates * width;
  std::fill_n(to, kForwardBlock * gates * width, 0.0f);
  const int64_t units = std::min(kForwardBlock, width - block * kForwardBlock);
  for (int64_t g = 0; g < gates; ++g) {
    for (int64_t i = 0; i < units; ++i) {
      const float* const row = weight + (g * width + block * kForwardBlock + i) * width;
      for (int64_t k = 0; k < width; ++k) {
        to[(k * gates + g) * kForwardBlock + i] = row[k];
      }
    }
  }
}

void pack_backward(CellKind cell, const float* weight, int64_t width, int64_t block, float* to) {
  const int64_t depth = gates_of(cell) * width;
  to += block * kBackwardBlock * depth;
  const int64_t units = std::min(kBackwardBlock, width - block * kBackwardBlock);
  for (int64_t k = 0; k < depth; ++k, to += kBackwardBlock) {
    std::copy_n(weight + k * width + block * kBackwardBlock, units, to);
    std::fill_n(to + units, kBackwardBlock - units, 0.0f);
  }
}

void forward_block(CellKind cell, const ForwardRows& s, const float* packed, int64_t block) {
  const int64_t gates = gates_of(cell);
  const float* const panel = packed + block * kForwardBlock * gates * s.width;
  const int64_t unit = block * kForwardBlock;
  alignas(64) float sums[kTileRows * kTileColumns];
  for (int64_t row = 0, rows = 0; row < s.rows; row += rows) {
    rows = next_tile_rows(s.rows - row);
    begin_sums(s, gates, row, rows, unit, sums);
    if (s.before != nullptr) {
      add_tile_product(s.before + row * s.before_stride, s.before_stride, rows, panel, s.width, gates, sums);
    }
    cell == CellKind::kLstm ? lstm_forward(s, row, rows, unit, sums) : gru_forward(s, row, rows, unit, sums);
  }
}

void backward_block(CellKind cell, const BackwardRows& s, const float* packed, int64_t block) {
  const int64_t width = s.width;
  const int64_t depth = gates_of(cell) * width;
  const float* const panel = packed + block * kBackwardBlock * depth;
  const int64_t joint = cell == CellKind::kLstm ? depth : 2 * width;  // of the gates whose gradient the state's product has as it is
  alignas(64) float sums[kTileRows * kTileColumns];
  for (int64_t row = 0, rows = 0; row < s.rows; row += rows) {
    rows = next_tile_rows(s.rows - row);
    std::fill_n(sums, rows * kBackwardBlock, 0.0f);
    if (s.next_gates != nullptr) {
      add_tile_product(s.next_gates + row * depth, depth, rows, panel, joint, kTileVectors, sums);
    }
    if (s.next_gates != nullptr && joint < depth) {
      add_tile_product(s.next_extra + row * width, width, rows, panel + joint * kBackwardBlock, width, kTileVectors, sums);
    }
    const int64_t end = std::min(width, (block + 1) * kBackwardBlock);
    for (int64_t unit = block * kBackwardBlock; unit < end; unit += kLanes) {
      const float* const own = sums + unit - block * kBackwardBlock;
      cell == CellKind::kLstm ? lstm_backward(s, row, rows, unit, own) : gru_backward(s, row, rows, unit, own);
    }
  }
}

}  // namespace athanor::recurrence
