// What all decoder-only families share: embed, the layers, the final norm. A family's constructor registers its
// parameters under HF's names and fills the layers; see llama.cc and gpt2.cc.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "athanor/model/language_model.h"

namespace athanor {

class Decoder : public LanguageModel {
 public:
  explicit Decoder(const ModelConfig& config);

  at::Tensor hidden(const Batch& batch, uint64_t dropout_seed) override;
  at::Tensor decode_step(const at::Tensor& tokens_BT, KvCache& cache) override;

 protected:
  at::Tensor head_weight() const override { return head_.defined() ? head_ : tokens_; }

  std::vector<LayerWeights> layers_;
  NormWeights final_norm_;
  at::Tensor tokens_;     // [V, C]
  at::Tensor positions_;  // [P, C], learned positions only
  at::Tensor head_;       // [V, C]; undefined when tied to tokens_
  // Matrices that read one input, under HF's names without ".weight", as rows of one block of memory.
  LinearGroup add_group(const std::vector<std::string>& names, const std::vector<int64_t>& rows, int64_t columns,
                        bool biases);

  bool rotary_ = false;
  double embedding_scale_ = 1;

 private:
  // num_positions: one past the last position.
  BlockContext context_of(int64_t batch, int64_t length, const at::Tensor& position_N, int64_t num_positions);
  void grow_rope_tables(int64_t num_positions);
  at::Tensor embed(const at::Tensor& tokens_BT, const at::Tensor& position_N);

  RopeTable rope_table_;  // grow to the longest row seen
  RopeTable local_rope_table_;
};

std::unique_ptr<LanguageModel> make_llama(const ModelConfig& config);  // qwen2 and qwen3 too
std::unique_ptr<LanguageModel> make_gemma3(const ModelConfig& config);
std::unique_ptr<LanguageModel> make_gpt2(const ModelConfig& config);

// The position of each token inside its document (or row), int64 [B*T]. document_BT may be undefined.
at::Tensor positions_of(const at::Tensor& document_BT, int64_t batch, int64_t length);

}  // namespace athanor
