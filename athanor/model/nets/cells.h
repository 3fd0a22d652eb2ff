// Recurrent layers with torch.nn.RNN's (tanh), LSTM's and GRU's parameters and arithmetic: weight_ih_l0, weight_hh_l0,
// bias_ih_l0, bias_hh_l0, ..._reverse; U(+-1 / sqrt(width)). Layer by layer over packed sequences (PyTorch's PackedSequence:
// longest first, step by step), so that padding costs nothing and changes nothing.
#pragma once

#include <string>
#include <vector>

#include "athanor/model/nets/layers.h"
#include "athanor/tensor/recurrence.h"

namespace athanor {

struct CellShape {
  std::string family;  // rnn, lstm, gru
  int64_t inputs = 0;
  int64_t width = 0;
  int64_t layers = 1;
  bool bidirectional = false;
};

class Cells : public Module {
 public:
  Cells(NetInits& inits, const CellShape& shape);

  size_t num_layers() const { return layers_.size(); }

  // Packed steps [N, inputs] of `rows` sequences -> packed outputs [N, width x directions]; `state` goes in and out, and
  // gradients come from its hidden part alone.
  at::Tensor run(size_t layer, const at::Tensor& data, const at::Tensor& batch_sizes, int64_t rows,
                 CellState& state) const;

 private:
  CellShape shape_;
  std::vector<std::vector<at::Tensor>> layers_;
};

}  // namespace athanor
