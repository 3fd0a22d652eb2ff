// Against ATen's own LSTM and GRU over packed sequences.
#include "athanor/tensor/recurrence.h"

#include <ATen/Parallel.h>
#include <ATen/ops/gru.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <tuple>

#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

constexpr int64_t kInputs = 7;

struct Layer {
  std::vector<CellWeights> directions;
  std::vector<at::Tensor> all;  // as ATen wants them
};

Layer random_layer(CellKind cell, int64_t width, int64_t directions) {
  const int64_t gates = (cell == CellKind::kLstm ? 4 : 3) * width;
  Layer layer;
  for (int64_t d = 0; d < directions; ++d) {
    const auto add = [&](at::IntArrayRef sizes) {
      layer.all.push_back(at::randn(sizes).mul(0.3).requires_grad_(true));
      return layer.all.back();
    };
    const at::Tensor input = add({gates, kInputs});
    const at::Tensor state = add({gates, width});
    const at::Tensor input_bias = add({gates});
    layer.directions.push_back({input, state, input_bias, add({gates})});
  }
  return layer;
}

at::Tensor sizes_of(const std::vector<int64_t>& sizes) {
  at::Tensor tensor = at::zeros({static_cast<int64_t>(sizes.size())}, at::kLong);
  std::copy(sizes.begin(), sizes.end(), tensor.mutable_data_ptr<int64_t>());
  return tensor;
}

struct Answer {
  at::Tensor y, hidden, cell;
  std::vector<at::Tensor> gradients;
};

// The gradients of a sum that weighs outputs and last states at random, the same for both sides.
void differentiate(Answer& answer, const at::Tensor& x, const Layer& layer, const at::Tensor& dy, const at::Tensor& dhidden) {
  backward(answer.y.mul(dy).sum().add(answer.hidden.mul(dhidden).sum()));
  for (at::Tensor leaf : layer.all) {
    answer.gradients.push_back(leaf.grad());
    leaf.mutable_grad().reset();
  }
  answer.gradients.push_back(x.grad());
  x.mutable_grad().reset();
}

double apart(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.sub(b).abs().max().item<double>();
}

void compare(CellKind cell, int64_t width, int64_t directions, const std::vector<int64_t>& sizes, bool started) {
  const at::Tensor sizes_T = sizes_of(sizes);
  const int64_t rows = sizes.front();
  const Layer layer = random_layer(cell, width, directions);
  const at::Tensor x = at::randn({sizes_T.sum().item<int64_t>(), kInputs}).requires_grad_(true);
  const at::Tensor zeros = at::zeros({directions, rows, width});
  const at::Tensor hidden = started ? at::randn({directions, rows, width}) : zeros;
  const at::Tensor start_cell = started ? at::randn({directions, rows, width}) : zeros;
  const at::Tensor dy = at::randn({x.size(0), directions * width});
  const at::Tensor dhidden = at::randn({directions, rows, width});
  Answer want;
  if (cell == CellKind::kLstm) {
    std::tie(want.y, want.hidden, want.cell) =
        at::lstm(x, sizes_T, {hidden, start_cell}, layer.all, true, 1, 0.0, true, directions > 1);
  } else {
    std::tie(want.y, want.hidden) = at::gru(x, sizes_T, hidden, layer.all, true, 1, 0.0, true, directions > 1);
  }
  differentiate(want, x, layer, dy, dhidden);
  CellState state;
  if (started) {
    state = {hidden, cell == CellKind::kLstm ? start_cell : at::Tensor()};
  }
  Answer found;
  found.y = recurrent_layer(cell, x, sizes_T, layer.directions, state);
  found.hidden = state.hidden;
  differentiate(found, x, layer, dy, dhidden);
  EXPECT_LE(apart(found.y, want.y), 2e-6);
  EXPECT_LE(apart(found.hidden, want.hidden), 2e-6);
  if (cell == CellKind::kLstm) {
    EXPECT_LE(apart(state.cell, want.cell), 4e-6);
  }
  for (size_t i = 0; i < want.gradients.size(); ++i) {
    EXPECT_LE(apart(found.gradients[i], want.gradients[i]), 1e-5 * (1 + want.gradients[i].abs().max().item<double>())) << i;
  }
}

// Widths that fill no vector, one, and more than a block; sequences that end early; both ways; with a state to begin with.
TEST(Recurrence, IsAtensLayer) {
  for (const CellKind cell : {CellKind::kLstm, CellKind::kGru}) {
    for (const int64_t width : {5, 16, 70}) {
      for (const int64_t directions : {1, 2}) {
        for (const bool started : {false, true}) {
          SCOPED_TRACE(std::to_string(width) + (directions > 1 ? " both ways" : "") + (started ? " started" : ""));
          compare(cell, width, directions, {9, 9, 8, 5, 5, 1}, started);
          compare(cell, width, directions, {13, 13}, started);
        }
      }
    }
  }
}

// Inputs of zero, whose product is exact: all that is left is the recurrence.
TEST(Recurrence, TheSameBitsForAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  for (const CellKind cell : {CellKind::kLstm, CellKind::kGru}) {
    const Layer layer = random_layer(cell, 130, 2);
    at::Tensor first;
    for (const int count : {1, 2, 3}) {
      at::set_num_threads(count);
      CellState state;
      NoGrad no_grad;
      const at::Tensor y = recurrent_layer(cell, at::zeros({90, kInputs}), sizes_of({40, 30, 20}), layer.directions, state);
      first = first.defined() ? first : y;
      EXPECT_TRUE(y.equal(first)) << count;
    }
  }
  at::set_num_threads(threads);
}

TEST(Recurrence, HalfPrecisionStaysNear) {
  for (const CellKind cell : {CellKind::kLstm, CellKind::kGru}) {
    const Layer layer = random_layer(cell, 24, 2);
    const at::Tensor x = at::randn({90, kInputs});
    const at::Tensor sizes_T = sizes_of({40, 30, 20});
    CellState whole;
    const at::Tensor want = recurrent_layer(cell, x, sizes_T, layer.directions, whole);
    for (const auto dtype : {at::kBFloat16, at::kHalf}) {
      CellState state;
      const at::Tensor y = recurrent_layer(cell, x.to(dtype), sizes_T, layer.directions, state);
      EXPECT_EQ(y.scalar_type(), dtype);
      EXPECT_LE(apart(y.to(at::kFloat), want), 0.03);
    }
  }
}

}  // namespace
}  // namespace athanor
