#include "athanor/tensor/time_conv.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <vector>

#include "athanor/tensor/autograd.h"
#include "athanor/tensor/gemm.h"
#include "athanor/tensor/simd.h"
#include "athanor/tensor/tile_product.h"

namespace athanor {
namespace {

using simd::kLanes;
using Tensors = std::vector<at::Tensor>;

struct Shape {
  int64_t series, steps, taps, dilation;
  int64_t margin() const { return dilation * (taps - 1) / 2; }
  int64_t padded() const { return steps + 2 * margin(); }
};

int64_t vectors_of(int64_t channels) { return (channels + kLanes - 1) / kLanes; }

// Channels in blocks of at most 64, each filled up to whole vectors, with margins of zeros around a series:
// [block][B][T + 2 margin][16 vectors]. A block's rows are a panel of add_tile_product.
struct Padded {
  Padded(const at::Tensor& x_BTC, const Shape& shape) : shape(shape), channels(x_BTC.size(2)) {
    memory = at::zeros({shape.series * shape.padded() * vectors_of(channels) * kLanes}, at::kFloat);
    const float* const from = x_BTC.const_data_ptr<float>();
    at::parallel_for(0, shape.series, 1, [&](int64_t low, int64_t high) {
      for (int64_t b = low; b < high; ++b) {
        for (int64_t c = 0; c < channels; c += kTileColumns) {
          float* const to = row(c, b, shape.margin());
          const int64_t count = std::min(kTileColumns, channels - c);
          for (int64_t t = 0; t < shape.steps; ++t) {
            std::copy_n(from + (b * shape.steps + t) * channels + c, count, to + t * width(c));
          }
        }
      }
    });
  }

  int64_t vectors(int64_t first) const { return vectors_of(std::min(kTileColumns, channels - first)); }
  int64_t width(int64_t first) const { return vectors(first) * kLanes; }
  // Step t, margin included, of the block of channels that begins with `first`.
  float* row(int64_t first, int64_t b, int64_t t) const {
    return memory.mutable_data_ptr<float>() + (first * shape.series + b * width(first)) * shape.padded() + t * width(first);
  }

  Shape shape;
  int64_t channels;
  at::Tensor memory;
};

// weight(o, c, k) as panels [block of o][k][block of c][its width][vectors of o][16].
template <typename Weight>
at::Tensor panels_of(int64_t out, int64_t in, int64_t taps, const Weight& weight) {
  const int64_t deep = vectors_of(in) * kLanes;
  at::Tensor panels = at::zeros({vectors_of(out) * kLanes * taps * deep}, at::kFloat);
  float* to = panels.mutable_data_ptr<float>();
  for (int64_t first = 0; first < out; first += kTileColumns) {
    const int64_t columns = vectors_of(std::min(kTileColumns, out - first)) * kLanes;
    for (int64_t k = 0; k < taps; ++k) {
      for (int64_t c = 0; c < deep; ++c, to += columns) {
        for (int64_t o = first; c < in && o < std::min(out, first + kTileColumns); ++o) {
          to[o - first] = weight(o, c, k);
        }
      }
    }
  }
  return panels;
}

// [B, T, out] = bias + the windows of x times the panels.
at::Tensor convolve(const Shape& shape, const Padded& x, const at::Tensor& panels, int64_t out, const float* bias) {
  at::Tensor y = at::empty({shape.series, shape.steps, out}, at::kFloat);
  const int64_t deep = vectors_of(x.channels) * kLanes;
  const float* const all = panels.const_data_ptr<float>();
  float* const to = y.mutable_data_ptr<float>();
  at::parallel_for(0, shape.series, 1, [&](int64_t low, int64_t high) {
    alignas(64) float sums[kTileRows * kTileColumns];
    for (int64_t b = low; b < high; ++b) {
      for (int64_t first = 0; first < out; first += kTileColumns) {
        const int64_t count = std::min(kTileColumns, out - first);
        const int64_t vectors = vectors_of(count);
        for (int64_t t = 0, rows = 0; t < shape.steps; t += rows) {
          rows = next_tile_rows(shape.steps - t);
          for (int64_t r = 0; r < rows; ++r) {
            float* const begin = sums + r * vectors * kLanes;
            bias == nullptr ? std::fill_n(begin, count, 0.0f) : std::copy_n(bias + first, count, begin);
            std::fill(begin + count, begin + vectors * kLanes, 0.0f);
          }
          const float* panel = all + first * shape.taps * deep;
          for (int64_t k = 0; k < shape.taps; ++k) {
            for (int64_t c = 0; c < x.channels; c += kTileColumns) {
              add_tile_product(x.row(c, b, t + k * shape.dilation), x.width(c), rows, panel, x.width(c), vectors, sums);
              panel += x.width(c) * vectors * kLanes;
            }
          }
          for (int64_t r = 0; r < rows; ++r) {
            std::copy_n(sums + r * vectors * kLanes, count, to + (b * shape.steps + t + r) * out + first);
          }
        }
      }
    }
  });
  return y;
}

// [O, C, K] = each step's gradient times what the kernel saw. Rows of outputs are shared out, series go in order.
at::Tensor grad_weight(const Shape& shape, const Padded& x, const at::Tensor& dy_BTO) {
  const int64_t out = dy_BTO.size(2);
  const at::Tensor turned_BOT = dy_BTO.transpose(1, 2).contiguous();
  at::Tensor dweight = at::empty({out, x.channels, shape.taps}, at::kFloat);
  const float* const dy = turned_BOT.const_data_ptr<float>();
  float* const to = dweight.mutable_data_ptr<float>();
  const int64_t tiles = (out + kTileRows - 1) / kTileRows;
  at::parallel_for(0, tiles * shape.taps, 1, [&](int64_t low, int64_t high) {
    alignas(64) float sums[kTileRows * kTileColumns];
    for (int64_t job = low; job < high; ++job) {
      const int64_t k = job % shape.taps;
      const int64_t end = std::min(out, (job / shape.taps + 1) * kTileRows);
      for (int64_t c = 0; c < x.channels; c += kTileColumns) {
        for (int64_t o = job / shape.taps * kTileRows, rows = 0; o < end; o += rows) {
          rows = next_tile_rows(end - o);
          std::fill_n(sums, rows * x.width(c), 0.0f);
          for (int64_t b = 0; b < shape.series; ++b) {
            add_tile_product(dy + (b * out + o) * shape.steps, shape.steps, rows, x.row(c, b, k * shape.dilation), shape.steps,
                             x.vectors(c), sums);
          }
          for (int64_t r = 0; r < rows; ++r) {
            for (int64_t i = 0; i < std::min(kTileColumns, x.channels - c); ++i) {
              to[((o + r) * x.channels + c + i) * shape.taps + k] = sums[r * x.width(c) + i];
            }
          }
        }
      }
    }
  });
  return dweight;
}

}  // namespace

at::Tensor time_conv(const at::Tensor& x_BTC, const at::Tensor& weight_OCK, const at::Tensor& bias_O, int64_t dilation) {
  const Shape shape{x_BTC.size(0), x_BTC.size(1), weight_OCK.size(2), dilation};
  const int64_t out = weight_OCK.size(0);
  const int64_t in = weight_OCK.size(1);
  return custom_op(
      {x_BTC, weight_OCK, bias_O},
      [&](Tensors& saved) {
        RECORD_USER_SCOPE("athanor::time_conv");
        const at::Tensor x = x_BTC.contiguous();
        const at::Tensor weight = weight_OCK.detach().contiguous();
        const at::Tensor bias = bias_O.contiguous();
        saved = {x, weight};
        const auto* w = weight.const_data_ptr<float>();
        const auto panels = panels_of(out, in, shape.taps, [=](int64_t o, int64_t c, int64_t k) { return w[(o * in + c) * shape.taps + k]; });
        return convolve(shape, Padded(x, shape), panels, out, bias.const_data_ptr<float>());
      },
      [=, wants_x = x_BTC.requires_grad()](const Tensors& saved, const at::Tensor& dy) {
        RECORD_USER_SCOPE("athanor::time_conv_backward");
        Tensors gradients(3);
        if (wants_x) {  // the same with the kernel turned round
          const auto* w = saved[1].const_data_ptr<float>();
          const auto panels = panels_of(in, out, shape.taps, [=](int64_t c, int64_t o, int64_t k) {
            return w[(o * in + c) * shape.taps + shape.taps - 1 - k];
          });
          gradients[0] = convolve(shape, Padded(dy, shape), panels, in, nullptr);
        }
        gradients[1] = grad_weight(shape, Padded(saved[0], shape), dy);
        gradients[2] = column_sum(dy.view({-1, out}));
        return gradients;
      });
}

}  // namespace athanor
