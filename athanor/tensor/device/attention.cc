// Attention: LibTorch's flash kernels where they can do it (16 bits, runs of tokens, no dropout), else by products over a few
// sequences at a time, whose scores are in memory.
#include "athanor/tensor/attention.h"

#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/logsumexp.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "athanor/base/rng.h"
#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/device/same_bits.h"

namespace athanor::device {
namespace {

constexpr int64_t kScoresAtOnce = int64_t{1} << 26;  // 256 MB in fp32
constexpr int64_t kMaxFlashDim = 256;
constexpr int64_t kMaxFlashRuns = 65535;  // one block of the grid's second dimension each

double scale_of(const AttentionShape& shape) {
  return shape.scale > 0 ? shape.scale : 1.0 / std::sqrt(static_cast<double>(shape.head_dim));
}

bool use_flash(const AttentionShape& shape, const at::Tensor& qkv_NF, const KeyIntervals& keys) {
  return qkv_NF.is_cuda() && qkv_NF.scalar_type() != at::kFloat && shape.dropout == 0 && keys.runs.begin.defined() &&
         keys.runs.begin.numel() <= kMaxFlashRuns + 1 && shape.head_dim % 8 == 0 && shape.head_dim <= kMaxFlashDim;
}

// [N, heads, D], a view of the fused rows.
at::Tensor heads_at(const AttentionShape& shape, const at::Tensor& qkv_NF, int64_t first, int64_t count) {
  return qkv_NF.narrow(1, first * shape.head_dim, count * shape.head_dim).unflatten(1, {count, shape.head_dim});
}

struct Heads {
  Heads(const AttentionShape& shape, const at::Tensor& qkv_NF)
      : q(heads_at(shape, qkv_NF, 0, shape.num_heads)),
        k(heads_at(shape, qkv_NF, shape.num_heads, shape.num_kv_heads)),
        v(heads_at(shape, qkv_NF, shape.num_heads + shape.num_kv_heads, shape.num_kv_heads)) {}
  at::Tensor q, k, v;
};

// A window of W keys, the query's own among them: W - 1 to the left. -1: no bound.
int64_t window_left(const KeyRuns& runs) { return runs.window > 0 ? runs.window - 1 : -1; }
int64_t window_right(const KeyRuns& runs) { return runs.causal ? 0 : -1; }

AttentionOutput flash_forward(const AttentionShape& shape, const at::Tensor& qkv_NF, const KeyRuns& runs) {
  const Heads heads(shape, qkv_NF);
  const auto [y, lse, rng_state, unused, mask] =
      at::_flash_attention_forward(heads.q, heads.k, heads.v, runs.begin, runs.begin, runs.longest, runs.longest, 0.0,
                                   runs.causal, false, scale_of(shape), window_left(runs), window_right(runs));
  return {y.reshape({qkv_NF.size(0), shape.num_heads * shape.head_dim}), lse};
}

at::Tensor flash_backward(const AttentionShape& shape, const at::Tensor& dy_NE, const at::Tensor& qkv_NF,
                          const AttentionOutput& out, const KeyRuns& runs) {
  const Heads heads(shape, qkv_NF);
  const std::vector<int64_t> sizes{qkv_NF.size(0), shape.num_heads, shape.head_dim};
  const at::Tensor no_state = at::zeros({2}, qkv_NF.options().dtype(at::kLong));  // read where there is dropout only
  const SameBits same_bits;  // a resumed run is the same run
  const auto [dq, dk, dv] = at::_flash_attention_backward(
      dy_NE.view(sizes), heads.q, heads.k, heads.v, out.y_NE.view(sizes), out.lse_BHT, runs.begin, runs.begin, runs.longest,
      runs.longest, 0.0, runs.causal, no_state, no_state, scale_of(shape), window_left(runs), window_right(runs));
  return at::cat({dq.flatten(1), dk.flatten(1), dv.flatten(1)}, 1);
}

// b sequences: q [b G, R T, D], k and v [b G, T, D], in fp32; R query heads read one key head.
struct Slice {
  Slice(const AttentionShape& shape, const at::Tensor& qkv_NF, const KeyIntervals& keys, int64_t first, int64_t count)
      : shape(shape), count(count), first(first) {
    const int64_t from = first * shape.length;
    const int64_t rows = count * shape.length;
    const Heads heads(shape, qkv_NF.narrow(0, from, rows));
    q = by_group(heads.q);
    k = by_group(heads.k);
    v = by_group(heads.v);
    const at::Tensor place = at::arange(shape.length, keys.begin_N.options());
    const auto column = [&](const at::Tensor& bound) { return bound.narrow(0, from, rows).view({count, 1, 1, shape.length, 1}); };
    reads = place.ge(column(keys.begin_N)).logical_and_(place.lt(column(keys.end_N)));
  }

  int64_t repeats() const { return shape.num_heads / shape.num_kv_heads; }
  std::vector<int64_t> scores_sizes() const { return {count, shape.num_kv_heads, repeats(), shape.length, shape.length}; }
  at::Tensor flat(const at::Tensor& scores) const {
    return scores.reshape({count * shape.num_kv_heads, repeats() * shape.length, shape.length});
  }

  // [b T, heads, D] -> [b G, R T, D]
  at::Tensor by_group(const at::Tensor& x_NHD) const {
    const int64_t each = x_NHD.size(1) / shape.num_kv_heads;
    return x_NHD.to(at::kFloat)
        .reshape({count, shape.length, shape.num_kv_heads, each, shape.head_dim})
        .permute({0, 2, 3, 1, 4})
        .reshape({count * shape.num_kv_heads, each * shape.length, shape.head_dim});
  }
  // and back -> [b T, heads D]
  at::Tensor by_token(const at::Tensor& x) const {
    const int64_t each = x.size(1) / shape.length;
    return x.reshape({count, shape.num_kv_heads, each, shape.length, shape.head_dim})
        .permute({0, 3, 1, 2, 4})
        .reshape({count * shape.length, shape.num_kv_heads * each * shape.head_dim});
  }

  // q k^T times the scale, -inf where a query does not read.
  at::Tensor scores() const {
    const at::Tensor all = at::bmm(q, k.transpose(1, 2)).mul_(scale_of(shape)).view(scores_sizes());
    return all.masked_fill(reads.logical_not(), -INFINITY);
  }
  // 0 for a query that reads none.
  at::Tensor log_sum() const {
    const at::Tensor lse = at::logsumexp(scores(), {-1});
    return lse.masked_fill(lse.eq(-INFINITY), 0.0);
  }
  // exp(scores - lse), 0 where a query does not read, which may be everywhere.
  at::Tensor probabilities(const at::Tensor& lse) const {
    return scores().sub_(lse.unsqueeze(-1)).exp_().masked_fill_(reads.logical_not(), 0.0);
  }
  at::Tensor dropped(const at::Tensor& p) const {
    return shape.dropout == 0 ? p : dropout(p, shape.dropout, mix64(shape.dropout_key ^ static_cast<uint64_t>(first)));
  }

  AttentionShape shape;
  int64_t count;
  int64_t first;
  at::Tensor q, k, v;
  at::Tensor reads;  // [b, 1, 1, T, T]
};

int64_t sequences_at_once(const AttentionShape& shape) {
  return std::clamp<int64_t>(kScoresAtOnce / (shape.num_heads * shape.length * shape.length), 1, shape.batch);
}

}  // namespace

AttentionOutput attention_forward(const AttentionShape& shape, const at::Tensor& qkv_NF, const KeyIntervals& keys) {
  if (use_flash(shape, qkv_NF, keys)) {
    return flash_forward(shape, qkv_NF, keys.runs);
  }
  AttentionOutput out{at::empty({shape.batch * shape.length, shape.num_heads * shape.head_dim}, qkv_NF.options()),
                      at::empty({shape.batch, shape.num_heads, shape.length}, qkv_NF.options().dtype(at::kFloat))};
  const int64_t step = sequences_at_once(shape);
  for (int64_t first = 0; first < shape.batch; first += step) {
    const int64_t count = std::min(step, shape.batch - first);
    const Slice slice(shape, qkv_NF, keys, first, count);
    const at::Tensor lse = slice.log_sum();
    const at::Tensor p = slice.dropped(slice.probabilities(lse));
    out.y_NE.narrow(0, first * shape.length, count * shape.length).copy_(slice.by_token(at::bmm(slice.flat(p), slice.v)));
    out.lse_BHT.narrow(0, first, count).copy_(lse.view({count, shape.num_heads, shape.length}));
  }
  return out;
}

at::Tensor attention_backward(const AttentionShape& shape, const at::Tensor& dy_NE, const at::Tensor& qkv_NF,
                              const AttentionOutput& out, const KeyIntervals& keys) {
  if (use_flash(shape, qkv_NF, keys)) {
    return flash_backward(shape, dy_NE, qkv_NF, out, keys.runs);
  }
  const at::Tensor dqkv_NF = at::empty(qkv_NF.sizes(), qkv_NF.options());
  const int64_t step = sequences_at_once(shape);
  const std::vector<int64_t> heads{shape.num_heads, shape.head_dim};
  for (int64_t first = 0; first < shape.batch; first += step) {
    const int64_t count = std::min(step, shape.batch - first);
    const int64_t from = first * shape.length;
    const int64_t rows = count * shape.length;
    const Slice slice(shape, qkv_NF, keys, first, count);
    const at::Tensor lse = out.lse_BHT.narrow(0, first, count).view({count, shape.num_kv_heads, slice.repeats(), shape.length});
    const at::Tensor p = slice.probabilities(lse);
    const at::Tensor dy = slice.by_group(dy_NE.narrow(0, from, rows).unflatten(1, heads));
    const at::Tensor y = slice.by_group(out.y_NE.narrow(0, from, rows).unflatten(1, heads));
    const at::Tensor dv = at::bmm(slice.flat(slice.dropped(p)).transpose(1, 2), dy);
    const at::Tensor dp = slice.dropped(at::bmm(dy, slice.v.transpose(1, 2)).view(slice.scores_sizes()));
    const at::Tensor delta = dy.mul(y).sum(-1, true).view({count, shape.num_kv_heads, slice.repeats(), shape.length, 1});
    const at::Tensor ds = slice.flat(dp.sub(delta).mul_(p).mul_(scale_of(shape)));
    const at::Tensor parts = at::cat({slice.by_token(at::bmm(ds, slice.k)), slice.by_token(at::bmm(ds.transpose(1, 2), slice.q)),
                                      slice.by_token(dv)}, 1);
    dqkv_NF.narrow(0, from, rows).copy_(parts);
  }
  return dqkv_NF;
}

}  // namespace athanor::device
