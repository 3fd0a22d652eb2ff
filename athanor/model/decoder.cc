#include "athanor/model/decoder.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/scalar_tensor.h>

#include <algorithm>
#include <string>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/model/rope_scaling.h"
#include "athanor/tensor/autograd.h"
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

LinearGroup Decoder::add_group(const std::vector<std::string>& names, const std::vector<int64_t>& rows,
                               int64_t columns, bool biases) {
  LinearGroup group;
  const std::vector<at::Tensor> weights = adjacent_rows(rows, columns);
  const std::vector<at::Tensor> zeros = biases ? adjacent_parts(rows) : std::vector<at::Tensor>();
  for (size_t i = 0; i < names.size(); ++i) {
    group.weights.push_back(register_parameter(names[i] + ".weight", weights[i], true));
    if (biases) {
      group.biases.push_back(register_parameter(names[i] + ".bias", zeros[i], false));
    }
  }
  return group;
}

namespace {

RopeTable moved(const RopeTable& table, at::Device device) { return {table.cos_PH.to(device), table.sin_PH.to(device)}; }

}  // namespace

void Decoder::grow_rope_tables(int64_t num_positions) {
  if (rotary_ && rope_table_.size() > 0 && rope_table_.cos_PH.device() != tokens_.device()) {
    rope_table_ = {};  // the model has moved
  }
  if (!rotary_ || rope_table_.size() >= num_positions) {
    return;
  }
  const ModelConfig& c = config();
  const int64_t size = std::min(c.max_positions, std::max<int64_t>({num_positions, 2 * rope_table_.size(), 512}));
  rope_table_ = make_rope_table(size, scaled_rope_frequencies(c.head_width(), c.rope_theta, c.rope_scaling),
                                rope_amplitude(c.rope_scaling));
  if (c.sliding_window > 0) {
    local_rope_table_ = family_of(c.family).local_rope ? make_rope_table(size, c.head_width(), c.local_rope_theta)
                                                       : rope_table_;
    local_rope_table_ = moved(local_rope_table_, tokens_.device());
  }
  rope_table_ = moved(rope_table_, tokens_.device());
}

BlockContext Decoder::context_of(int64_t batch, int64_t length, const at::Tensor& position_N, int64_t num_positions) {
  grow_rope_tables(num_positions);
  BlockContext context;
  context.weights = &weights();
  context.batch = batch;
  context.length = length;
  context.position_N = position_N;
  context.rope = rotary_ ? &rope_table_ : nullptr;
  context.local_rope = &local_rope_table_;
  context.local_window = config().sliding_window;
  return context;
}

at::Tensor Decoder::embed(const at::Tensor& tokens_BT, const at::Tensor& position_N) {
  const at::Tensor tokens_N = tokens_BT.contiguous().view({-1});
  tied_gradient() = head_.defined() ? nullptr : std::make_shared<TiedGradient>();
  const at::Tensor x_NC = positions_.defined() ? embedding(tokens_N, tokens_, position_N, positions_, tied_gradient())
                                               : embedding(tokens_N, tokens_, {}, {}, tied_gradient());
  if (embedding_scale_ == 1) {
    return x_NC;
  }
  // transformers rounds the factor to the weights' precision.
  return x_NC.mul(at::scalar_tensor(embedding_scale_).to(scalar_type(precision())).item<double>());
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
                "", "sequence_length=" + std::to_string(config().max_positions) +
                        " or less; a fresh model gets as many positions as sequence_length says");
  }
  BlockContext context = context_of(rows, length, positions_of(batch.document_BT, rows, length), length);
  context.keys = causal_keys(context.position_N, length);
  if (config().sliding_window > 0) {
    context.local_keys = causal_keys(context.position_N, length, config().sliding_window);
  }
  context.dropout = training() ? config().dropout : 0.0;
  context.attention_dropout = training() ? config().attention_dropout : 0.0;

  at::Tensor x_NC = embed(batch.tokens_BT, context.position_N);
  place(context, tokens_.device());
  uint64_t site = 0;
  x_NC = dropout_layer(x_NC, context.dropout, random_at(dropout_seed, site));
  for (const LayerWeights& layer : layers_) {
    const at::Tensor before_NC = x_NC;
    const uint64_t attention_key = random_at(dropout_seed, ++site);
    const uint64_t mlp_key = random_at(dropout_seed, ++site);
    x_NC = layer_blocks(context, layer, attention_key, mlp_key, recompute(), x_NC);
    if (training() && config().stochastic_depth > 0) {
      const double chance = config().stochastic_depth * static_cast<double>(&layer - layers_.data() + 1) /
                            static_cast<double>(layers_.size());
      const at::Tensor keep_N1 = rows_kept(rows, length, chance, mlp_key).to(x_NC.device());
      x_NC = before_NC.add(x_NC.sub(before_NC).mul(keep_N1));
    }
    note_activation("layers." + std::to_string(&layer - layers_.data()), x_NC);
  }
  return apply(final_norm_, x_NC, scalar_type(precision())).view({rows, length, config().hidden_size});
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
  const BlockContext context = context_of(batch, length, position, past + length);
  at::Tensor x_NC = embed(tokens_BT, position);
  for (size_t i = 0; i < layers_.size(); ++i) {
    x_NC = attention_block_cached(context, layers_[i].attention, x_NC, cache.layers[i]);
    x_NC = mlp_block(context, layers_[i].mlp, x_NC);
  }
  const at::Tensor last =
      x_NC.view({batch, length, config().hidden_size}).select(1, length - 1).contiguous();
  return last_logits(apply(final_norm_, last, scalar_type(precision())));
}

}  // namespace athanor
