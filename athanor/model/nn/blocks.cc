#include "athanor/model/nn/blocks.h"

#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "athanor/tensor/autograd.h"
#include "athanor/tensor/dropout.h"
#include "athanor/tensor/gemm.h"

namespace athanor {
namespace {

using Tensors = std::vector<at::Tensor>;

// One after the other in one storage?
bool adjacent(const Tensors& parts) {
  const char* next = static_cast<const char*>(parts[0].const_data_ptr());
  for (const at::Tensor& part : parts) {
    if (!part.is_contiguous() || part.const_data_ptr() != next || !part.is_alias_of(parts[0])) {
      return false;
    }
    next += part.nbytes();
  }
  return true;
}

at::Tensor join(const Tensors& parts) {
  if (parts.size() <= 1) {
    return parts.empty() ? at::Tensor() : parts[0].detach();
  }
  NoGrad no_grad;
  if (!adjacent(parts)) {
    return at::cat(parts, 0);
  }
  int64_t rows = 0;
  for (const at::Tensor& part : parts) {
    rows += part.size(0);
  }
  std::vector<int64_t> sizes = parts[0].sizes().vec();
  sizes[0] = rows;
  return parts[0].detach().as_strided(sizes, parts[0].strides());
}

bool any_needs_grad(const Tensors& parts) {
  for (const at::Tensor& part : parts) {
    if (part.requires_grad()) {
      return true;
    }
  }
  return false;
}

// Appends the rows of grad that belong to each part; nothing defined where grad is not.
void split_rows(const at::Tensor& grad, const std::vector<int64_t>& rows, Tensors& out) {
  int64_t first = 0;
  for (const int64_t count : rows) {
    out.push_back(grad.defined() ? grad.narrow(0, first, count) : at::Tensor());
    first += count;
  }
}

std::vector<int64_t> row_counts(const Tensors& parts) {
  std::vector<int64_t> rows;
  for (const at::Tensor& part : parts) {
    rows.push_back(part.size(0));
  }
  return rows;
}

// What the gradient of a linear group needs to know of it, apart from tensors.
struct GroupShape {
  explicit GroupShape(const LinearGroup& group)
      : weight_rows(row_counts(group.weights)),
        bias_rows(row_counts(group.biases)),
        weight_grad(any_needs_grad(group.weights)),
        bias_grad(any_needs_grad(group.biases)) {}

  void append_gradients(const at::Tensor& dy, const at::Tensor& x, Tensors& out) const {
    split_rows(weight_grad ? to_dtype(linear_grad_weight(dy, x), at::kFloat) : at::Tensor(), weight_rows, out);
    split_rows(bias_grad ? column_sum(dy) : at::Tensor(), bias_rows, out);
  }

  std::vector<int64_t> weight_rows;
  std::vector<int64_t> bias_rows;
  bool weight_grad;
  bool bias_grad;
};

void append(Tensors& inputs, const LinearGroup& group) {
  inputs.insert(inputs.end(), group.weights.begin(), group.weights.end());
  inputs.insert(inputs.end(), group.biases.begin(), group.biases.end());
}

at::Tensor residual_sum(const at::Tensor& x_NC, const at::Tensor& delta_NC, double p, uint64_t key) {
  return at::add(x_NC, dropout(delta_NC, p, key));
}

AttentionShape shape_of(const BlockContext& context, const AttentionWeights& w) {
  return {context.batch, context.length, w.num_heads, w.num_kv_heads, w.head_dim};
}

at::Tensor in_compute(const BlockContext& context, const at::Tensor& bias) {
  return bias.defined() ? context.weights->get(bias) : bias;
}

}  // namespace

void WeightCache::set_precision(Precision precision) {
  precision_ = precision;
  entries_.clear();
}

at::Tensor WeightCache::get(const at::Tensor& weight) {
  if (precision_ == Precision::kFp32) {
    return weight.detach();
  }
  Entry& entry = entries_[weight.const_data_ptr()];
  if (!entry.copy.defined() || entry.copy.sizes() != weight.sizes()) {
    entry = {weight.detach(), at::empty(weight.sizes(), weight.options().dtype(at::kBFloat16).requires_grad(false)),
             false};
  }
  if (!entry.fresh) {
    NoGrad no_grad;
    convert(weight, entry.copy);
    entry.fresh = true;
  }
  return entry.copy;
}

void WeightCache::clear() {
  for (auto& [address, entry] : entries_) {
    entry.fresh = false;
  }
}

at::Tensor LinearGroup::weight() const { return join(weights); }
at::Tensor LinearGroup::bias() const { return join(biases); }

at::Tensor attention_block(const BlockContext& context, const AttentionWeights& w, const at::Tensor& x_NC) {
  Tensors inputs = {x_NC, w.norm.weight_C, w.norm.bias_C};
  append(inputs, w.qkv);
  append(inputs, w.out);
  const AttentionShape shape = shape_of(context, w);
  const KeyIntervals keys = causal_keys(context.position_N, context.length);
  const auto forward = [&](Tensors& saved) {
    const at::Tensor w_qkv = context.weights->get(w.qkv.weight());
    const at::Tensor w_out = context.weights->get(w.out.weight());
    const NormOutput h = norm_forward(w.norm.kind, x_NC, w.norm.weight_C, w.norm.bias_C, w.norm.eps,
                                      scalar_type(context.weights->precision()));
    at::Tensor qkv = linear(h.y_NC, w_qkv, in_compute(context, w.qkv.bias()));
    if (context.rope != nullptr) {
      rope_(qkv, *context.rope, context.position_N, w.num_heads + w.num_kv_heads, w.head_dim, false);
    }
    const AttentionOutput attended = attention_forward(shape, qkv, keys);
    const at::Tensor delta = linear(attended.y_NE, w_out, in_compute(context, w.out.bias()));
    saved = {x_NC, w.norm.weight_C, h.rstd_N, h.mean_N, h.y_NC, qkv, attended.y_NE, attended.lse_BHT, w_qkv, w_out};
    return residual_sum(x_NC, delta, context.dropout, context.dropout_key);
  };
  return custom_op(
      std::move(inputs), forward,
      [shape, norm = w.norm.kind, qkv_shape = GroupShape(w.qkv), out_shape = GroupShape(w.out), rope = context.rope,
       position = context.position_N, keys, p = context.dropout,
       key = context.dropout_key](const Tensors& s, const at::Tensor& dy) {
        const at::Tensor& h = s[4];
        const at::Tensor& qkv = s[5];
        const at::Tensor ddelta = dropout(to_dtype(dy, h.scalar_type()), p, key);
        Tensors out_gradients;
        out_shape.append_gradients(ddelta, s[6], out_gradients);
        const at::Tensor dattended = linear_grad_input(ddelta, s[9]);
        at::Tensor dqkv = attention_backward(shape, dattended, qkv, {s[6], s[7]}, keys);
        if (rope != nullptr) {
          rope_(dqkv, *rope, position, shape.num_heads + shape.num_kv_heads, shape.head_dim, true);
        }
        Tensors gradients(3);
        qkv_shape.append_gradients(dqkv, h, gradients);
        const NormGradients dnorm =
            norm_backward(norm, linear_grad_input(dqkv, s[8]), s[0], s[1], s[2], s[3], dy);
        gradients[0] = dnorm.dx_NC;
        gradients[1] = dnorm.dweight_C;
        gradients[2] = dnorm.dbias_C;
        gradients.insert(gradients.end(), out_gradients.begin(), out_gradients.end());
        return gradients;
      });
}

at::Tensor mlp_block(const BlockContext& context, const MlpWeights& w, const at::Tensor& x_NC) {
  Tensors inputs = {x_NC, w.norm.weight_C, w.norm.bias_C};
  append(inputs, w.in);
  append(inputs, w.out);
  const auto forward = [&](Tensors& saved) {
    const at::Tensor w_in = context.weights->get(w.in.weight());
    const at::Tensor w_out = context.weights->get(w.out.weight());
    const NormOutput h = norm_forward(w.norm.kind, x_NC, w.norm.weight_C, w.norm.bias_C, w.norm.eps,
                                      scalar_type(context.weights->precision()));
    const at::Tensor u = linear(h.y_NC, w_in, in_compute(context, w.in.bias()));
    const at::Tensor active = activation_forward(w.activation, u);
    const at::Tensor delta = linear(active, w_out, in_compute(context, w.out.bias()));
    saved = {x_NC, w.norm.weight_C, h.rstd_N, h.mean_N, h.y_NC, u, w_in, w_out};
    return residual_sum(x_NC, delta, context.dropout, context.dropout_key);
  };
  return custom_op(
      std::move(inputs), forward,
      [norm = w.norm.kind, activation = w.activation, in_shape = GroupShape(w.in), out_shape = GroupShape(w.out),
       p = context.dropout, key = context.dropout_key](const Tensors& s, const at::Tensor& dy) {
        const at::Tensor& h = s[4];
        const at::Tensor ddelta = dropout(to_dtype(dy, h.scalar_type()), p, key);
        const ActivationGradients d = activation_backward(activation, linear_grad_input(ddelta, s[7]), s[5]);
        Tensors gradients(3);
        in_shape.append_gradients(d.du, h, gradients);
        out_shape.append_gradients(ddelta, d.y_NI, gradients);
        const NormGradients dnorm = norm_backward(norm, linear_grad_input(d.du, s[6]), s[0], s[1], s[2], s[3], dy);
        gradients[0] = dnorm.dx_NC;
        gradients[1] = dnorm.dweight_C;
        gradients[2] = dnorm.dbias_C;
        return gradients;
      });
}

at::Tensor attention_block_cached(const BlockContext& context, const AttentionWeights& w, const at::Tensor& x_NC,
                                  LayerCache& cache) {
  NoGrad no_grad;
  const NormOutput h = norm_forward(w.norm.kind, x_NC, w.norm.weight_C, w.norm.bias_C, w.norm.eps,
                                    scalar_type(context.weights->precision()));
  at::Tensor qkv = linear(h.y_NC, context.weights->get(w.qkv.weight()), in_compute(context, w.qkv.bias()));
  if (context.rope != nullptr) {
    rope_(qkv, *context.rope, context.position_N, w.num_heads + w.num_kv_heads, w.head_dim, false);
  }
  const int64_t groups = w.num_kv_heads;
  const at::Tensor all = qkv.view({context.batch, context.length, w.num_heads + 2 * groups, w.head_dim});
  cache.k_BSGD.narrow(1, cache.length, context.length).copy_(all.narrow(2, w.num_heads, groups));
  cache.v_BSGD.narrow(1, cache.length, context.length).copy_(all.narrow(2, w.num_heads + groups, groups));
  cache.length += context.length;
  const at::Tensor attended =
      attention_cached(all.narrow(2, 0, w.num_heads), cache.k_BSGD.narrow(1, 0, cache.length),
                       cache.v_BSGD.narrow(1, 0, cache.length));
  const at::Tensor delta =
      linear(attended, context.weights->get(w.out.weight()), in_compute(context, w.out.bias()));
  return at::add(x_NC, delta);
}

std::vector<at::Tensor> adjacent_rows(const std::vector<int64_t>& rows, int64_t columns) {
  int64_t total = 0;
  for (const int64_t count : rows) {
    total += count;
  }
  const at::Tensor block = at::zeros({total, columns}, at::kFloat);
  Tensors parts;
  int64_t first = 0;
  for (const int64_t count : rows) {
    parts.push_back(block.narrow(0, first, count).detach());
    first += count;
  }
  return parts;
}

}  // namespace athanor
