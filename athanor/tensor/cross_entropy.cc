#include "athanor/tensor/cross_entropy.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/tensor/activation.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/gemm.h"
#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

using simd::kLanes;
using simd::Vec;

constexpr int64_t kChunkElements = int64_t{1} << 22;  // logits held at once: 16 MB in fp32
constexpr int64_t kGpuChunkElements = int64_t{1} << 28;  // there few large products count: 512 MB in bf16
constexpr int64_t kFewestBytes = 192 * 4;             // a column: below it a product reads more weights than it earns
constexpr int64_t kSharesAtLeast = 12;                // but never more than a twelfth of all logits in fp32

struct SoftmaxRows {
  void* logits;  // [rows, vocab]; becomes dL/dlogits when gradient is set
  const int64_t* target;
  float* loss;
  int64_t vocab;
  bool gradient;
  float smoothing;
};

// Reads one row, writes its loss and, where asked, softmax - (1 - smoothing) onehot - smoothing / vocab over the logits.
template <typename T>
ATHANOR_INLINE void softmax_row(T* row, int64_t target, float* loss, int64_t vocab, bool gradient,
                                float smoothing) {
  const int64_t whole = vocab / kLanes * kLanes;
  Vec best = simd::splat(-INFINITY);
  for (int64_t i = 0; i < whole; i += kLanes) {
    best = simd::max(best, simd::load(row + i));
  }
  float highest = simd::max_lane(best);
  for (int64_t i = whole; i < vocab; ++i) {
    highest = std::max(highest, static_cast<float>(row[i]));
  }
  Vec total = simd::splat(0);
  for (int64_t i = 0; i < whole; i += kLanes) {
    total += simd::exp(simd::load(row + i) - highest);
  }
  float sum = simd::sum(total);
  for (int64_t i = whole; i < vocab; ++i) {
    sum += std::exp(static_cast<float>(row[i]) - highest);
  }
  const float share = smoothing / static_cast<float>(vocab);
  float mean = 0;
  if (smoothing > 0) {
    Vec all = simd::splat(0);
    for (int64_t i = 0; i < whole; i += kLanes) {
      all += simd::load(row + i) - highest;  // near 0, so that the sum keeps its digits
    }
    mean = simd::sum(all);
    for (int64_t i = whole; i < vocab; ++i) {
      mean += static_cast<float>(row[i]) - highest;
    }
    mean = mean / static_cast<float>(vocab) + highest;
  }
  *loss = target < 0 ? 0.0f
                     : std::log(sum) + highest - (1 - smoothing) * static_cast<float>(row[target]) - smoothing * mean;
  if (!gradient) {
    return;
  }
  const float scale = target < 0 ? 0.0f : 1.0f / sum;
  const float used = target < 0 ? 0.0f : share;
  const float hot = target < 0 ? 0.0f : std::exp(static_cast<float>(row[target]) - highest) * scale - (1.0f - smoothing) - share;
  for (int64_t i = 0; i < whole; i += kLanes) {
    simd::store(row + i, simd::exp(simd::load(row + i) - highest) * scale - used);
  }
  for (int64_t i = whole; i < vocab; ++i) {
    row[i] = static_cast<T>(std::exp(static_cast<float>(row[i]) - highest) * scale - used);
  }
  if (target >= 0) {
    row[target] = static_cast<T>(hot);
  }
}

ATHANOR_SIMD void softmax_fp32(const SoftmaxRows& a, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    softmax_row(static_cast<float*>(a.logits) + n * a.vocab, a.target[n], a.loss + n, a.vocab, a.gradient,
                a.smoothing);
  }
}
ATHANOR_SIMD void softmax_bf16(const SoftmaxRows& a, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    softmax_row(static_cast<c10::BFloat16*>(a.logits) + n * a.vocab, a.target[n], a.loss + n, a.vocab, a.gradient,
                a.smoothing);
  }
}

ATHANOR_SIMD void softmax_fp16(const SoftmaxRows& a, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    softmax_row(static_cast<c10::Half*>(a.logits) + n * a.vocab, a.target[n], a.loss + n, a.vocab, a.gradient,
                a.smoothing);
  }
}

void run_softmax(const SoftmaxRows& args, const at::Tensor& logits_NV) {
  if (device::on_gpu(logits_NV)) {
    return device::cross_entropy_rows(logits_NV, args.target, args.loss, args.gradient, args.smoothing);
  }
  const at::ScalarType dtype = logits_NV.scalar_type();
  const int64_t rows = logits_NV.size(0);
  const auto kernel = dtype == at::kBFloat16 ? softmax_bf16 : dtype == at::kHalf ? softmax_fp16 : softmax_fp32;
  at::parallel_for(0, rows, std::max<int64_t>(1, 8192 / args.vocab),
                   [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

// The targets, which lie on the host, where x lies.
at::Tensor checked_targets(const at::Tensor& given_N, int64_t vocab, const at::Tensor& x) {
  const at::Tensor target_N = given_N.contiguous();
  check_targets(target_N, vocab);
  return device::beside(target_N, x);
}

// x times dL/dloss, in place. On a GPU that factor is not looked at, which would wait for all that runs there; of one dimension,
// since a scalar would first be rounded to x's type.
at::Tensor& scale_by(at::Tensor& x, const at::Tensor& grad) {
  return device::on_gpu(grad) ? x.mul_(grad.reshape({1})) : x.mul_(grad.item<float>());
}

int64_t chunk_rows(const at::Tensor& x_NC, int64_t vocab) {
  const int64_t rows = x_NC.size(0);
  const int64_t element_size = x_NC.element_size();
  if (device::on_gpu(x_NC)) {
    return std::clamp<int64_t>(kGpuChunkElements / vocab, 1, std::max<int64_t>(1, rows));
  }
  const int64_t share = (rows * 4 / element_size + kSharesAtLeast - 1) / kSharesAtLeast;
  const int64_t fewest = std::clamp<int64_t>(share, 16, kFewestBytes / element_size);
  const int64_t most = std::clamp<int64_t>(kChunkElements / vocab, fewest, 8192);
  const int64_t chunks = std::max<int64_t>(1, (rows + most - 1) / most);
  return ((rows + chunks - 1) / chunks + 15) / 16 * 16;  // even: what our own products sum over
}

// Logits of rows [first, first + count), then their losses; returns the logits, which hold the gradient if asked.
at::Tensor chunk_losses(const at::Tensor& x_NC, const at::Tensor& w_VC, const int64_t* target, float* loss,
                        int64_t first, int64_t count, bool gradient, float smoothing,
                        const at::Tensor& bias_V = {}) {
  RECORD_USER_SCOPE("athanor::cross_entropy_chunk");
  at::Tensor logits = linear(x_NC.narrow(0, first, count), w_VC, bias_V);
  const SoftmaxRows args{logits.mutable_data_ptr(), target + first, loss + first, w_VC.size(0), gradient, smoothing};
  run_softmax(args, logits);
  return logits;
}

at::Tensor sum_of(const at::Tensor& loss_N) {
  if (device::on_gpu(loss_N)) {
    return loss_N.sum(at::kDouble).to(at::kFloat);
  }
  double total = 0;
  const float* loss = loss_N.const_data_ptr<float>();
  for (int64_t n = 0; n < loss_N.numel(); ++n) {
    total += loss[n];
  }
  return at::scalar_tensor(total, loss_N.options());
}

}  // namespace

void check_targets(const at::Tensor& target_N, int64_t vocab) {
  const int64_t* target = target_N.const_data_ptr<int64_t>();
  for (int64_t n = 0; n < target_N.numel(); ++n) {
    if (target[n] < -1 || target[n] >= vocab) {
      throw Error(ErrorKind::kInput,
                  "target " + std::to_string(target[n]) + " is outside the vocabulary of " + std::to_string(vocab),
                  "element " + std::to_string(n) + " of the batch",
                  "check that the tokens were made with this model's tokenizer");
    }
  }
}

at::Tensor linear_cross_entropy_each(const at::Tensor& x_NC, const at::Tensor& compute_w_VC,
                                     const at::Tensor& target_N) {
  NoGrad no_grad;
  const at::Tensor target = checked_targets(target_N, compute_w_VC.size(0), x_NC);
  const int64_t rows = x_NC.size(0);
  at::Tensor loss = at::empty({rows}, x_NC.options().dtype(at::kFloat));
  const int64_t step = chunk_rows(x_NC, compute_w_VC.size(0));
  for (int64_t first = 0; first < rows; first += step) {
    chunk_losses(x_NC, compute_w_VC, target.const_data_ptr<int64_t>(), loss.mutable_data_ptr<float>(), first,
                 std::min(step, rows - first), false, 0);
  }
  return loss;
}

at::Tensor linear_cross_entropy(const at::Tensor& given_NC, const at::Tensor& w_VC, const at::Tensor& given_w_VC,
                                const at::Tensor& target_N, double label_smoothing, const at::Tensor& bias_V,
                                std::shared_ptr<TiedGradient> tied) {
  if (!needs_grad({given_NC, w_VC, bias_V}) && label_smoothing == 0 && !bias_V.defined()) {
    return sum_of(linear_cross_entropy_each(given_NC, given_w_VC, target_N));
  }
  // fp16: the products would be made in fp32 anyway, and so no logit's gradient falls below fp16's smallest number.
  const bool half = given_NC.scalar_type() == at::kHalf;
  const at::Tensor x_NC = half ? to_dtype(given_NC, at::kFloat) : given_NC;
  const at::Tensor compute_w_VC = half ? w_VC.detach() : given_w_VC;
  const at::Tensor target = checked_targets(target_N, w_VC.size(0), x_NC);
  return custom_op(
      {given_NC, w_VC, bias_V},
      [&](std::vector<at::Tensor>& saved) {
        const at::Tensor bias = bias_V.defined() ? to_dtype(bias_V, x_NC.scalar_type()) : bias_V;
        at::Tensor dbias = bias_V.defined() ? at::zeros(bias_V.sizes(), bias_V.options()) : bias_V;
        const int64_t rows = x_NC.size(0);
        const int64_t step = chunk_rows(x_NC, w_VC.size(0));
        at::Tensor loss = at::empty({rows}, x_NC.options().dtype(at::kFloat));
        at::Tensor dx = at::empty(x_NC.sizes(), x_NC.options());
        at::Tensor dw;
        if (w_VC.requires_grad()) {  // the first rows write it; a piece of a batch may have no target at all
          dw = rows > 0 ? at::empty(w_VC.sizes(), loss.options()) : at::zeros(w_VC.sizes(), loss.options());
        }
        for (int64_t first = 0; first < rows; first += step) {
          const int64_t count = std::min(step, rows - first);
          const at::Tensor dlogits =
              chunk_losses(x_NC, compute_w_VC, target.const_data_ptr<int64_t>(), loss.mutable_data_ptr<float>(),
                           first, count, true, static_cast<float>(label_smoothing), bias);
          if (dbias.defined()) {
            dbias.add_(column_sum(dlogits));
          }
          dx.narrow(0, first, count).copy_(linear_grad_input(dlogits, compute_w_VC));
          if (dw.defined()) {
            add_grad_weight(dlogits, x_NC.narrow(0, first, count), dw, first == 0);
          }
        }
        saved = {dx, dw, dbias};
        return sum_of(loss);
      },
      [dtype = given_NC.scalar_type(), tied = std::move(tied)](const std::vector<at::Tensor>& saved, const at::Tensor& grad) {
        // In place: a second pass over the same graph is refused by the check of saved tensors.
        at::Tensor dx = saved[0];
        at::Tensor dw = saved[1];
        at::Tensor dbias = saved[2];
        if (dw.defined()) {
          scale_by(dw, grad);
        }
        if (tied) {
          tied->dw_VC = dw;
        }
        return std::vector<at::Tensor>{to_dtype(scale_by(dx, grad), dtype), dw,
                                       dbias.defined() ? scale_by(dbias, grad) : dbias};
      });
}

at::Tensor softmax_cross_entropy(const at::Tensor& logits_NV, const at::Tensor& target_N, double label_smoothing) {
  const at::Tensor target = checked_targets(target_N, logits_NV.size(1), logits_NV);
  return custom_op(
      {logits_NV},
      [&](std::vector<at::Tensor>& saved) {
        const at::Tensor dlogits = logits_NV.detach().clone(at::MemoryFormat::Contiguous);
        at::Tensor loss = at::empty({dlogits.size(0)}, dlogits.options().dtype(at::kFloat));
        run_softmax({dlogits.mutable_data_ptr(), target.const_data_ptr<int64_t>(), loss.mutable_data_ptr<float>(),
                     dlogits.size(1), logits_NV.requires_grad(), static_cast<float>(label_smoothing)},
                    dlogits);
        saved = {dlogits};
        return sum_of(loss);
      },
      [](const std::vector<at::Tensor>& saved, const at::Tensor& grad) {
        at::Tensor dlogits = saved[0];
        return std::vector<at::Tensor>{scale_by(dlogits, grad)};
      });
}

}  // namespace athanor
