#include "athanor/tensor/attention.h"

#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_for_cpu_backward.h>
#include <ATen/ops/empty.h>

#include <cmath>

namespace athanor {
namespace {

struct Heads {
  at::Tensor q_BHTD;
  at::Tensor k_BHTD;
  at::Tensor v_BHTD;
};

// Key/value heads [B, S, G, D] as [B, H, S, D].
at::Tensor expand_heads(const at::Tensor& x_BSGD, int64_t num_heads) {
  const int64_t groups = x_BSGD.size(2);
  const at::Tensor x_BGSD = x_BSGD.transpose(1, 2);
  if (groups == num_heads) {
    return x_BGSD;
  }
  return x_BGSD.unsqueeze(2)
      .expand({x_BSGD.size(0), groups, num_heads / groups, x_BSGD.size(1), x_BSGD.size(3)})
      .reshape({x_BSGD.size(0), num_heads, x_BSGD.size(1), x_BSGD.size(3)});
}

Heads split(const AttentionShape& s, const at::Tensor& qkv_NF) {
  const at::Tensor all = qkv_NF.view({s.batch, s.length, s.num_heads + 2 * s.num_kv_heads, s.head_dim});
  return {all.narrow(2, 0, s.num_heads).transpose(1, 2),
          expand_heads(all.narrow(2, s.num_heads, s.num_kv_heads), s.num_heads),
          expand_heads(all.narrow(2, s.num_heads + s.num_kv_heads, s.num_kv_heads), s.num_heads)};
}

std::optional<at::Tensor> optional_mask(const at::Tensor& mask) {
  return mask.defined() ? std::optional<at::Tensor>(mask) : std::nullopt;
}

// The gradient of expand_heads, written into the [B, S, G, D] slice to.
void reduce_heads(const at::Tensor& grad_BHSD, at::Tensor to) {
  const int64_t groups = to.size(2);
  if (groups == grad_BHSD.size(1)) {
    to.copy_(grad_BHSD.transpose(1, 2));
    return;
  }
  const at::Tensor grouped = grad_BHSD.reshape(
      {grad_BHSD.size(0), groups, grad_BHSD.size(1) / groups, grad_BHSD.size(2), grad_BHSD.size(3)});
  to.copy_(grouped.sum(2).transpose(1, 2));
}

}  // namespace

AttentionOutput attention_forward(const AttentionShape& shape, const at::Tensor& qkv_NF, const at::Tensor& mask) {
  const Heads h = split(shape, qkv_NF);
  auto [y_BHTD, lse] = at::_scaled_dot_product_flash_attention_for_cpu(h.q_BHTD, h.k_BHTD, h.v_BHTD, 0.0,
                                                                       !mask.defined(), optional_mask(mask));
  return {y_BHTD.transpose(1, 2).reshape({shape.batch * shape.length, shape.num_heads * shape.head_dim}), lse};
}

at::Tensor attention_backward(const AttentionShape& shape, const at::Tensor& dy_NE, const at::Tensor& qkv_NF,
                              const AttentionOutput& out, const at::Tensor& mask) {
  const Heads h = split(shape, qkv_NF);
  const auto as_heads = [&](const at::Tensor& x) {
    return x.view({shape.batch, shape.length, shape.num_heads, shape.head_dim}).transpose(1, 2);
  };
  auto [dq, dk, dv] = at::_scaled_dot_product_flash_attention_for_cpu_backward(
      as_heads(dy_NE), h.q_BHTD, h.k_BHTD, h.v_BHTD, as_heads(out.y_NE), out.lse_BHT, 0.0, !mask.defined(),
      optional_mask(mask));
  at::Tensor dqkv = at::empty(qkv_NF.sizes(), qkv_NF.options());
  const at::Tensor all =
      dqkv.view({shape.batch, shape.length, shape.num_heads + 2 * shape.num_kv_heads, shape.head_dim});
  all.narrow(2, 0, shape.num_heads).copy_(dq.transpose(1, 2));
  reduce_heads(dk, all.narrow(2, shape.num_heads, shape.num_kv_heads));
  reduce_heads(dv, all.narrow(2, shape.num_heads + shape.num_kv_heads, shape.num_kv_heads));
  return dqkv;
}

at::Tensor document_mask(const at::Tensor& document_BT, at::ScalarType dtype) {
  const at::Tensor document = document_BT.to(at::kInt).contiguous();
  const int64_t batch = document.size(0);
  const int64_t length = document.size(1);
  at::Tensor mask = at::empty({batch, 1, length, length}, at::kFloat);
  const int32_t* id = document.const_data_ptr<int32_t>();
  float* out = mask.mutable_data_ptr<float>();
  for (int64_t b = 0; b < batch; ++b, id += length) {
    for (int64_t t = 0; t < length; ++t) {
      for (int64_t s = 0; s < length; ++s) {
        *out++ = s <= t && id[s] == id[t] ? 0.0f : -INFINITY;
      }
    }
  }
  return mask.to(dtype);
}

at::Tensor attention_cached(const at::Tensor& q_BTHD, const at::Tensor& k_BSGD, const at::Tensor& v_BSGD) {
  const int64_t heads = q_BTHD.size(2);
  const int64_t length = q_BTHD.size(1);
  const int64_t total = k_BSGD.size(1);
  at::Tensor mask;
  if (length > 1 && length < total) {
    mask = at::empty({1, 1, length, total}, at::kFloat);
    float* out = mask.mutable_data_ptr<float>();
    for (int64_t t = 0; t < length; ++t) {
      for (int64_t s = 0; s < total; ++s) {
        *out++ = s <= total - length + t ? 0.0f : -INFINITY;
      }
    }
    mask = mask.to(q_BTHD.scalar_type());
  }
  const at::Tensor y_BHTD = std::get<0>(at::_scaled_dot_product_flash_attention_for_cpu(
      q_BTHD.transpose(1, 2), expand_heads(k_BSGD, heads), expand_heads(v_BSGD, heads), 0.0,
      length > 1 && length == total, optional_mask(mask)));
  return y_BHTD.transpose(1, 2).reshape({-1, heads * q_BTHD.size(3)});
}

}  // namespace athanor
