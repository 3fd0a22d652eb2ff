#include "athanor/tensor/recurrence.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <numeric>

#include "athanor/tensor/activation.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/gemm.h"
#include "athanor/tensor/recurrence_kernel.h"

namespace athanor {
namespace {

using Tensors = std::vector<at::Tensor>;

constexpr int64_t kGrain = int64_t{1} << 18;  // multiplications that are worth another thread
constexpr size_t kWeightsEach = 4;

// The steps of a packed sequence.
struct Steps {
  explicit Steps(const at::Tensor& sizes_T) {
    const at::Tensor sizes = sizes_T.contiguous();
    const auto* size = sizes.const_data_ptr<int64_t>();
    for (int64_t t = 0; t < sizes.numel(); ++t) {
      rows.push_back(size[t]);
      begin.push_back(total);
      total += size[t];
    }
    last_B = at::empty({rows.front()}, sizes.options());
    for (size_t t = 0; t < rows.size(); ++t) {
      std::iota(last_B.mutable_data_ptr<int64_t>(), last_B.mutable_data_ptr<int64_t>() + rows[t], begin[t]);
    }
  }
  int64_t count() const { return static_cast<int64_t>(rows.size()); }

  // Of the n-th step in a direction's own order: which it is; and the rows of it whose state came from the step before.
  int64_t at(int64_t n, bool reverse) const { return reverse ? count() - 1 - n : n; }
  int64_t carried(int64_t n, bool reverse) const {
    return n == 0 ? 0 : std::min(rows_of(n - 1, reverse), rows_of(n, reverse));
  }
  int64_t rows_of(int64_t n, bool reverse) const { return rows[static_cast<size_t>(at(n, reverse))]; }
  int64_t begin_of(int64_t n, bool reverse) const { return begin[static_cast<size_t>(at(n, reverse))]; }

  // Of rows [N, H] those that a direction ends with, [B, H].
  at::Tensor ends(const at::Tensor& all, bool reverse) const {
    return reverse ? all.narrow(0, 0, rows.front()) : all.index_select(0, last_B);
  }

  std::vector<int64_t> rows;
  std::vector<int64_t> begin;
  at::Tensor last_B;  // where each sequence's last step lies
  int64_t total = 0;
};

// What one direction computes with.
struct Direction {
  bool reverse = false;
  int64_t width = 0;
  at::Tensor gates;   // [N, G H]
  at::Tensor extra;   // [N, H]
  at::Tensor packed;  // the state's weights
  at::Tensor bias;    // [4 H]
  at::Tensor start_hidden;  // [B, H] or undefined
  at::Tensor start_cell;
};

float* data(const at::Tensor& x) { return x.defined() ? x.mutable_data_ptr<float>() : nullptr; }
int64_t blocks_of(int64_t width, int64_t block) { return (width + block - 1) / block; }

// Work for one block of neurons of one direction; blocks of both directions in turn, so that threads have alike.
template <typename Work>
void for_each_block(int64_t directions, int64_t blocks, int64_t cost, const Work& work) {
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, cost));
  at::parallel_for(0, directions * blocks, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      work(i % directions, i / directions);
    }
  });
}

at::Tensor pack(CellKind cell, const at::Tensor& state_GH, bool forward) {
  const int64_t width = state_GH.size(1);
  const at::Tensor weight = state_GH.contiguous();
  const auto size = forward ? recurrence::forward_size(cell, width) : recurrence::backward_size(cell, width);
  at::Tensor packed = at::empty({size}, weight.options());
  const int64_t blocks = blocks_of(width, forward ? recurrence::kForwardBlock : recurrence::kBackwardBlock);
  at::parallel_for(0, blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) {
      (forward ? recurrence::pack_forward : recurrence::pack_backward)(cell, data(weight), width, block, data(packed));
    }
  });
  return packed;
}

// LSTM: both biases in one. GRU: of r and z so; then the candidate's two, which stay apart.
at::Tensor joint_bias(CellKind cell, const CellWeights& w) {
  if (cell == CellKind::kLstm) {
    return w.input_bias_G.add(w.state_bias_G);
  }
  const int64_t width = w.state_GH.size(1);
  return at::cat({w.input_bias_G.narrow(0, 0, 2 * width).add(w.state_bias_G.narrow(0, 0, 2 * width)),
                  w.input_bias_G.narrow(0, 2 * width, width), w.state_bias_G.narrow(0, 2 * width, width)});
}

at::Tensor in_fp32(const at::Tensor& x) { return to_dtype(x, at::kFloat); }
// fp16's products are computed in fp32 anyway, and its gradients keep their range so.
at::Tensor for_products(const at::Tensor& x) { return x.scalar_type() == at::kHalf ? in_fp32(x) : x; }

// Step n of every direction; y: [N, D H].
void forward_step(CellKind cell, const Steps& steps, const std::vector<Direction>& directions, int64_t n, float* y) {
  const auto count = static_cast<int64_t>(directions.size());
  const int64_t width = directions[0].width;
  const int64_t gates = recurrence::gates_of(cell) * width;
  const int64_t rows = std::max(steps.rows_of(n, false), steps.rows_of(n, count > 1));
  for_each_block(count, blocks_of(width, recurrence::kForwardBlock), rows * gates * recurrence::kForwardBlock,
                 [&](int64_t d, int64_t block) {
    const Direction& direction = directions[static_cast<size_t>(d)];
    const int64_t all = steps.rows_of(n, direction.reverse);
    const int64_t carried = steps.carried(n, direction.reverse);
    const int64_t before = n == 0 ? 0 : steps.begin_of(n - 1, direction.reverse);
    const float* const start_hidden = data(direction.start_hidden);
    const float* const start_cell = data(direction.start_cell);
    // Rows that go on, then those that begin here.
    for (const bool first : {false, true}) {
      const int64_t from = first ? carried : 0;
      const int64_t own = steps.begin_of(n, direction.reverse) + from;
      recurrence::ForwardRows s{};
      s.rows = first ? all - carried : carried;
      s.width = width;
      s.before = !first ? y + before * count * width + d * width : start_hidden == nullptr ? nullptr : start_hidden + from * width;
      s.before_stride = first ? width : count * width;
      s.cell_before = !first ? data(direction.extra) + before * width : start_cell == nullptr ? nullptr : start_cell + from * width;
      s.bias = data(direction.bias);
      s.gates = data(direction.gates) + own * gates;
      s.extra = data(direction.extra) + own * width;
      s.hidden = y + own * count * width + d * width;
      s.hidden_stride = count * width;
      recurrence::forward_block(cell, s, data(direction.packed), block);
    }
  });
}

// The gradient of what forward_step(n) did; dy: [N, D H], before: each row's state before its step, carry: [B, H], both a direction.
void backward_step(CellKind cell, const Steps& steps, const std::vector<Direction>& directions, int64_t n, const float* dy,
                   const Tensors& before, const Tensors& carry) {
  const auto count = static_cast<int64_t>(directions.size());
  const int64_t width = directions[0].width;
  const int64_t gates = recurrence::gates_of(cell) * width;
  const bool last = n + 1 == steps.count();
  const int64_t rows = std::max(steps.rows_of(n, false), steps.rows_of(n, count > 1));
  for_each_block(count, blocks_of(width, recurrence::kBackwardBlock), rows * gates * recurrence::kBackwardBlock,
                 [&](int64_t d, int64_t block) {
    const Direction& direction = directions[static_cast<size_t>(d)];
    const int64_t all = steps.rows_of(n, direction.reverse);
    const int64_t carried = steps.carried(n, direction.reverse);
    const int64_t going = last ? 0 : steps.carried(n + 1, direction.reverse);
    const float* const start_cell = data(direction.start_cell);
    const int64_t middle[] = {0, std::min(carried, going), std::max(carried, going), all};
    for (int part = 0; part < 3; ++part) {
      const int64_t from = middle[part];
      const int64_t own = steps.begin_of(n, direction.reverse) + from;
      recurrence::BackwardRows s{};
      s.rows = middle[part + 1] - from;
      s.width = width;
      if (from < going) {
        const int64_t next = steps.begin_of(n + 1, direction.reverse) + from;
        s.next_gates = data(direction.gates) + next * gates;
        s.next_extra = data(direction.extra) + next * width;
      }
      s.grad = dy + own * count * width + d * width;
      s.grad_stride = count * width;
      s.cell_before = from < carried          ? data(direction.extra) + (steps.begin_of(n - 1, direction.reverse) + from) * width
                      : start_cell == nullptr ? nullptr
                                              : start_cell + from * width;
      s.before = data(before[static_cast<size_t>(d)]) + own * width;
      s.gates = data(direction.gates) + own * gates;
      s.extra = data(direction.extra) + own * width;
      s.carry = data(carry[static_cast<size_t>(d)]) + from * width;
      recurrence::backward_block(cell, s, data(direction.packed), block);
    }
  });
}

// The state that each row of a direction was computed from, [N, H].
at::Tensor states_before(const Steps& steps, const Direction& direction, const at::Tensor& y, int64_t column) {
  const int64_t width = direction.width;
  at::Tensor before = at::empty({steps.total, width}, y.options());
  const int64_t stride = y.size(1);
  const float* const from = data(y) + column;
  const float* const start = data(direction.start_hidden);
  float* const to = data(before);
  at::parallel_for(0, steps.count(), 16, [&](int64_t low, int64_t high) {
    for (int64_t n = low; n < high; ++n) {
      const int64_t own = steps.begin_of(n, direction.reverse);
      const int64_t carried = steps.carried(n, direction.reverse);
      const int64_t previous = n == 0 ? 0 : steps.begin_of(n - 1, direction.reverse);
      for (int64_t r = 0; r < steps.rows_of(n, direction.reverse); ++r) {
        float* const row = to + (own + r) * width;
        if (r < carried) {
          std::copy_n(from + (previous + r) * stride, width, row);
        } else if (start != nullptr) {
          std::copy_n(start + r * width, width, row);
        } else {
          std::fill_n(row, width, 0.0f);
        }
      }
    }
  });
  return before;
}

// Gradients of one direction's weights, and its share of x's added to dx, from those of the gates.
void append_gradients(CellKind cell, const Direction& direction, const at::Tensor& x, const at::Tensor& input_weight,
                      const at::Tensor& before, bool wants_x, at::Tensor& dx, Tensors& gradients) {
  const int64_t width = direction.width;
  const auto dtype = x.scalar_type();
  const at::Tensor dgates = to_dtype(direction.gates, dtype);
  const at::Tensor states = to_dtype(before, dtype);
  const at::Tensor dbias = column_sum(direction.gates);
  at::Tensor dstate;
  at::Tensor dstate_bias = dbias;
  if (cell == CellKind::kLstm) {
    dstate = linear_grad_weight(dgates, states);
  } else {
    dstate = at::cat({linear_grad_weight(dgates.narrow(1, 0, 2 * width).contiguous(), states),
                      linear_grad_weight(to_dtype(direction.extra, dtype), states)});
    dstate_bias = at::cat({dbias.narrow(0, 0, 2 * width), column_sum(direction.extra)});
  }
  gradients.insert(gradients.end(), {in_fp32(linear_grad_weight(dgates, x)), in_fp32(dstate), dbias, dstate_bias});
  if (wants_x) {
    const at::Tensor part = linear_grad_input(dgates, input_weight);
    dx = dx.defined() ? dx.add_(part) : part;
  }
}

// saved: x, y in fp32, and each direction's tensors.
Tensors layer_gradient(CellKind cell, const Steps& steps, std::vector<Direction> directions, const Tensors& saved,
                       const at::Tensor& dy, bool wants_x) {
  RECORD_USER_SCOPE("athanor::recurrent_layer_backward");
  const at::Tensor& x = saved[0];
  const at::Tensor& y = saved[1];
  const int64_t width = directions[0].width;
  const at::Tensor dy_fp32 = in_fp32(dy);
  Tensors before;
  Tensors carry;
  for (size_t d = 0; d < directions.size(); ++d) {
    Direction& direction = directions[d];
    const Tensors own(saved.begin() + 2 + static_cast<std::ptrdiff_t>(kWeightsEach * d), saved.end());
    direction.gates = own[0];
    direction.extra = own[1];
    direction.packed = pack(cell, own[3], false);
    before.push_back(states_before(steps, direction, y, static_cast<int64_t>(d) * width));
    carry.push_back(at::zeros({steps.rows.front(), width}, y.options()));
  }
  for (int64_t n = steps.count() - 1; n >= 0; --n) {
    backward_step(cell, steps, directions, n, data(dy_fp32), before, carry);
  }
  at::Tensor dx;
  Tensors gradients(1);
  for (size_t d = 0; d < directions.size(); ++d) {
    append_gradients(cell, directions[d], for_products(x), saved[2 + kWeightsEach * d + 2], before[d], wants_x, dx, gradients);
  }
  gradients[0] = dx.defined() ? to_dtype(dx, x.scalar_type()) : dx;
  return gradients;
}

// Each sequence's last state, [D, B, H].
at::Tensor last_states(const Steps& steps, const at::Tensor& y_NE, int64_t directions) {
  const int64_t width = y_NE.size(1) / directions;
  const int64_t rows = steps.rows.front();
  return custom_op(
      {y_NE},
      [&](Tensors&) {
        Tensors last;
        for (int64_t d = 0; d < directions; ++d) {
          last.push_back(steps.ends(y_NE.narrow(1, d * width, width), d == 1).unsqueeze(0));
        }
        return at::cat(last);
      },
      [steps, width, rows, sizes = y_NE.sizes().vec()](const Tensors&, const at::Tensor& dlast) {
        at::Tensor dy = at::zeros(sizes, dlast.options());
        dy.narrow(1, 0, width).index_copy_(0, steps.last_B, dlast[0]);
        if (dlast.size(0) > 1) {
          dy.narrow(1, width, width).narrow(0, 0, rows).copy_(dlast[1]);
        }
        return Tensors{dy};
      });
}

}  // namespace

at::Tensor recurrent_layer(CellKind cell, const at::Tensor& x_NI, const at::Tensor& sizes_T,
                           const std::vector<CellWeights>& weights, CellState& state) {
  const Steps steps(sizes_T);
  const int64_t width = weights[0].state_GH.size(1);
  const auto directions = static_cast<int64_t>(weights.size());
  std::vector<Direction> all(weights.size());
  Tensors inputs{x_NI};
  for (size_t d = 0; d < weights.size(); ++d) {
    inputs.insert(inputs.end(), {weights[d].input_GI, weights[d].state_GH, weights[d].input_bias_G, weights[d].state_bias_G});
    all[d].reverse = d == 1;
    all[d].width = width;
    const auto start = [&](const at::Tensor& given) {
      return given.defined() ? in_fp32(given[static_cast<int64_t>(d)].detach().contiguous()) : given;
    };
    all[d].start_hidden = start(state.hidden);
    all[d].start_cell = start(state.cell);
  }
  at::Tensor last_cell;
  const auto forward = [&](Tensors& saved) {
    RECORD_USER_SCOPE("athanor::recurrent_layer");
    const at::Tensor x = x_NI.contiguous();
    const at::Tensor y = at::empty({steps.total, directions * width}, x.options().dtype(at::kFloat));
    saved = {x, y};
    for (size_t d = 0; d < weights.size(); ++d) {
      all[d].gates = in_fp32(linear(for_products(x), weights[d].input_GI.detach()));
      all[d].extra = at::empty({steps.total, width}, y.options());
      all[d].packed = pack(cell, weights[d].state_GH.detach(), true);
      all[d].bias = joint_bias(cell, weights[d]);
      saved.insert(saved.end(), {all[d].gates, all[d].extra, weights[d].input_GI.detach(), weights[d].state_GH.detach()});
    }
    for (int64_t n = 0; n < steps.count(); ++n) {
      forward_step(cell, steps, all, n, data(y));
    }
    if (cell == CellKind::kLstm) {
      Tensors last;
      for (const Direction& direction : all) {
        last.push_back(steps.ends(direction.extra, direction.reverse).unsqueeze(0));
      }
      last_cell = at::cat(last);
    }
    return to_dtype(y, x_NI.scalar_type());
  };
  const std::vector<Direction> kept = all;  // without what forward fills in
  const at::Tensor y = custom_op(std::move(inputs), forward,
                                 [cell, steps, kept, wants_x = x_NI.requires_grad()](const Tensors& saved, const at::Tensor& dy) {
                                   return layer_gradient(cell, steps, kept, saved, dy, wants_x);
                                 });
  state.hidden = last_states(steps, y, directions);
  state.cell = last_cell.defined() ? to_dtype(last_cell, x_NI.scalar_type()) : last_cell;
  return y;
}

}  // namespace athanor
