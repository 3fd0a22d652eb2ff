// The bodies of the GPU kernels, written once for any group of lanes: on a GPU the threads of a block, in the tests threads
// of the host, so that the arithmetic is checked where there is no GPU. No CUDA and no torch header is needed.
//
// Lanes: index() in [0, count()); sum(x) and max(x) give the group's total to every lane; meet() waits for all of them.
// T: the storage type of activations (float, or a 16-bit type with to_float and from_float); everything is computed in
// float. C features, V vocabulary, I intermediate features.
#pragma once

#include <cmath>
#include <cstdint>

#if defined(__CUDACC__)
#define ATHANOR_DEVICE __host__ __device__ inline
#else
#define ATHANOR_DEVICE inline
#endif

namespace athanor::cuda {

ATHANOR_DEVICE float to_float(float x) { return x; }
ATHANOR_DEVICE void from_float(float x, float* out) { *out = x; }

// SplitMix64's output function; base/rng.h has the same for the host.
ATHANOR_DEVICE uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// ---- norms (tensor/norm.h) -----------------------------------------------------------------------------------------

struct NormShape {
  int64_t features;  // C
  float eps;
  bool centred;      // LayerNorm; else RMSNorm
  float weight_offset;  // 1 where the stored weight is the difference from one
};

// y = (x - mean) rstd (weight + offset) + bias; residual_in, where given, is added to x first, and the sum is stored in
// residual_out (the two may be one array).
template <class Lanes, class T>
ATHANOR_DEVICE void norm_row(const Lanes& lanes, const NormShape& shape, const float* x, const float* residual_in,
                             float* residual_out, const float* weight, const float* bias, T* y, float* mean_out,
                             float* rstd_out) {
  const auto c = static_cast<float>(shape.features);
  float sum = 0;
  for (int64_t i = lanes.index(); i < shape.features; i += lanes.count()) {
    const float value = residual_in == nullptr ? x[i] : x[i] + residual_in[i];
    if (residual_out != nullptr) {
      residual_out[i] = value;
    }
    sum += value;
  }
  const float* row = residual_out != nullptr ? residual_out : x;
  const float mean = shape.centred ? lanes.sum(sum) / c : 0.0f;
  float squares = 0;
  for (int64_t i = lanes.index(); i < shape.features; i += lanes.count()) {
    const float value = row[i] - mean;
    squares += value * value;
  }
  const float rstd = 1.0f / std::sqrt(lanes.sum(squares) / c + shape.eps);
  for (int64_t i = lanes.index(); i < shape.features; i += lanes.count()) {
    const float value = (row[i] - mean) * rstd * (weight[i] + shape.weight_offset);
    from_float(bias == nullptr ? value : value + bias[i], y + i);
  }
  if (lanes.index() == 0) {
    *rstd_out = rstd;
    if (mean_out != nullptr) {
      *mean_out = mean;
    }
  }
}

// dx, plus residual where given: the gradient that went round the block.
template <class Lanes, class T>
ATHANOR_DEVICE void norm_backward_row(const Lanes& lanes, const NormShape& shape, const T* dy, const float* x, float mean,
                                      float rstd, const float* weight, const float* residual, float* dx) {
  const auto c = static_cast<float>(shape.features);
  float with_x = 0;
  float alone = 0;
  for (int64_t i = lanes.index(); i < shape.features; i += lanes.count()) {
    const float g = to_float(dy[i]) * (weight[i] + shape.weight_offset);
    with_x += g * (x[i] - mean) * rstd;
    alone += g;
  }
  const float mean_with_x = lanes.sum(with_x) / c;
  const float mean_alone = shape.centred ? lanes.sum(alone) / c : 0.0f;
  for (int64_t i = lanes.index(); i < shape.features; i += lanes.count()) {
    const float g = to_float(dy[i]) * (weight[i] + shape.weight_offset);
    const float value = rstd * (g - mean_alone - (x[i] - mean) * rstd * mean_with_x);
    dx[i] = residual == nullptr ? value : value + residual[i];
  }
}

// One feature's share of dweight and dbias over rows [begin, end), in order: partial sums are added up in the order of the
// row ranges, so that no result depends on the schedule.
template <class T>
ATHANOR_DEVICE void norm_backward_weight(int64_t feature, int64_t features, int64_t begin, int64_t end, const T* dy,
                                         const float* x, const float* mean_N, const float* rstd_N, float* dweight,
                                         float* dbias) {
  float with_x = 0;
  float alone = 0;
  for (int64_t n = begin; n < end; ++n) {
    const float g = to_float(dy[n * features + feature]);
    const float mean = mean_N == nullptr ? 0.0f : mean_N[n];
    with_x += g * (x[n * features + feature] - mean) * rstd_N[n];
    alone += g;
  }
  *dweight = with_x;
  if (dbias != nullptr) {
    *dbias = alone;
  }
}

// ---- activations (tensor/activation.h) -----------------------------------------------------------------------------

enum class Gate { kSwiGlu, kGeGlu, kGeGluTanh, kGelu, kGeluTanh };

ATHANOR_DEVICE bool is_gated(Gate kind) { return kind != Gate::kGelu && kind != Gate::kGeluTanh; }

struct ValueAndSlope {
  float value;
  float slope;
};

ATHANOR_DEVICE ValueAndSlope silu(float x) {
  const float s = 1.0f / (1.0f + std::exp(-x));
  return {x * s, s * (1.0f + x * (1.0f - s))};
}

ATHANOR_DEVICE ValueAndSlope gelu(float x) {
  const float phi = 0.5f * (1.0f + std::erf(x * 0.70710678118654752f));
  return {x * phi, phi + x * 0.39894228040143268f * std::exp(-0.5f * x * x)};
}

ATHANOR_DEVICE ValueAndSlope gelu_tanh(float x) {
  const float inner = 0.79788456080286536f * (x + 0.044715f * x * x * x);
  const float t = std::tanh(inner);
  const float slope = 0.79788456080286536f * (1.0f + 3.0f * 0.044715f * x * x);
  return {0.5f * x * (1.0f + t), 0.5f * (1.0f + t) + 0.5f * x * (1.0f - t * t) * slope};
}

ATHANOR_DEVICE ValueAndSlope gate_of(Gate kind, float x) {
  return kind == Gate::kSwiGlu                               ? silu(x)
         : kind == Gate::kGeGlu || kind == Gate::kGelu ? gelu(x)
                                                             : gelu_tanh(x);
}

// Element i of one row: u is [2I] (gate, then up) or [I]; bias, where given, is of u's width.
template <class T>
ATHANOR_DEVICE void activation_element(Gate kind, int64_t i, int64_t inner, const T* u, const float* bias, T* y) {
  const float gate = to_float(u[i]) + (bias == nullptr ? 0.0f : bias[i]);
  const float value = gate_of(kind, gate).value;
  const float up = is_gated(kind) ? to_float(u[inner + i]) + (bias == nullptr ? 0.0f : bias[inner + i]) : 1.0f;
  from_float(value * up, y + i);
}

// du for element i, and the forward value once more where y is given.
template <class T>
ATHANOR_DEVICE void activation_backward_element(Gate kind, int64_t i, int64_t inner, const T* dy, const T* u,
                                                const float* bias, T* du, T* y) {
  const float gate = to_float(u[i]) + (bias == nullptr ? 0.0f : bias[i]);
  const ValueAndSlope of = gate_of(kind, gate);
  const float g = to_float(dy[i]);
  float up = 1.0f;
  if (is_gated(kind)) {
    up = to_float(u[inner + i]) + (bias == nullptr ? 0.0f : bias[inner + i]);
    from_float(g * of.value, du + inner + i);
  }
  from_float(g * up * of.slope, du + i);
  if (y != nullptr) {
    from_float(of.value * up, y + i);
  }
}

// ---- rotary positions (tensor/rope.h): feature i of a head turns with feature i + half ------------------------------

template <class T>
ATHANOR_DEVICE void rope_element(int64_t i, int64_t half, const float* cosine, const float* sine, bool inverse, T* head) {
  const float a = to_float(head[i]);
  const float b = to_float(head[half + i]);
  const float s = inverse ? -sine[i] : sine[i];
  from_float(a * cosine[i] - b * s, head + i);
  from_float(b * cosine[i] + a * s, head + half + i);
}

// ---- cross-entropy of one row of logits (tensor/cross_entropy.h) ----------------------------------------------------

// The loss in nats against (1 - smoothing) onehot + smoothing / V; with gradient the logits become dloss/dlogits * scale.
// target -1: the loss and the gradient are 0.
template <class Lanes, class T>
ATHANOR_DEVICE void cross_entropy_row(const Lanes& lanes, int64_t vocab, int64_t target, float smoothing, float scale,
                                      bool gradient, T* logits, float* loss) {
  float highest = -INFINITY;
  for (int64_t i = lanes.index(); i < vocab; i += lanes.count()) {
    highest = std::fmax(highest, to_float(logits[i]));
  }
  highest = lanes.max(highest);
  float sum = 0;
  float all = 0;
  for (int64_t i = lanes.index(); i < vocab; i += lanes.count()) {
    const float value = to_float(logits[i]) - highest;
    sum += std::exp(value);
    all += value;
  }
  sum = lanes.sum(sum);
  const float mean = smoothing > 0 ? lanes.sum(all) / static_cast<float>(vocab) : 0.0f;
  const float at_target = target < 0 ? 0.0f : to_float(logits[target]) - highest;
  lanes.meet();  // every lane has read the target's logit before any writes
  if (lanes.index() == 0) {
    *loss = target < 0 ? 0.0f : std::log(sum) - (1.0f - smoothing) * at_target - smoothing * mean;
  }
  if (!gradient) {
    return;
  }
  const float share = smoothing / static_cast<float>(vocab);
  for (int64_t i = lanes.index(); i < vocab; i += lanes.count()) {
    const float p = std::exp(to_float(logits[i]) - highest) / sum;
    const float wanted = (i == target ? 1.0f - smoothing : 0.0f) + share;
    from_float(target < 0 ? 0.0f : (p - wanted) * scale, logits + i);
  }
}

// ---- embedding backward: dtable[row] = sum of dy over the tokens that read it, in their order ------------------------

// order: tokens sorted by the row they read (stable); this row's stand at [begin, end).
template <class T>
ATHANOR_DEVICE void embedding_backward_element(int64_t feature, int64_t features, const int64_t* order, int64_t begin,
                                               int64_t end, const T* dy, float* dtable_row) {
  float sum = 0;
  for (int64_t i = begin; i < end; ++i) {
    sum += to_float(dy[order[i] * features + feature]);
  }
  dtable_row[feature] = sum;
}

// ---- dropout, with the residual (tensor/dropout.h): kept by a function of (key, element) alone -----------------------

template <class T>
ATHANOR_DEVICE void dropout_element(int64_t i, uint64_t key, uint32_t threshold, float scale, const T* x,
                                    const float* residual, float* sum_out, T* out) {
  const bool kept = (mix64(key + static_cast<uint64_t>(i)) >> 32) >= threshold;
  const float value = kept ? to_float(x[i]) * scale : 0.0f;
  if (residual != nullptr) {
    sum_out[i] = residual[i] + value;
  } else {
    from_float(value, out + i);
  }
}

}  // namespace athanor::cuda
