#include "athanor/model/nn/blocks.h"

#include "athanor/base/rng.h"
#include "athanor/model/nn/frame.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/transfer.h"
#include "athanor/tensor/gemm.h"
#include "athanor/tensor/head_norm.h"

namespace athanor {
namespace {

using Tensors = std::vector<at::Tensor>;

constexpr uint64_t kProbabilityDraw = 11;  // beside the draws of dropout under one key

AttentionShape shape_of(const BlockContext& context, const AttentionWeights& w) {
  return {context.batch, context.length, w.num_heads, w.num_kv_heads, w.head_dim, w.scale, context.attention_dropout,
          random_at(context.dropout_key, kProbabilityDraw)};
}

at::Tensor in_compute(const BlockContext& context, const at::Tensor& bias) {
  return bias.defined() ? context.weights->get(bias) : bias;
}

// The norms of the query and key heads and the rotation, over the fused q, k, v in place, and their gradient.
struct HeadSteps {
  HeadSteps(const BlockContext& context, const AttentionWeights& w)
      : rope(w.local ? context.local_rope : context.rope),
        position_N(context.position_N),
        num_heads(w.num_heads + w.num_kv_heads),
        head_dim(w.head_dim),
        normed(w.q_norm.defined()) {
    if (normed) {
      q = {0, w.num_heads, w.head_dim, w.q_norm.scale(), w.q_norm.eps};
      k = {w.num_heads, w.num_kv_heads, w.head_dim, w.k_norm.scale(), w.k_norm.eps};
    }
  }

  void apply(at::Tensor& qkv) const {
    if (normed) {
      head_norm_(qkv, q);
      head_norm_(qkv, k);
    }
    if (rope != nullptr) {
      rope_(qkv, *rope, position_N, num_heads, head_dim, false);
    }
  }

  // dqkv becomes the gradient of what apply was given; appends those of the norms' weights.
  void apply_gradient(at::Tensor& dqkv, const at::Tensor& raw_qkv, Tensors& norm_gradients) const {
    if (rope != nullptr) {
      rope_(dqkv, *rope, position_N, num_heads, head_dim, true);
    }
    if (normed) {
      norm_gradients.push_back(head_norm_backward_(dqkv, raw_qkv, q));
      norm_gradients.push_back(head_norm_backward_(dqkv, raw_qkv, k));
    }
  }

  const RopeTable* rope;
  at::Tensor position_N;
  int64_t num_heads;
  int64_t head_dim;
  bool normed;
  HeadNorm q;
  HeadNorm k;
};

// The attention block's own saved tensors.
enum AttentionSlot : size_t { kQkv = kFrameSlots, kAttended, kLse, kQkvWeight, kOutputWeight, kAttentionSlots };

// The feed-forward block's.
enum MlpSlot : size_t { kInner = kFrameSlots, kMlpInWeight, kMlpOutWeight, kMlpInBias, kMlpSlots };

}  // namespace

void place(BlockContext& context, at::Device device, bool padded) {
  if (device.is_cpu()) {
    return;
  }
  const at::Tensor position_N = padded ? at::Tensor() : context.position_N;
  context.keys = on_device(context.keys, position_N, context.length, device);
  if (context.local_keys.begin_N.defined()) {
    context.local_keys = on_device(context.local_keys, position_N, context.length, device);
  }
  context.position_N = device::transfer(context.position_N, device);
}

at::Tensor attention_block(const BlockContext& context, const AttentionWeights& w, const at::Tensor& x_NC) {
  const Frame frame(context, w.norms);
  Tensors inputs;
  frame.append_inputs(x_NC, inputs);
  const HeadSteps steps(context, w);
  if (steps.normed) {
    inputs.push_back(w.q_norm.weight_C);
    inputs.push_back(w.k_norm.weight_C);
  }
  append(inputs, w.qkv);
  append(inputs, w.out);
  const AttentionShape shape = shape_of(context, w);
  const KeyIntervals keys = w.local ? context.local_keys : context.keys;
  const auto forward = [&](Tensors& saved) {
    const at::Tensor h = frame.enter(x_NC, saved);
    saved.resize(kAttentionSlots);
    saved[kQkvWeight] = context.weights->get(w.qkv.weight(), x_NC.size(0));
    saved[kOutputWeight] = context.weights->get(w.out.weight(), x_NC.size(0));
    at::Tensor qkv = linear(h, saved[kQkvWeight], in_compute(context, w.qkv.bias()));
    if (steps.normed) {  // the norms' gradient reads what they were given; the rest is made again from it
      saved[kQkv] = qkv;
      qkv = qkv.clone();
    }
    steps.apply(qkv);
    const AttentionOutput attended = attention_forward(shape, qkv, keys);
    if (!steps.normed) {
      saved[kQkv] = qkv;
    }
    saved[kAttended] = attended.y_NE;
    saved[kLse] = attended.lse_BHT;
    const at::Tensor delta = linear(attended.y_NE, saved[kOutputWeight], in_compute(context, w.out.bias()));
    return frame.leave(x_NC, delta, saved);
  };
  return custom_op(
      std::move(inputs), forward,
      [shape, keys, steps, frame_gradient = FrameGradient(context, w.norms), qkv_shape = GroupShape(w.qkv),
       out_shape = GroupShape(w.out)](const Tensors& s, const at::Tensor& dy) mutable {
        const at::Tensor ddelta = frame_gradient.enter(s, dy);
        Tensors out_gradients;
        out_shape.append_gradients(ddelta, s[kAttended], out_gradients);
        at::Tensor qkv = s[kQkv];
        if (steps.normed) {
          qkv = qkv.clone();
          steps.apply(qkv);
        }
        at::Tensor dqkv = attention_backward(shape, linear_grad_input(ddelta, s[kOutputWeight]), qkv,
                                             {s[kAttended], s[kLse]}, keys);
        Tensors head_gradients;
        steps.apply_gradient(dqkv, s[kQkv], head_gradients);
        Tensors gradients = frame_gradient.leave(s, linear_grad_input(dqkv, s[kQkvWeight]));
        gradients.insert(gradients.end(), head_gradients.begin(), head_gradients.end());
        qkv_shape.append_gradients(dqkv, frame_gradient.hidden(s), gradients);
        gradients.insert(gradients.end(), out_gradients.begin(), out_gradients.end());
        return gradients;
      });
}

at::Tensor mlp_block(const BlockContext& context, const MlpWeights& w, const at::Tensor& x_NC) {
  const Frame frame(context, w.norms);
  Tensors inputs;
  frame.append_inputs(x_NC, inputs);
  append(inputs, w.in);
  append(inputs, w.out);
  const auto forward = [&](Tensors& saved) {
    const at::Tensor h = frame.enter(x_NC, saved);
    saved.resize(kMlpSlots);
    saved[kMlpInWeight] = context.weights->get(w.in.weight(), x_NC.size(0));
    saved[kMlpOutWeight] = context.weights->get(w.out.weight(), x_NC.size(0));
    saved[kMlpInBias] = w.in.bias();
    saved[kInner] = linear(h, saved[kMlpInWeight]);
    const at::Tensor active = activation_forward(w.activation, saved[kInner], saved[kMlpInBias]);
    const at::Tensor delta = linear(active, saved[kMlpOutWeight], in_compute(context, w.out.bias()));
    return frame.leave(x_NC, delta, saved);
  };
  return custom_op(
      std::move(inputs), forward,
      [activation = w.activation, frame_gradient = FrameGradient(context, w.norms), in_shape = GroupShape(w.in),
       out_shape = GroupShape(w.out)](const Tensors& s, const at::Tensor& dy) mutable {
        const at::Tensor ddelta = frame_gradient.enter(s, dy);
        at::Tensor inner = s[kInner];
        ActivationGradients d = activation_backward_(activation, ddelta, s[kMlpOutWeight], inner, s[kMlpInBias]);
        Tensors out_gradients;
        out_shape.append_gradients(ddelta, d.y_NI, out_gradients);
        d.y_NI.reset();  // as large as all that follows
        Tensors gradients = frame_gradient.leave(s, linear_grad_input(d.du, s[kMlpInWeight]));
        in_shape.append_gradients(d.du, frame_gradient.hidden(s), d.dbias, gradients);
        gradients.insert(gradients.end(), out_gradients.begin(), out_gradients.end());
        return gradients;
      });
}

at::Tensor layer_blocks(const BlockContext& context, const LayerWeights& layer, uint64_t attention_key,
                        uint64_t mlp_key, Recompute recompute, const at::Tensor& x_NC) {
  const auto with_key = [context](uint64_t key) {
    BlockContext own = context;
    own.dropout_key = key;
    return own;
  };
  const auto attention = [own = with_key(attention_key), &layer](const at::Tensor& x) {
    return attention_block(own, layer.attention, x);
  };
  const auto mlp = [own = with_key(mlp_key), &layer](const at::Tensor& x) { return mlp_block(own, layer.mlp, x); };
  if (recompute == Recompute::kBlock) {
    return recomputed(x_NC, [attention, mlp](const at::Tensor& x) { return mlp(attention(x)); });
  }
  const at::Tensor attended = attention(x_NC);
  return recompute == Recompute::kMlp ? recomputed(attended, mlp) : mlp(attended);
}

at::Tensor attention_block_cached(const BlockContext& context, const AttentionWeights& w, const at::Tensor& x_NC,
                                  LayerCache& cache) {
  NoGrad no_grad;
  const Frame frame(context, w.norms);
  Tensors unused;
  const at::Tensor h = frame.enter(x_NC, unused);
  at::Tensor qkv = linear(h, context.weights->get(w.qkv.weight()), in_compute(context, w.qkv.bias()));
  HeadSteps(context, w).apply(qkv);
  const int64_t groups = w.num_kv_heads;
  const at::Tensor all = qkv.view({context.batch, context.length, w.num_heads + 2 * groups, w.head_dim});
  cache.k_BSGD.narrow(1, cache.length, context.length).copy_(all.narrow(2, w.num_heads, groups));
  cache.v_BSGD.narrow(1, cache.length, context.length).copy_(all.narrow(2, w.num_heads + groups, groups));
  cache.length += context.length;
  const at::Tensor attended = attention_cached(all.narrow(2, 0, w.num_heads), cache.k_BSGD.narrow(1, 0, cache.length),
                                               cache.v_BSGD.narrow(1, 0, cache.length),
                                               w.local ? context.local_window : 0, w.scale);
  const at::Tensor delta = linear(attended, context.weights->get(w.out.weight()), in_compute(context, w.out.bias()));
  return frame.leave(x_NC, delta, unused);
}

}  // namespace athanor
