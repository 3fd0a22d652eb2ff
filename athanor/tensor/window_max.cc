#include "athanor/tensor/window_max.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <limits>

#include "athanor/tensor/activation.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/simd.h"
#include "athanor/tensor/tile_product.h"

namespace athanor {
namespace {

using simd::kLanes;
using simd::Vec;
using Tensors = std::vector<at::Tensor>;

// One width's filters and where their answers stand in a row of all.
struct Group {
  int64_t filters;
  int64_t width;   // K
  int64_t column;
};

struct Shape {
  int64_t texts, places, numbers, columns;
  std::vector<Group> groups;
};

// Each filter's numbers in the order of a window's: [F, K, E].
at::Tensor in_window_order(const at::Tensor& weight_FEK) { return weight_FEK.detach().transpose(1, 2).contiguous(); }

// Filters [first, first + count) of rows as long as a window, as a panel for add_tile_product.
void pack(const float* rows, int64_t depth, int64_t count, int64_t vectors, float* panel) {
  std::fill_n(panel, depth * vectors * kLanes, 0.0f);
  for (int64_t f = 0; f < count; ++f) {
    for (int64_t k = 0; k < depth; ++k) {
      panel[k * vectors * kLanes + f] = rows[f * depth + k];
    }
  }
}

struct Best {
  float value[kTileColumns];
  int32_t window[kTileColumns];
};

// best = the greater of it and the sums of windows [first, first + rows).
ATHANOR_SIMD void keep_greatest(const float* sums, int64_t vectors, int64_t first, int64_t rows, Best& best) {
  for (int64_t v = 0; v < vectors; ++v) {
    Vec value = simd::load(best.value + v * kLanes);
    simd::IntVec window;
    std::memcpy(&window, best.window + v * kLanes, sizeof window);
    for (int64_t r = 0; r < rows; ++r) {
      const Vec found = simd::load(sums + (r * vectors + v) * kLanes);
      const auto stays = (found <= value) | (value != value);  // what is not a number is the greatest
      window = stays ? window : simd::IntVec{} + static_cast<int32_t>(first + r);
      value = stays ? value : found;
    }
    simd::store(best.value + v * kLanes, value);
    std::memcpy(best.window + v * kLanes, &window, sizeof window);
  }
}

ATHANOR_SIMD void add_scaled(float* to, const float* from, float scale, int64_t count) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    simd::store(to + i, simd::load(to + i) + scale * simd::load(from + i));
  }
  for (; i < count; ++i) {
    to[i] += scale * from[i];
  }
}

// Answers of a block of one group's filters for texts [low, high).
void answer(const Shape& shape, const Group& group, int64_t first, const float* panel, int64_t vectors, const float* x,
            const int64_t* lengths, const float* bias, int64_t low, int64_t high, float* y, int32_t* windows) {
  const int64_t depth = group.width * shape.numbers;
  const int64_t count = std::min(kTileColumns, group.filters - first);
  for (int64_t b = low; b < high; ++b) {
    const int64_t last = std::max<int64_t>(0, lengths[b] - group.width);
    Best best;
    std::fill_n(best.value, kTileColumns, -std::numeric_limits<float>::infinity());
    std::fill_n(best.window, kTileColumns, 0);
    for (int64_t t = 0, rows = 0; t <= last; t += rows) {
      alignas(64) float sums[kTileRows * kTileColumns];
      rows = next_tile_rows(last + 1 - t);
      std::fill_n(sums, rows * vectors * kLanes, 0.0f);
      add_tile_product(x + (b * shape.places + t) * shape.numbers, shape.numbers, rows, panel, depth, vectors, sums);
      keep_greatest(sums, vectors, t, rows, best);
    }
    for (int64_t f = 0; f < count; ++f) {
      const float value = best.value[f] + bias[first + f];
      const int64_t at = b * shape.columns + group.column + first + f;
      y[at] = value > 0 ? value : value <= 0 ? 0.0f : value;  // not a number stays one
      windows[at] = value <= 0 ? -1 : best.window[f];
    }
  }
}

at::Tensor forward(const Shape& shape, const at::Tensor& x, const at::Tensor& lengths, const Tensors& weights,
                   const std::vector<WindowFilters>& filters, at::Tensor& windows) {
  at::Tensor y = at::empty({shape.texts, shape.columns}, x.options());
  windows = at::empty({shape.texts, shape.columns}, x.options().dtype(at::kInt));
  for (size_t i = 0; i < shape.groups.size(); ++i) {
    const Group& group = shape.groups[i];
    const int64_t depth = group.width * shape.numbers;
    const at::Tensor bias = filters[i].bias_F.contiguous();
    for (int64_t first = 0; first < group.filters; first += kTileColumns) {
      const int64_t count = std::min(kTileColumns, group.filters - first);
      const int64_t vectors = (count + kLanes - 1) / kLanes;
      at::Tensor panel = at::empty({depth * vectors * kLanes}, x.options());
      pack(weights[i].const_data_ptr<float>() + first * depth, depth, count, vectors, panel.mutable_data_ptr<float>());
      at::parallel_for(0, shape.texts, 1, [&](int64_t low, int64_t high) {
        answer(shape, group, first, panel.const_data_ptr<float>(), vectors, x.const_data_ptr<float>(),
               lengths.const_data_ptr<int64_t>(), bias.const_data_ptr<float>(), low, high, y.mutable_data_ptr<float>(),
               windows.mutable_data_ptr<int32_t>());
      });
    }
  }
  return y;
}

// Of x: each text's windows get the filters that they were the greatest for.
at::Tensor grad_input(const Shape& shape, const Tensors& weights, const float* dy, const int32_t* windows) {
  at::Tensor dx = at::zeros({shape.texts, shape.places, shape.numbers}, at::kFloat);
  at::parallel_for(0, shape.texts, 1, [&](int64_t low, int64_t high) {
    for (int64_t b = low; b < high; ++b) {
      for (size_t i = 0; i < shape.groups.size(); ++i) {
        const Group& group = shape.groups[i];
        const int64_t depth = group.width * shape.numbers;
        for (int64_t f = 0; f < group.filters; ++f) {
          const int64_t at = b * shape.columns + group.column + f;
          if (windows[at] >= 0) {
            add_scaled(dx.mutable_data_ptr<float>() + (b * shape.places + windows[at]) * shape.numbers,
                       weights[i].const_data_ptr<float>() + f * depth, dy[at], depth);
          }
        }
      }
    }
  });
  return dx;
}

// Of one group's weights, [F, K, E], and biases: each filter sums its windows, text by text.
at::Tensor grad_weight(const Shape& shape, const Group& group, const at::Tensor& x, const float* dy, const int32_t* windows,
                       at::Tensor& dbias) {
  const int64_t depth = group.width * shape.numbers;
  at::Tensor dweight = at::zeros({group.filters, group.width, shape.numbers}, at::kFloat);
  dbias = at::zeros({group.filters}, at::kFloat);
  at::parallel_for(0, group.filters, 4, [&](int64_t low, int64_t high) {
    for (int64_t f = low; f < high; ++f) {
      for (int64_t b = 0; b < shape.texts; ++b) {
        const int64_t at = b * shape.columns + group.column + f;
        if (windows[at] >= 0) {
          add_scaled(dweight.mutable_data_ptr<float>() + f * depth,
                     x.const_data_ptr<float>() + (b * shape.places + windows[at]) * shape.numbers, dy[at], depth);
          dbias.mutable_data_ptr<float>()[f] += dy[at];
        }
      }
    }
  });
  return dweight;
}

}  // namespace

at::Tensor window_max(const at::Tensor& x_BTE, const at::Tensor& lengths_B, const std::vector<WindowFilters>& filters) {
  Shape shape{x_BTE.size(0), x_BTE.size(1), x_BTE.size(2), 0, {}};
  Tensors inputs{x_BTE};
  for (const WindowFilters& each : filters) {
    shape.groups.push_back({each.weight_FEK.size(0), each.weight_FEK.size(2), shape.columns});
    shape.columns += each.weight_FEK.size(0);
    inputs.insert(inputs.end(), {each.weight_FEK, each.bias_F});
  }
  const auto dtype = x_BTE.scalar_type();
  return custom_op(
      std::move(inputs),
      [&](Tensors& saved) {
        RECORD_USER_SCOPE("athanor::window_max");
        const at::Tensor x = to_dtype(x_BTE.contiguous(), at::kFloat);
        Tensors weights;
        for (const WindowFilters& each : filters) {
          weights.push_back(in_window_order(each.weight_FEK));
        }
        at::Tensor windows;
        const at::Tensor y = forward(shape, x, lengths_B.contiguous(), weights, filters, windows);
        saved = {x, windows};
        saved.insert(saved.end(), weights.begin(), weights.end());
        return to_dtype(y, dtype);
      },
      [shape, dtype, wants_x = x_BTE.requires_grad()](const Tensors& saved, const at::Tensor& grad) {
        RECORD_USER_SCOPE("athanor::window_max_backward");
        const at::Tensor dy = to_dtype(grad, at::kFloat);
        const auto* windows = saved[1].const_data_ptr<int32_t>();
        const auto* from = dy.const_data_ptr<float>();
        const Tensors weights(saved.begin() + 2, saved.end());
        Tensors gradients{wants_x ? to_dtype(grad_input(shape, weights, from, windows), dtype) : at::Tensor()};
        for (const Group& group : shape.groups) {
          at::Tensor dbias;
          const at::Tensor dweight = grad_weight(shape, group, saved[0], from, windows, dbias);
          gradients.push_back(dweight.transpose(1, 2).contiguous());
          gradients.push_back(dbias);
        }
        return gradients;
      });
}

}  // namespace athanor
