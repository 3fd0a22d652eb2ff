#include "athanor/tensor/gemm.h"

#include <ATen/Parallel.h>
#include <ATen/core/dispatch/Dispatcher.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

using LinearPointwise = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                   std::string_view, c10::List<std::optional<at::Scalar>>,
                                   std::optional<std::string_view>);

// a_NK b_MK^T by oneDNN; b may be a transposed view.
at::Tensor onednn_linear(const at::Tensor& a, const at::Tensor& b, const at::Tensor& bias) {
  static const auto op = c10::Dispatcher::singleton()
                             .findSchemaOrThrow("mkldnn::_linear_pointwise", "")
                             .typed<LinearPointwise>();
  static const c10::List<std::optional<at::Scalar>> no_scalars;
  return op.call(a, b, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt, "none", no_scalars, "");
}

// oneDNN compiles a kernel for each new shape (milliseconds), which decoding's ever-changing short shapes never earn
// back.
constexpr int64_t kFewRows = 64;

bool use_onednn(const at::Tensor& x) {
  return x.size(0) >= kFewRows && x.scalar_type() == at::kFloat && x.is_cpu() && fp32_through_onednn();
}

// at::addmm first writes the bias over the whole result, which costs a tenth of a bf16 product; oneDNN adds it last.
bool bias_through_onednn(const at::Tensor& x) {
#if defined(__x86_64__)
  static const bool able = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                           __builtin_cpu_supports("avx512dq");
  return able && x.size(0) >= kFewRows && x.scalar_type() == at::kBFloat16 && x.is_cpu();
#else
  return false;
#endif
}

// fp16 products have no fast routine here (measured on Zen 5: 22 GFLOP/s against 270 in fp32), so they are made in fp32
// and rounded once.
at::Tensor widened(const at::Tensor& x) { return x.defined() ? x.to(at::kFloat) : x; }
at::Tensor narrowed(const at::Tensor& y) { return y.to(at::kHalf); }
bool is_half(const at::Tensor& x) { return x.scalar_type() == at::kHalf && x.is_cpu(); }

constexpr int64_t kWeightBlock = int64_t{3} << 19;  // elements of a weight's gradient made at once: they stay in cache
constexpr int64_t kParts = 16;  // a fixed cut, so that sums do not depend on the thread count

template <typename T>
ATHANOR_INLINE void add_rows_of(const T* rows, int64_t num_rows, int64_t width, float* sums) {
  for (int64_t n = 0; n < num_rows; ++n, rows += width) {
    int64_t i = 0;
    for (; i + simd::kLanes <= width; i += simd::kLanes) {
      simd::store(sums + i, simd::load(sums + i) + simd::load(rows + i));
    }
    for (; i < width; ++i) {
      sums[i] += static_cast<float>(rows[i]);
    }
  }
}

ATHANOR_SIMD void add_rows(const void* rows, at::ScalarType dtype, int64_t num_rows, int64_t width, float* sums) {
  if (dtype == at::kBFloat16) {
    add_rows_of(static_cast<const c10::BFloat16*>(rows), num_rows, width, sums);
  } else if (dtype == at::kHalf) {
    add_rows_of(static_cast<const c10::Half*>(rows), num_rows, width, sums);
  } else {
    add_rows_of(static_cast<const float*>(rows), num_rows, width, sums);
  }
}

// Our own bf16 product: its bits and layouts are in bf16_product.h.
bool use_own(const at::Tensor& x, int64_t m, int64_t n, int64_t k) {
  return x.scalar_type() == at::kBFloat16 && x.is_cpu() && m >= kFewRows && fits_bf16_product(m, n, k) &&
         has_bf16_product();
}

at::Tensor in_lines(const at::Tensor& x) { return x.stride(1) == 1 ? x : x.contiguous(); }
// fp32: as a right operand.
Bf16Matrix matrix(const at::Tensor& x, bool k_in_lines) {
  if (x.scalar_type() == at::kFloat) {
    return {nullptr, x.stride(0), k_in_lines, x.const_data_ptr<float>()};
  }
  return {x.const_data_ptr<c10::BFloat16>(), x.stride(0), k_in_lines};
}

// Sinks of a product.
ATHANOR_SIMD void round_block(const ProductBlock& block, const c10::BFloat16* bias, c10::BFloat16* to, int64_t stride) {
  for (int64_t r = 0; r < block.rows; ++r) {
    const float* from = block.values + r * block.stride;
    c10::BFloat16* out = to + (block.row + r) * stride + block.column;
    for (int64_t i = 0; i < block.columns; i += simd::kLanes) {
      const int64_t left = block.columns - i;
      simd::Vec v = simd::load(from + i);
      if (bias != nullptr) {
        v += left >= simd::kLanes ? simd::load(bias + block.column + i) : simd::load_part(bias + block.column + i, left);
      }
      left >= simd::kLanes ? simd::store(out + i, v) : simd::store_part(out + i, v, left);
    }
  }
}
void add_block(const ProductBlock& block, float* to, int64_t stride, bool first) {
  for (int64_t r = 0; r < block.rows; ++r) {
    const float* from = block.values + r * block.stride;
    float* out = to + (block.row + r) * stride + block.column;
    if (first) {
      std::copy_n(from, block.columns, out);
    } else {
      add_rows(from, at::kFloat, 1, block.columns, out);
    }
  }
}

// a b in bf16; bias_M may be undefined.
at::Tensor own_product(const Bf16Matrix& a, const Bf16Matrix& b, int64_t m, int64_t n, int64_t k,
                       const at::TensorOptions& options, const at::Tensor& bias_M = {}) {
  at::Tensor y = at::empty({m, n}, options);
  auto* const out = y.mutable_data_ptr<c10::BFloat16>();
  const auto* const bias = bias_M.defined() ? bias_M.const_data_ptr<c10::BFloat16>() : nullptr;
  bf16_product(a, b, m, n, k, [=](const ProductBlock& block) { round_block(block, bias, out, n); });
  return y;
}

void own_grad_weight(const at::Tensor& dy_NM, const at::Tensor& x_NK, at::Tensor& dw_MK, bool first) {
  const at::Tensor dy = in_lines(dy_NM);
  const at::Tensor x = in_lines(x_NK);
  const int64_t width = x.size(1);
  auto* const out = dw_MK.mutable_data_ptr<float>();
  bf16_product(matrix(dy, false), matrix(x, false), dy.size(1), width, dy.size(0),
               [=](const ProductBlock& block) { add_block(block, out, width, first); });
}

}  // namespace

bool rounds_fp32_weights(int64_t rows, const at::Tensor& w_MK) {
  return w_MK.is_cpu() && w_MK.dim() == 2 && rows >= kFewRows && has_bf16_product() &&
         fits_bf16_product(rows, w_MK.size(0), w_MK.size(1)) && fits_bf16_product(rows, w_MK.size(1), w_MK.size(0));
}

bool fp32_through_onednn() {
#if defined(__x86_64__)
  static const bool yes = __builtin_cpu_is("amd") && __builtin_cpu_supports("avx512f");
  return yes;
#else
  return false;
#endif
}

at::Tensor linear(const at::Tensor& x_NK, const at::Tensor& w_MK, const at::Tensor& bias_M) {
  RECORD_USER_SCOPE("athanor::linear");
  if (device::on_gpu(x_NK)) {
    return device::linear(x_NK, w_MK, bias_M);
  }
  if (is_half(x_NK)) {
    return narrowed(linear(widened(x_NK), widened(w_MK), widened(bias_M)));
  }
  if (use_own(x_NK, x_NK.size(0), w_MK.size(0), x_NK.size(1))) {
    const at::Tensor x = in_lines(x_NK);
    const at::Tensor w = in_lines(w_MK);
    return own_product(matrix(x, true), matrix(w, true), x.size(0), w.size(0), x.size(1), x.options(),
                       bias_M.defined() ? bias_M.contiguous() : bias_M);
  }
  if (w_MK.scalar_type() != x_NK.scalar_type()) {
    return linear(x_NK, w_MK.to(x_NK.scalar_type()), bias_M);
  }
  if (use_onednn(x_NK) || (bias_M.defined() && bias_through_onednn(x_NK))) {
    return onednn_linear(x_NK, w_MK, bias_M);
  }
  return bias_M.defined() ? at::addmm(bias_M, x_NK, w_MK.t()) : at::mm(x_NK, w_MK.t());
}

at::Tensor linear_grad_input(const at::Tensor& dy_NM, const at::Tensor& w_MK) {
  RECORD_USER_SCOPE("athanor::linear_grad_input");
  if (device::on_gpu(dy_NM)) {
    return device::linear_grad_input(dy_NM, w_MK);
  }
  if (is_half(dy_NM)) {
    return narrowed(linear_grad_input(widened(dy_NM), widened(w_MK)));
  }
  if (use_own(dy_NM, dy_NM.size(0), w_MK.size(1), dy_NM.size(1))) {
    const at::Tensor dy = in_lines(dy_NM);
    const at::Tensor w = in_lines(w_MK);
    return own_product(matrix(dy, true), matrix(w, false), dy.size(0), w.size(1), dy.size(1), dy.options());
  }
  if (w_MK.scalar_type() != dy_NM.scalar_type()) {
    return linear_grad_input(dy_NM, w_MK.to(dy_NM.scalar_type()));
  }
  if (use_onednn(dy_NM)) {
    return onednn_linear(dy_NM, w_MK.t(), {});
  }
  return at::mm(dy_NM, w_MK);
}

bool linear_grad_input_to(const at::Tensor& dy_NM, const at::Tensor& w_MK, const ProductSink& sink) {
  RECORD_USER_SCOPE("athanor::linear_grad_input");
  if (!use_own(dy_NM, dy_NM.size(0), w_MK.size(1), dy_NM.size(1))) {
    return false;
  }
  const at::Tensor dy = in_lines(dy_NM);
  const at::Tensor w = in_lines(w_MK);
  bf16_product(matrix(dy, true), matrix(w, false), dy.size(0), w.size(1), dy.size(1), sink);
  return true;
}

at::Tensor linear_grad_weight(const at::Tensor& dy_NM, const at::Tensor& x_NK) {
  RECORD_USER_SCOPE("athanor::linear_grad_weight");
  if (device::on_gpu(dy_NM)) {
    return device::linear_grad_weight(dy_NM, x_NK);
  }
  if (is_half(dy_NM)) {
    return linear_grad_weight(widened(dy_NM), widened(x_NK));
  }
  if (use_own(dy_NM, dy_NM.size(1), x_NK.size(1), dy_NM.size(0))) {
    at::Tensor dw = at::empty({dy_NM.size(1), x_NK.size(1)}, dy_NM.options().dtype(at::kFloat));
    own_grad_weight(dy_NM, x_NK, dw, true);
    return dw;
  }
  if (use_onednn(dy_NM)) {
    // One operand must be turned over in memory: the smaller, and then the result. (Columns of a wider matrix: oneDNN takes its
    // slowest way.)
    if (x_NK.size(1) < dy_NM.size(1) && dy_NM.is_contiguous()) {
      return onednn_linear(x_NK.t().contiguous(), dy_NM.t(), {}).t().contiguous();
    }
    return onednn_linear(dy_NM.t().contiguous(), x_NK.t(), {});
  }
  return at::mm(dy_NM.t(), x_NK);
}

void add_grad_weight(const at::Tensor& dy_NM, const at::Tensor& x_NK, at::Tensor& dw_MK, bool first) {
  RECORD_USER_SCOPE("athanor::add_grad_weight");
  if (device::on_gpu(dy_NM)) {
    return device::add_grad_weight(dy_NM, x_NK, dw_MK, first);
  }
  if (use_own(dy_NM, dy_NM.size(1), x_NK.size(1), dy_NM.size(0))) {
    return own_grad_weight(dy_NM, x_NK, dw_MK, first);
  }
  const int64_t rows = dw_MK.size(0);
  const int64_t width = dw_MK.size(1);
  const int64_t block = std::max<int64_t>(kWeightBlock / std::max<int64_t>(width, 1), 256);
  for (int64_t begin = 0; begin < rows; begin += block) {
    const int64_t count = std::min(block, rows - begin);
    const at::Tensor part = linear_grad_weight(dy_NM.narrow(1, begin, count), x_NK).contiguous();
    const auto dtype = part.scalar_type();
    const char* from = static_cast<const char*>(part.const_data_ptr());
    float* to = dw_MK.mutable_data_ptr<float>() + begin * width;
    at::parallel_for(0, count * width, 32768, [&](int64_t low, int64_t high) {
      if (first) {
        std::fill(to + low, to + high, 0.0f);
      }
      add_rows(from + low * part.element_size(), dtype, 1, high - low, to + low);
    });
  }
}

at::Tensor column_sum(const at::Tensor& dy_NM) {
  if (device::on_gpu(dy_NM)) {
    return device::column_sum(dy_NM);
  }
  const at::Tensor dy = dy_NM.contiguous();
  const int64_t rows = dy.size(0);
  const int64_t width = dy.size(1);
  const at::ScalarType dtype = dy.scalar_type();
  const int64_t part_rows = (rows + kParts - 1) / kParts;
  at::Tensor parts = at::zeros({kParts, width}, dy.options().dtype(at::kFloat));
  const char* data = static_cast<const char*>(dy.const_data_ptr());
  float* sums = parts.mutable_data_ptr<float>();
  at::parallel_for(0, kParts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const int64_t first = std::min(rows, part * part_rows);
      const int64_t last = std::min(rows, first + part_rows);
      add_rows(data + first * width * dy.element_size(), dtype, last - first, width, sums + part * width);
    }
  });
  at::Tensor total = at::zeros({width}, parts.options());
  add_rows(sums, at::kFloat, kParts, width, total.mutable_data_ptr<float>());
  return total;
}

}  // namespace athanor
