#include "athanor/model/nets/cells.h"

#include <ATen/ops/gru.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/rnn_tanh.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <tuple>

namespace athanor {
namespace {

// Fewer steps do not earn back that the state's weights are laid out anew for them: decoding.
constexpr int64_t kFewSteps = 4;

}  // namespace

Cells::Cells(NetInits& inits, const CellShape& shape) : shape_(shape) {
  const int64_t width = shape.width;
  const int64_t gates = shape.family == "lstm" ? 4 : shape.family == "gru" ? 3 : 1;
  const int64_t directions = shape.bidirectional ? 2 : 1;
  const NetInit init{NetInit::Kind::kUniform, 1.0 / std::sqrt(static_cast<double>(width))};
  const auto add = [&](const std::string& name, at::IntArrayRef sizes, bool decay) {
    at::Tensor tensor = at::zeros(sizes);
    inits.emplace_back(tensor, init);
    return register_parameter(name, tensor, decay);
  };
  for (int64_t layer = 0; layer < shape.layers; ++layer) {
    const int64_t in = layer == 0 ? shape.inputs : width * directions;
    std::vector<at::Tensor> weights;
    for (int64_t direction = 0; direction < directions; ++direction) {
      const std::string end = "_l" + std::to_string(layer) + (direction == 1 ? "_reverse" : "");
      weights.push_back(add("weight_ih" + end, {gates * width, in}, true));
      weights.push_back(add("weight_hh" + end, {gates * width, width}, true));
      weights.push_back(add("bias_ih" + end, {gates * width}, false));
      weights.push_back(add("bias_hh" + end, {gates * width}, false));
    }
    layers_.push_back(std::move(weights));
  }
}

at::Tensor Cells::run(size_t layer, const at::Tensor& data, const at::Tensor& batch_sizes, int64_t rows,
                      CellState& state) const {
  if (data.is_cpu() && shape_.family != "rnn" && batch_sizes.size(0) >= kFewSteps) {
    std::vector<CellWeights> directions;
    const std::vector<at::Tensor>& all = layers_[layer];
    for (size_t i = 0; i < all.size(); i += 4) {
      directions.push_back({all[i], all[i + 1], all[i + 2], all[i + 3]});
    }
    return recurrent_layer(shape_.family == "lstm" ? CellKind::kLstm : CellKind::kGru, data, batch_sizes, directions, state);
  }
  std::vector<at::Tensor> weights;
  for (const at::Tensor& weight : layers_[layer]) {
    weights.push_back(weight.to(data.scalar_type()));
  }
  const bool both = shape_.bidirectional;
  const at::Tensor zeros = at::zeros({both ? 2 : 1, rows, shape_.width}, data.options());
  const at::Tensor start = state.hidden.defined() ? state.hidden : zeros;
  at::Tensor output;
  if (shape_.family == "lstm") {
    const at::Tensor cell = state.cell.defined() ? state.cell : zeros;
    std::tie(output, state.hidden, state.cell) =
        at::lstm(data, batch_sizes, {start, cell}, weights, true, 1, 0.0, training(), both);
    return output;
  }
  std::tie(output, state.hidden) = shape_.family == "gru"
                                       ? at::gru(data, batch_sizes, start, weights, true, 1, 0.0, training(), both)
                                       : at::rnn_tanh(data, batch_sizes, start, weights, true, 1, 0.0, training(), both);
  return output;
}

}  // namespace athanor
