// A layer of an LSTM (Hochreiter and Schmidhuber 1997) or a GRU (Cho et al. 2014) with torch.nn's parameters and arithmetic,
// over packed sequences: the inputs of all steps are one product, as are the gradients of the weights; what must go step by
// step is one pass a step, the state's product and the cell together, over blocks of neurons. States, gates and sums are fp32
// in every precision; products of all steps are in that of x.
// N steps of all sequences, B sequences, I inputs, H width, D directions, G gates (LSTM i, f, g, o; GRU r, z, n).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace athanor {

enum class CellKind { kLstm, kGru };

// Of one direction, fp32.
struct CellWeights {
  at::Tensor input_GI;  // rows: gates x H; so below
  at::Tensor state_GH;
  at::Tensor input_bias_G;
  at::Tensor state_bias_G;
};

// What a layer remembers, [D, B, H]; cell is LSTM's alone. Undefined = zeros.
struct CellState {
  at::Tensor hidden;
  at::Tensor cell;
};

// x_NI: fp32, bf16 or fp16 on the host, as PackedSequence has it: step by step, the longest sequence first; sizes_T: how many
// sequences have a step t (int64, never rising). The second direction, where there are two, reads from the end. state: in,
// without gradient; out, hidden is recorded by autograd and cell is not. -> [N, D x H] in x's dtype. The same bits for any number
// of threads but for the products of all steps (gemm.h).
at::Tensor recurrent_layer(CellKind cell, const at::Tensor& x_NI, const at::Tensor& sizes_T,
                           const std::vector<CellWeights>& weights, CellState& state);

}  // namespace athanor
