// The arithmetic of LSTM and GRU steps: rows of one step, a block of neurons at a time, the state's product and the cell in
// one pass. Everything is fp32. H: width; a step's rows lie one behind another, each of (gates) x H numbers.
#pragma once

#include <cstdint>

#include "athanor/tensor/recurrence.h"
#include "athanor/tensor/tile_product.h"

namespace athanor::recurrence {

constexpr int64_t kForwardBlock = 16;  // neurons of a block: a vector of each gate
constexpr int64_t kBackwardBlock = kTileColumns;

constexpr int64_t gates_of(CellKind cell) { return cell == CellKind::kLstm ? 4 : 3; }

// What the state is multiplied by, block by block and padded with zeros, so that a block is read from end to end: forward
// [H / 16][H][gates][16], backward [H / 64][gates x H][64]. to: room for packed_size() numbers.
int64_t forward_size(CellKind cell, int64_t width);
int64_t backward_size(CellKind cell, int64_t width);
void pack_forward(CellKind cell, const float* weight, int64_t width, int64_t block, float* to);
void pack_backward(CellKind cell, const float* weight, int64_t width, int64_t block, float* to);

struct ForwardRows {
  int64_t rows;
  int64_t width;
  const float* before;       // [rows] of before_stride: the states; null: zeros
  int64_t before_stride;
  const float* cell_before;  // LSTM: [rows, H]; null: zeros
  const float* bias;         // [4 H]: of the gates; GRU: r, z, the candidate's, its state's
  float* gates;              // in: the inputs' product; out: the gates
  float* extra;              // [rows, H]: LSTM: the cell; GRU: what the reset gate lets through
  float* hidden;             // [rows] of hidden_stride
  int64_t hidden_stride;
};
void forward_block(CellKind cell, const ForwardRows& rows, const float* packed, int64_t block);

struct BackwardRows {
  int64_t rows;
  int64_t width;
  const float* next_gates;   // gradients of the step that read these rows' states; null: none
  const float* next_extra;
  const float* grad;         // [rows] of grad_stride: what comes from the output
  int64_t grad_stride;
  const float* cell_before;  // LSTM: as above
  const float* before;       // GRU: [rows, H], the states
  float* gates;              // in: the gates; out: the gradients before their non-linearities
  float* extra;              // GRU: in as above; out: the gradient of the candidate's state part
  float* carry;              // [rows, H]: what goes to the step before beside the product
};
void backward_block(CellKind cell, const BackwardRows& rows, const float* packed, int64_t block);

}  // namespace athanor::recurrence
