// Attention over intervals of keys against softmax(q k^T) v written out in fp64 with a mask.
#include <gtest/gtest.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/tensor/attention.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

at::Tensor wide(const at::Tensor& x) { return x.detach().to(at::kDouble).set_requires_grad(true); }

// Largest difference over the largest magnitude.
double relative(const at::Tensor& got, const at::Tensor& want) {
  EXPECT_EQ(got.sizes(), want.sizes());
  const double scale = std::max(1e-6, want.abs().max().item<double>());
  return got.to(at::kDouble).sub(want.to(at::kDouble)).abs().max().item<double>() / scale;
}

// The mask of dropout, [B, H, T, T].
at::Tensor mask_of(const AttentionShape& s) {
  at::Tensor mask = at::empty({s.batch, s.num_heads, s.length, s.length}, at::kDouble);
  auto* out = mask.mutable_data_ptr<double>();
  const auto threshold = static_cast<uint64_t>(s.dropout * 4294967296.0);
  for (int64_t head = 0; head < s.batch * s.num_heads; ++head) {
    const uint64_t key = mix64(s.dropout_key ^ mix64(static_cast<uint64_t>(head)));
    for (int64_t place = 0; place < s.length * s.length; ++place) {
      *out++ = (mix64(key + static_cast<uint64_t>(place)) >> 32) >= threshold ? 1 / (1 - s.dropout) : 0;
    }
  }
  return mask;
}

at::Tensor plain_attention(const AttentionShape& s, const at::Tensor& qkv, const KeyIntervals& keys) {
  const at::Tensor all = qkv.view({s.batch, s.length, s.num_heads + 2 * s.num_kv_heads, s.head_dim}).transpose(1, 2);
  const int64_t group = s.num_heads / s.num_kv_heads;
  const at::Tensor q = all.narrow(1, 0, s.num_heads);
  const at::Tensor k = all.narrow(1, s.num_heads, s.num_kv_heads).repeat_interleave(group, 1);
  const at::Tensor v = all.narrow(1, s.num_heads + s.num_kv_heads, s.num_kv_heads).repeat_interleave(group, 1);
  const at::Tensor key = at::arange(s.length).view({1, 1, s.length});
  const at::Tensor allowed = key.ge(keys.begin_N.view({s.batch, s.length, 1}))
                                 .logical_and(key.lt(keys.end_N.view({s.batch, s.length, 1})))
                                 .unsqueeze(1);
  const double scale = s.scale > 0 ? s.scale : 1 / std::sqrt(static_cast<double>(s.head_dim));
  const at::Tensor scores = q.matmul(k.transpose(2, 3)).mul(scale);
  at::Tensor p = scores.masked_fill(allowed.logical_not(), -1e30).softmax(-1).mul(allowed);
  p = s.dropout > 0 ? p.mul(mask_of(s)) : p;
  return p.matmul(v).transpose(1, 2).reshape({s.batch * s.length, s.num_heads * s.head_dim});
}

const AttentionShape kShapes[] = {{2, 1, 2, 1, 8},   {2, 19, 4, 2, 12}, {1, 70, 3, 3, 32},
                                  {2, 64, 6, 2, 64}, {1, 33, 2, 1, 80}, {3, 45, 2, 2, 16, 0.4}, {2, 37, 4, 2, 16, 0, 0.3, 99},
                                  {1, 102, 4, 2, 32, 0.3, 0.2, 7}, {1, 134, 1, 1, 96}};

// Every kind of interval for a shape: causal, packed, windows, padding, both ways, and anything at all.
std::vector<KeyIntervals> intervals(const AttentionShape& s) {
  const int64_t n = s.batch * s.length;
  const at::Tensor position = at::arange(s.length).repeat({s.batch});
  const at::Tensor packed =
      at::where(position.ge(s.length / 3), position.sub(s.length / 3), position).contiguous();
  std::vector<KeyIntervals> all = {causal_keys(position, s.length), causal_keys(packed, s.length),
                                   causal_keys(position, s.length, 1), causal_keys(packed, s.length, 5),
                                   causal_keys(position, s.length, 17), document_keys(packed, s.length)};
  all.push_back(row_keys(at::arange(s.batch).add(s.length - s.batch + 1).clamp_min(1), s.length));
  all.push_back(row_keys(at::full({s.batch}, s.length, at::kLong), s.length));
  const at::Tensor a = at::randn({n}).abs().mul(s.length / 3.0).to(at::kLong).clamp_max(s.length);
  const at::Tensor b = a.add(at::randn({n}).mul(s.length / 3.0).to(at::kLong)).clamp(0, s.length);
  all.push_back({a.minimum(b).contiguous(), a.maximum(b).contiguous()});  // empty ones among them
  return all;
}

TEST(Attention, OverIntervalsAndItsGradient) {
  for (const AttentionShape& s : kShapes) {
    const std::vector<KeyIntervals> all = intervals(s);
    for (size_t i = 0; i < all.size(); ++i) {
      const KeyIntervals& keys = all[i];
      const at::Tensor qkv = at::randn({s.batch * s.length, s.width()}).mul(2);
      const at::Tensor dy = at::randn({s.batch * s.length, s.num_heads * s.head_dim});
      const at::Tensor qkv64 = wide(qkv);
      const at::Tensor want = plain_attention(s, qkv64, keys);
      backward(want.mul(dy).sum());
      const AttentionOutput got = attention_forward(s, qkv, keys);
      EXPECT_LT(relative(got.y_NE, want), 1e-5) << i;
      EXPECT_LT(relative(attention_backward(s, dy, qkv, got, keys), qkv64.grad()), 2e-5) << i << " " << s.length;
      const at::Tensor half = qkv.to(at::kBFloat16);
      const AttentionOutput coarse = attention_forward(s, half, keys);
      EXPECT_LT(relative(coarse.y_NE, want), 0.04) << i;
      EXPECT_LT(relative(attention_backward(s, dy.to(at::kBFloat16), half, coarse, keys), qkv64.grad()), 0.06) << i;
    }
  }
}

TEST(Attention, DropsTheShareThatItSays) {
  const AttentionShape s{2, 128, 4, 2, 16, 0, 0.3, 5};
  const at::Tensor mask = mask_of(s);
  EXPECT_NEAR(mask.eq(0).to(at::kDouble).mean().item<double>(), 0.3, 0.005);
  EXPECT_FALSE(mask[0][0].equal(mask[0][1]));
  EXPECT_FALSE(mask[0][0].equal(mask[1][0]));
}

TEST(Attention, BuildsTheIntervalsItSays) {
  const at::Tensor position = at::tensor({0, 1, 2, 0, 1, 0, 1, 2, 3, 4}, at::kLong);  // two rows of five
  const auto is = [](const at::Tensor& got, std::vector<int64_t> want) {
    return got.equal(at::tensor(want, at::kLong));
  };
  EXPECT_TRUE(is(causal_keys(position, 5).begin_N, {0, 0, 0, 3, 3, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(is(causal_keys(position, 5).end_N, {1, 2, 3, 4, 5, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(is(causal_keys(position, 5, 2).begin_N, {0, 0, 1, 3, 3, 0, 0, 1, 2, 3}));
  EXPECT_TRUE(is(document_keys(position, 5).begin_N, {0, 0, 0, 3, 3, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(is(document_keys(position, 5).end_N, {3, 3, 3, 5, 5, 5, 5, 5, 5, 5}));
  EXPECT_TRUE(is(row_keys(at::tensor({2, 3}, at::kLong), 4).end_N, {2, 2, 2, 2, 3, 3, 3, 3}));
}

TEST(Attention, RefusesIntervalsOutsideTheirRow) {
  const AttentionShape s{1, 4, 1, 1, 8};
  const at::Tensor qkv = at::randn({4, s.width()});
  KeyIntervals keys = row_keys(at::tensor({5}, at::kLong), 4);
  EXPECT_THROW(attention_forward(s, qkv, keys), Error);
  keys = {at::tensor({0, 0, 2, 0}, at::kLong), at::tensor({1, 1, 1, 1}, at::kLong)};
  EXPECT_THROW(attention_forward(s, qkv, keys), Error);
}

// What is decoded in steps is what the whole row gives, with and without a window.
TEST(Attention, CachedStepsAreTheWholeRow) {
  const AttentionShape s{2, 23, 4, 2, 16, 0.3};
  const at::Tensor qkv = at::randn({s.batch * s.length, s.width()});
  const at::Tensor all = qkv.view({s.batch, s.length, 8, 16});
  for (const int64_t window : {0, 1, 6, 40}) {
    const KeyIntervals keys = causal_keys(at::arange(s.length).repeat({s.batch}), s.length, window);
    const at::Tensor want = attention_forward(s, qkv, keys).y_NE.view({s.batch, s.length, 64});
    int64_t past = 0;
    for (const int64_t step : {9, 1, 1, 7, 5}) {
      const int64_t total = past + step;
      const at::Tensor got = attention_cached(all.narrow(1, past, step).narrow(2, 0, 4),
                                              all.narrow(1, 0, total).narrow(2, 4, 2),
                                              all.narrow(1, 0, total).narrow(2, 6, 2), window, s.scale);
      EXPECT_LT(relative(got.view({s.batch, step, 64}), want.narrow(1, past, step)), 1e-5) << window << " " << past;
      past = total;
    }
  }
}

}  // namespace
}  // namespace athanor
