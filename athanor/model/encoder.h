// BERT (Devlin et al. 2019) and RoBERTa (Liu et al. 2019): text to features, with the head that config.head names, and
// their HF folders. B rows, T tokens, C features, V vocabulary.
//
//   auto model = make_encoder(config, /*seed=*/1);             // config.head = "classification", config.labels = {...}
//   model->begin_step();
//   const EncoderOutput out = model->encode(batch, step_seed);
//   at::Tensor scores = model->class_logits(out, step_seed);   // [B, labels]
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/model/config.h"
#include "athanor/model/nn/blocks.h"
#include "athanor/model/nn/module.h"
#include "athanor/tensor/dtype.h"

namespace athanor {

struct EncoderBatch {
  at::Tensor tokens_BT;    // int64, in [0, vocab_size)
  at::Tensor types_BT;     // int64, which of two texts a token belongs to; undefined = all 0
  at::Tensor length_B;     // int64, tokens of a row that are not padding, at its front; undefined = all
  at::Tensor document_BT;  // int32, for packed rows in place of lengths: index of the document inside the row, never
                           // decreasing. Each sees itself alone and counts positions from its start
};

struct EncoderOutput {
  at::Tensor hidden_BTC;  // fp32; rows of padding hold numbers that mean nothing
  at::Tensor pooled_BC;   // fp32, tanh(W first token's features); undefined where the head has no pooler
};

class EncoderModel : public Module {
 public:
  explicit EncoderModel(const ModelConfig& config);
  const ModelConfig& config() const { return config_; }

  // As in LanguageModel: parameters stay fp32, products and what the gradient keeps are in this precision.
  void set_precision(Precision precision) { weights_.set_precision(precision); }
  Precision precision() const { return weights_.precision(); }
  void begin_step() { weights_.clear(); }
  void set_recompute(Recompute recompute) { recompute_ = recompute; }

  // Recorded by autograd. dropout_seed names this call's masks, used in training mode only. Error(kInput) for rows
  // longer than max_positions, lengths outside 1..T and ids outside their tables.
  EncoderOutput encode(const EncoderBatch& batch, uint64_t dropout_seed);

  // Heads "mlm" and "pretraining". Logits of every token, fp32 [B, T, V]; and the sum over the targets that are not -1 of
  // the cross-entropy in nats, which computes the head for those tokens alone.
  at::Tensor token_logits(const at::Tensor& hidden_BTC);
  at::Tensor masked_loss_sum(const at::Tensor& hidden_BTC, const at::Tensor& target_BT, double label_smoothing = 0);

  // Heads "nsp" and "pretraining": [B, 2] fp32; class 0 = the second text follows the first, as in HF.
  at::Tensor pair_logits(const EncoderOutput& output);

  // Head "classification": [B, labels] fp32. dropout_seed: that of encode.
  at::Tensor class_logits(const EncoderOutput& output, uint64_t dropout_seed);
  // From now on the classifier gives scale x what it gave + shift: a regression's answers in other units.
  void scale_answers(double scale, double shift);

 private:
  void add_layer(const std::string& prefix);
  void add_head();
  void need_head(bool there, const char* what) const;
  NormWeights add_norm(const std::string& name);
  LinearGroup add_linear(const std::vector<std::string>& names, int64_t rows_each, int64_t columns);
  at::Tensor embed(const EncoderBatch& batch, const at::Tensor& position_N);
  at::Tensor transform(const at::Tensor& x_NC);  // the masked-LM head before the product with the token table

  ModelConfig config_;
  WeightCache weights_;
  Recompute recompute_ = Recompute::kNone;
  at::Tensor tokens_VC_;
  at::Tensor positions_PC_;
  at::Tensor types_KC_;
  NormWeights embedding_norm_;
  std::vector<LayerWeights> layers_;
  LinearGroup pooler_;  // without weights where there is none; so with all below
  LinearGroup head_dense_;
  NormWeights head_norm_;
  at::Tensor head_table_VC_;  // tied to tokens_VC_, or its own
  at::Tensor head_bias_V_;
  LinearGroup pair_;
  LinearGroup classifier_dense_;  // RoBERTa's, in place of a pooler
  LinearGroup classifier_;
};

// A new model, initialised as config.init says.
std::unique_ptr<EncoderModel> make_encoder(const ModelConfig& config, uint64_t seed);

// An HF folder; the head is the one that config.json's architecture names. Errors: see load_weights.
std::unique_ptr<EncoderModel> load_encoder(const fs::path& folder);
// The same body under another head, which is new (initialised from seed) where the folder has no weights for it.
std::unique_ptr<EncoderModel> load_encoder(const fs::path& folder, const std::string& head, const std::vector<std::string>& labels,
                                           uint64_t seed, const ConfigChange& change = {});

// config.json and model.safetensors as transformers writes them.
void save_encoder(const EncoderModel& model, const fs::path& folder, Precision precision = Precision::kFp32);

}  // namespace athanor
