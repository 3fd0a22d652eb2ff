#include "athanor/model/encoder.h"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/model/decoder.h"
#include "athanor/model/init.h"
#include "athanor/tensor/embedding.h"

namespace athanor {
namespace {

// The place of each token in the position table, [B*T].
at::Tensor table_positions(const ModelConfig& config, const EncoderBatch& batch, const at::Tensor& position_N) {
  if (config.family == "bert") {
    return position_N;
  }
  at::Tensor place_N = position_N.add(config.pad_id + 1);
  if (!batch.length_B.defined()) {
    return place_N;
  }
  const int64_t length = batch.tokens_BT.size(1);
  int64_t* place = place_N.mutable_data_ptr<int64_t>();
  const int64_t* count = batch.length_B.const_data_ptr<int64_t>();
  for (int64_t b = 0; b < batch.length_B.numel(); ++b) {
    std::fill(place + b * length + count[b], place + (b + 1) * length, config.pad_id);
  }
  return place_N;
}

void check_batch(const ModelConfig& config, const EncoderBatch& batch) {
  const int64_t rows = batch.tokens_BT.size(0);
  const int64_t length = batch.tokens_BT.size(1);
  if (length > config.max_positions) {
    throw Error(ErrorKind::kInput,
                "a row of " + std::to_string(length) + " tokens is longer than the model's " +
                    std::to_string(config.max_positions) + " positions",
                "", "sequence_length=" + std::to_string(config.max_positions) +
                        " or less; a fresh model gets as many positions as sequence_length says");
  }
  if (!batch.length_B.defined()) {
    return;
  }
  const at::Tensor& counts = batch.length_B;
  bool good = counts.numel() == rows && counts.scalar_type() == at::kLong && !batch.document_BT.defined();
  for (int64_t b = 0; good && b < rows; ++b) {
    good = counts.const_data_ptr<int64_t>()[b] >= 1 && counts.const_data_ptr<int64_t>()[b] <= length;
  }
  if (!good) {
    throw Error(ErrorKind::kInput, "the rows' lengths are not each between 1 and " + std::to_string(length));
  }
}

}  // namespace

EncoderModel::EncoderModel(const ModelConfig& config) : config_(config) {
  const ModelConfig& c = config_;
  const bool bare = c.head == "none";
  const std::string base = bare ? "" : c.family + ".";
  const bool has_table_product = c.head == "mlm" || c.head == "pretraining";
  const int64_t offset = c.family == "roberta" ? c.pad_id + 1 : 0;
  const auto add_table = [&](const char* name, int64_t rows, bool decay) {
    return register_parameter(base + "embeddings." + name + "_embeddings.weight", at::zeros({rows, c.hidden_size}),
                              decay);
  };
  tokens_VC_ = add_table("word", c.vocab_size, has_table_product && c.tie_embeddings);
  positions_PC_ = add_table("position", c.max_positions + offset, false);
  types_KC_ = add_table("token_type", c.type_vocab_size, false);
  embedding_norm_ = add_norm(base + "embeddings.LayerNorm");
  for (int64_t i = 0; i < c.num_layers; ++i) {
    add_layer(base + "encoder.layer." + std::to_string(i) + ".");
  }
  if (c.family == "bert" ? c.head != "mlm" : bare) {
    pooler_ = add_linear({base + "pooler.dense"}, c.hidden_size, c.hidden_size);
  }
  add_head();
}

void EncoderModel::add_layer(const std::string& prefix) {
  const ModelConfig& c = config_;
  const std::string attention = prefix + "attention.";
  LayerWeights layer;
  layer.attention.qkv = add_linear({attention + "self.query", attention + "self.key", attention + "self.value"},
                                   c.hidden_size, c.hidden_size);
  layer.attention.out = add_linear({attention + "output.dense"}, c.hidden_size, c.hidden_size);
  layer.attention.norms.sum = add_norm(attention + "output.LayerNorm");
  layer.attention.num_heads = c.num_heads;
  layer.attention.num_kv_heads = c.num_heads;
  layer.attention.head_dim = c.head_width();
  layer.mlp.in = add_linear({prefix + "intermediate.dense"}, c.intermediate_size, c.hidden_size);
  layer.mlp.out = add_linear({prefix + "output.dense"}, c.hidden_size, c.intermediate_size);
  layer.mlp.norms.sum = add_norm(prefix + "output.LayerNorm");
  layer.mlp.activation = Activation::kGelu;
  layers_.push_back(layer);
}

void EncoderModel::add_head() {
  const ModelConfig& c = config_;
  const bool bert = c.family == "bert";
  if (c.head == "mlm" || c.head == "pretraining") {
    const std::string head = bert ? "cls.predictions." : "lm_head.";
    head_bias_V_ = register_parameter(head + "bias", at::zeros({c.vocab_size}), false);
    head_dense_ = add_linear({head + (bert ? "transform.dense" : "dense")}, c.hidden_size, c.hidden_size);
    head_norm_ = add_norm(head + (bert ? "transform.LayerNorm" : "layer_norm"));
    head_table_VC_ = c.tie_embeddings ? tokens_VC_
                                      : register_parameter(head + "decoder.weight",
                                                           at::zeros({c.vocab_size, c.hidden_size}), true);
  }
  if (c.head == "nsp" || c.head == "pretraining") {
    pair_ = add_linear({"cls.seq_relationship"}, 2, c.hidden_size);
  }
  if (c.head == "classification") {
    if (!bert) {
      classifier_dense_ = add_linear({"classifier.dense"}, c.hidden_size, c.hidden_size);
    }
    classifier_ = add_linear({bert ? "classifier" : "classifier.out_proj"}, static_cast<int64_t>(c.labels.size()),
                             c.hidden_size);
  }
}

NormWeights EncoderModel::add_norm(const std::string& name) {
  const at::Tensor weight = register_parameter(name + ".weight", at::ones({config_.hidden_size}), false);
  const at::Tensor bias = register_parameter(name + ".bias", at::zeros({config_.hidden_size}), false);
  return {Norm::kLayer, weight, bias, config_.norm_eps};
}

LinearGroup EncoderModel::add_linear(const std::vector<std::string>& names, int64_t rows_each, int64_t columns) {
  const std::vector<int64_t> rows(names.size(), rows_each);
  const std::vector<at::Tensor> weights = adjacent_rows(rows, columns);
  const std::vector<at::Tensor> biases = adjacent_parts(rows);
  LinearGroup group;
  for (size_t i = 0; i < names.size(); ++i) {
    group.weights.push_back(register_parameter(names[i] + ".weight", weights[i], true));
    group.biases.push_back(register_parameter(names[i] + ".bias", biases[i], false));
  }
  return group;
}

at::Tensor EncoderModel::embed(const EncoderBatch& batch, const at::Tensor& position_N) {
  const at::Tensor tokens_N = batch.tokens_BT.contiguous().view({-1});
  const at::Tensor types_N = batch.types_BT.defined() ? batch.types_BT.contiguous().view({-1})
                                                      : at::zeros({tokens_N.numel()}, tokens_N.options());
  const at::Tensor x_NC =
      at::add(embedding(tokens_N, tokens_VC_, table_positions(config_, batch, position_N), positions_PC_),
              embedding(types_N, types_KC_));
  return apply(embedding_norm_, x_NC, at::kFloat);
}

EncoderOutput EncoderModel::encode(const EncoderBatch& batch, uint64_t dropout_seed) {
  check_batch(config_, batch);
  const int64_t rows = batch.tokens_BT.size(0);
  const int64_t length = batch.tokens_BT.size(1);
  BlockContext context;
  context.weights = &weights_;
  context.batch = rows;
  context.length = length;
  context.position_N = positions_of(batch.document_BT, rows, length);
  context.keys =
      batch.length_B.defined() ? row_keys(batch.length_B, length) : document_keys(context.position_N, length);
  context.dropout = training() ? config_.dropout : 0.0;
  context.attention_dropout = training() ? config_.attention_dropout : 0.0;
  uint64_t site = 0;
  at::Tensor x_NC = dropout_layer(embed(batch, context.position_N), context.dropout, random_at(dropout_seed, site));
  place(context, tokens_VC_.device(), batch.length_B.defined());
  for (const LayerWeights& layer : layers_) {
    const uint64_t attention_key = random_at(dropout_seed, ++site);
    const uint64_t mlp_key = random_at(dropout_seed, ++site);
    x_NC = layer_blocks(context, layer, attention_key, mlp_key, recompute_, x_NC);
    note_activation("layers." + std::to_string(&layer - layers_.data()), x_NC);
  }
  EncoderOutput output;
  output.hidden_BTC = x_NC.view({rows, length, config_.hidden_size});
  if (!pooler_.weights.empty()) {
    const at::Tensor first_BC = output.hidden_BTC.select(1, 0).contiguous();
    output.pooled_BC = linear_layer(weights_, pooler_, first_BC).to(at::kFloat).tanh();
  }
  return output;
}

std::unique_ptr<EncoderModel> make_encoder(const ModelConfig& config, uint64_t seed) {
  validate(config);
  if (!family_of(config.family).encoder) {
    throw Error(ErrorKind::kInput, "family '" + config.family + "' is not an encoder", "", "take bert or roberta");
  }
  auto model = std::make_unique<EncoderModel>(config);
  initialise(*model, config, seed);
  return model;
}

}  // namespace athanor
