#include "athanor/model/decoder.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <string>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/dropout.h"
#include "athanor/tensor/embedding.h"

namespace athanor {

Decoder::Decoder(const ModelConfig& config) : LanguageModel(config) {}

at::Tensor positions_of(const at::Tensor& document_BT, int64_t batch, int64_t length) {
  at::Tensor position = at::empty({batch * length}, at::kLong);
  int64_t* out = position.mutable_data_ptr<int64_t>();
  const at::Tensor document = document_BT.defined() ? document_BT.to(at::kInt).contiguous() : at::Tensor();
  const int32_t* id = document.defined() ? document.const_data_ptr<int32_t>() : nullptr;
  for (int64_t b = 0; b < batch; ++b) {
    int64_t start = 0;
    for (int64_t t = 0; t < length; ++t) {
      if (id != nullptr && t > 0 && id[b * length + t] != id[b * length + t - 1]) {
        start = t;
      }
      out[b * length + t] = t - start;
    }
  }
  return position;
}

BlockContext Decoder::context_of(int64_t batch, int64_t length, const at::Tensor& position_N) {
  if (rotary_ && rope_table_.size() < config().max_positions) {
    rope_table_ = make_rope_table(config().max_positions, config().head_width(), config().rope_theta);
  }
  BlockContext context;
  context.weights = &weights();
  context.batch = batch;
  context.length = length;
  context.position_N = position_N;
  context.rope = rotary_ ? &rope_table_ : nullptr;
  return context;
}

at::Tensor Decoder::embed(const at::Tensor& tokens_BT, const at::Tensor& position_N) {
  const at::Tensor tokens_N = tokens_BT.contiguous().view({-1});
  return positions_.defined() ? embedding(tokens_N, tokens_, position_N, positions_) : embedding(tokens_N, tokens_);
}

namespace {

constexpr uint64_t kDepthDraw = 7;  // beside the draws of dropout under one key

// 1 / (1 - chance) for the tokens of rows that keep a layer, 0 for those that leave it out.
at::Tensor rows_kept(int64_t rows, int64_t length, double chance, uint64_t key) {
  at::Tensor keep_N1 = at::empty({rows * length, 1}, at::kFloat);
  auto* const out = keep_N1.mutable_data_ptr<float>();
  for (int64_t row = 0; row < rows; ++row) {
    const double draw = static_cast<double>(random_at(key, kDepthDraw, static_cast<uint64_t>(row)) >> 11) * 0x1p-53;
    std::fill_n(out + row * length, length, draw < chance ? 0.0f : static_cast<float>(1 / (1 - chance)));
  }
  return keep_N1;
}

}  // namespace

at::Tensor Decoder::hidden(const Batch& batch, uint64_t dropout_seed) {
  const int64_t rows = batch.tokens_BT.size(0);
  const int64_t length = batch.tokens_BT.size(1);
  if (length > config().max_positions) {
    throw Error(ErrorKind::kInput,
                "a row of " + std::to_string(length) + " tokens is longer than the model's " +
                    std::to_string(config().max_positions) + " positions",
                "", "cut the rows shorter, or make the model with more max_positions");
  }
  BlockContext context = context_of(rows, length, positions_of(batch.document_BT, rows, length));
  context.dropout = training() ? config().dropout : 0.0;

  at::Tensor x_NC = embed(batch.tokens_BT, context.position_N);
  uint64_t site = 0;
  if (context.dropout > 0) {
    const uint64_t key = random_at(dropout_seed, site);
    const double p = context.dropout;
    x_NC = custom_op({x_NC}, [&](std::vector<at::Tensor>&) { return dropout(x_NC, p, key); },
                     [p, key](const std::vector<at::Tensor>&, const at::Tensor& dy) {
                       return std::vector<at::Tensor>{dropout(dy, p, key)};
                     });
  }
  for (const Layer& layer : layers_) {
    const at::Tensor before_NC = x_NC;
    const uint64_t attention_key = random_at(dropout_seed, ++site);
    context.dropout_key = random_at(dropout_seed, ++site);
    const auto attention = [context, attention_key, &layer](const at::Tensor& x) {
      BlockContext own = context;
      own.dropout_key = attention_key;
      return attention_block(own, layer.attention, x);
    };
    const auto mlp = [context, &layer](const at::Tensor& x) { return mlp_block(context, layer.mlp, x); };
    if (recompute() == Recompute::kBlock) {
      x_NC = recomputed(x_NC, [attention, mlp](const at::Tensor& x) { return mlp(attention(x)); });
    } else {
      x_NC = attention(x_NC);
      x_NC = recompute() == Recompute::kMlp ? recomputed(x_NC, mlp) : mlp(x_NC);
    }
    if (training() && config().stochastic_depth > 0) {
      const double chance = config().stochastic_depth * static_cast<double>(&layer - layers_.data() + 1) /
                            static_cast<double>(layers_.size());
      const at::Tensor keep_N1 = rows_kept(rows, length, chance, context.dropout_key);
      x_NC = before_NC.add(x_NC.sub(before_NC).mul(keep_N1));
    }
  }
  return norm(final_norm_.kind, x_NC, final_norm_.weight_C, final_norm_.bias_C, final_norm_.eps,
              scalar_type(precision()))
      .view({rows, length, config().hidden_size});
}

at::Tensor Decoder::decode_step(const at::Tensor& tokens_BT, KvCache& cache) {
  NoGrad no_grad;
  const int64_t batch = tokens_BT.size(0);
  const int64_t length = tokens_BT.size(1);
  const int64_t past = cache.length();
  if (batch != cache.batch || length < 1 || past + length > cache.capacity) {
    throw Error(ErrorKind::kInternal, "a decoding step of " + std::to_string(batch) + " x " +
                                          std::to_string(length) + " tokens does not fit a cache of " +
                                          std::to_string(cache.batch) + " x " + std::to_string(cache.capacity) +
                                          " that holds " + std::to_string(past));
  }
  at::Tensor position = at::empty({batch * length}, at::kLong);
  for (int64_t n = 0; n < batch * length; ++n) {
    position.mutable_data_ptr<int64_t>()[n] = past + n % length;
  }
  const BlockContext context = context_of(batch, length, position);
  at::Tensor x_NC = embed(tokens_BT, position);
  for (size_t i = 0; i < layers_.size(); ++i) {
    x_NC = attention_block_cached(context, layers_[i].attention, x_NC, cache.layers[i]);
    x_NC = mlp_block(context, layers_[i].mlp, x_NC);
  }
  const at::Tensor last =
      x_NC.view({batch, length, config().hidden_size}).select(1, length - 1).contiguous();
  return last_logits(norm(final_norm_.kind, last, final_norm_.weight_C, final_norm_.bias_C, final_norm_.eps,
                          scalar_type(precision())));
}

}  // namespace athanor
