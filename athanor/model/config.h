// What a transformer is: sizes, its HF config.json, and one dial that derives the rest. No LibTorch.
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace athanor {

// How the frequencies of rotary positions are stretched to contexts longer than those first trained on.
struct RopeScaling {
  std::string type = "default";  // "default": not; "linear": all divided by factor; "llama3": the low ones (Llama 3.1);
                                 // "yarn": those that turn seldom (Peng et al. 2023), and attention grows sharper
  double factor = 1;
  double low_freq_factor = 1;      // llama3 only: wavelengths above original_positions / low are divided,
  double high_freq_factor = 4;     // those below original_positions / high stay, those between are blended
  int64_t original_positions = 0;  // llama3 and yarn
  double beta_fast = 32;           // yarn only: turns over original_positions above which a frequency stays,
  double beta_slow = 1;            // and below which it is divided
  double attention_factor = 0;     // yarn only: what queries and keys grow by; 0: 0.1 ln(factor) + 1
};

struct ModelConfig {
  // Decoders: llama, qwen2, qwen3, gemma3, gpt2; rnn, lstm, gru. Encoders: bert, roberta. What each has: family_of().
  std::string family = "llama";
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;       // divides num_heads; equal to it for gpt2, bert and roberta
  int64_t intermediate_size = 0;  // of the feed-forward block
  int64_t max_positions = 0;      // tokens a row can have
  int64_t head_dim = 0;           // 0 = hidden_size / num_heads
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  double norm_eps = 1e-5;
  bool tie_embeddings = false;
  double dropout = 0;            // after the embedding, the attention and the feed-forward block
  double attention_dropout = 0;  // of the attention's probabilities
  double stochastic_depth = 0;   // chance that the last layer is left out for a row, earlier ones in proportion to
                                 // their number (Huang 2016); training only, in no file
  std::string init = "normal";   // normal: N(0, init_std), residual projections / sqrt(2 num_layers) (GPT-2)
                                 // xavier_uniform, xavier_normal (Glorot 2010), kaiming (He 2015, normal, fan-in)
  double init_std = 0.02;
  int64_t bos_id = -1;           // -1 = none
  std::vector<int64_t> eos_ids;  // empty = none

  // gemma3, qwen2, qwen3: every full_every-th layer attends to all before it, the others to the last sliding_window keys
  // only, and in gemma3 with rotary positions of local_rope_theta. gemma3: scores are divided by sqrt(query_scalar)
  // (0 = head width).
  int64_t sliding_window = 0;
  int64_t full_every = 0;
  double local_rope_theta = 10000;
  int64_t query_scalar = 0;

  // Recurrent models, whose tables are as wide as their layers and which have no heads (num_heads 1) and no feed-forward
  // block (intermediate_size = hidden_size). max_positions: what training and evaluation read at once.
  int64_t bptt = 0;  // steps that a gradient goes back at most; 0 = to the start of the text or row. In no file

  // Encoders.
  int64_t type_vocab_size = 2;      // token types: which of two texts
  int64_t pad_id = 0;               // its token; roberta counts positions from pad_id + 1
  std::string head = "none";        // none (pooler only), mlm, pretraining (mlm + next sentence), nsp, classification
  std::vector<std::string> labels;  // classification: the classes' names, in order
  double head_dropout = -1;         // before the classifier; -1 = dropout

  int64_t head_width() const { return head_dim > 0 ? head_dim : hidden_size / num_heads; }
  bool is_local(int64_t layer) const {
    return sliding_window > 0 && full_every > 0 && (layer + 1) % full_every != 0;
  }
};

// What a caller sets in a stored model's configuration before it is made: fields that no weight depends on.
using ConfigChange = std::function<void(ModelConfig&)>;

// What sets the families apart, for all that counts or checks; how each computes is in its own source file.
struct FamilyTraits {
  const char* name;
  const char* what;
  bool encoder;
  bool rotary;      // else learned positions
  bool layer_norm;  // with bias; else RMSNorm
  bool gated;       // feed-forward of gate and up; else of one matrix
  bool biases;      // on every matrix
  bool qkv_biases;  // on q, k, v alone
  bool head_norms;  // RMSNorm of each query and key head
  bool out_norms;   // a second norm after each block
  bool plus_one;    // norms multiply by 1 + weight
  bool windows;     // layers may look at a sliding window
  bool local_rope;  // and then turn by rotary positions of their own
  bool recurrent;   // no attention at all
  bool tied;        // one matrix for tokens and head, where from_depth decides
};
// Error(kInput) with `where` for an unknown name; the message lists those there are.
const FamilyTraits& family_of(const std::string& name, const std::string& where = "");
std::vector<std::string> decoder_families();
std::vector<std::string> encoder_families();

// Error(kInput) when the sizes do not fit together; the message names the field.
void validate(const ModelConfig& config, const std::string& where = "");

// All parameters, a tied head once.
int64_t num_parameters(const ModelConfig& config);
// No more than it has, for any sizes that a file may claim (num_parameters overflows for absurd ones).
double least_parameters(const ModelConfig& config);
// Those that take part in a matrix product: all but pure look-up tables (positions, token types; the token table
// unless tied).
int64_t num_matmul_parameters(const ModelConfig& config);
// Forward and backward, for one token of a sequence of length T: 6 N + 12 L C T, N = num_matmul_parameters, C =
// heads x head width (PaLM's and nanoGPT's count: the causal half is not discounted, recomputation not counted). A
// sliding layer counts min(T, window), a recurrent model none.
double flops_per_token(const ModelConfig& config, int64_t length);

// One dial: width = 64 depth rounded up to whole heads of 64 (depth >= 8: of 128), heads = width / head width, kv
// heads = the largest divisor of heads that is at most heads / 2 (at least 1), intermediate = 8/3 width rounded up
// to 64, layers = depth. gpt2, bert, roberta: as many kv heads as heads, intermediate 4 x width, tied. gemma3: tied,
// windows of half the positions (at most 1024), every 6th layer full. rnn, lstm, gru: 2 layers (1 where depth is) of
// 128 depth. from_depth(6, 8192, 256): 6 layers, 384 wide, 6
// heads, 3 kv heads, intermediate 1024. Throws Error(kUsage) unless 1 <= depth <= 128.
ModelConfig from_depth(int64_t depth, int64_t vocab_size, int64_t max_positions, const std::string& family = "llama");

// What follows from another width, as from_depth derives it (heads of 64); from another number of heads: half as many kv
// heads where the family shares them and the number is even.
void set_width(ModelConfig& config, int64_t hidden_size);
void set_heads(ModelConfig& config, int64_t num_heads);

// HF's config.json (LlamaForCausalLM, Qwen2ForCausalLM, Qwen3ForCausalLM, Gemma3ForCausalLM, GPT2LMHeadModel; Bert and
// Roberta: Model, ForMaskedLM, ForSequenceClassification, and BertForPreTraining, BertForNextSentencePrediction).
// Reading refuses, by name, what this program would compute wrongly (attention_bias, another activation, another
// rope_type ...): Error(kInput) with `where`.
nlohmann::json to_hf_config(const ModelConfig& config);
ModelConfig from_hf_config(const nlohmann::json& json, const std::string& where);

}  // namespace athanor
