// What sizes a model may have, and how many parameters they make.
#include <algorithm>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/model/config.h"

namespace athanor {
namespace {

struct Check {
  const std::string& where;
  void operator()(bool good, const std::string& what) const {
    if (!good) {
      throw Error(ErrorKind::kInput, what, where);
    }
  }
};

void validate_encoder(const ModelConfig& c, const Check& need) {
  const std::vector<std::string> heads = {"none", "mlm", "pretraining", "nsp", "classification"};
  need(std::find(heads.begin(), heads.end(), c.head) != heads.end(),
       "head '" + c.head + "' is not one of none, mlm, pretraining, nsp, classification");
  need(c.family == "bert" || (c.head != "nsp" && c.head != "pretraining"), "roberta has no next-sentence head");
  need(c.head != "classification" || c.labels.size() >= 1, "a classification head needs labels");
  need(c.type_vocab_size >= 1 && c.type_vocab_size < 1024, "type_vocab_size is out of range");
  need(c.pad_id >= 0 && c.pad_id < (int64_t{1} << 31), "pad_id is out of range");
  need(c.head_dropout < 1, "head_dropout must be below 1");
}

void validate_rotary(const ModelConfig& c, const Check& need) {
  need(c.head_width() % 2 == 0, "the head width is odd: rotary positions need pairs");
  need(c.rope_theta > 0 && c.local_rope_theta > 0, "rope_theta and local_rope_theta must be positive");
  const RopeScaling& r = c.rope_scaling;
  need(r.type == "default" || r.type == "linear" || r.type == "llama3" || r.type == "yarn",
       "rope_type '" + r.type + "' is not one of default, linear, llama3, yarn");
  need(r.type == "default" || r.factor >= 1, "the factor of rope_scaling must be at least 1");
  need(r.type != "llama3" || (r.original_positions > 0 && r.low_freq_factor > 0 &&
                              r.high_freq_factor > r.low_freq_factor),
       "rope_scaling of type llama3 needs original_max_position_embeddings, and 0 < low_freq_factor < "
       "high_freq_factor");
  need(r.type != "yarn" || (r.original_positions > 0 && r.beta_slow > 0 && r.beta_fast > r.beta_slow && r.attention_factor >= 0),
       "rope_scaling of type yarn needs original_max_position_embeddings, 0 < beta_slow < beta_fast and an attention_factor "
       "that is not negative");
}

// Of all layers: matrices, their biases, norms; with the final norm.
int64_t layer_parameters(const ModelConfig& c, const FamilyTraits& f) {
  if (f.recurrent) {
    const int64_t gates = c.family == "lstm" ? 4 : c.family == "gru" ? 3 : 1;
    return c.num_layers * gates * (2 * c.hidden_size * c.hidden_size + 2 * c.hidden_size);
  }
  const int64_t width = c.hidden_size;
  const int64_t inner = c.intermediate_size;
  const int64_t query = c.num_heads * c.head_width();
  const int64_t qkv = query + 2 * c.num_kv_heads * c.head_width();
  const int64_t in = f.gated ? 2 * inner : inner;
  const int64_t norm = f.layer_norm ? 2 * width : width;
  int64_t layer = width * qkv + query * width + width * in + inner * width;
  layer += f.qkv_biases ? qkv : 0;
  layer += f.biases ? width + in + width : 0;
  layer += f.head_norms ? 2 * c.head_width() : 0;
  layer += (f.out_norms ? 4 : 2) * norm;
  return c.num_layers * layer;
}

int64_t encoder_head_parameters(const ModelConfig& c) {
  const int64_t width = c.hidden_size;
  const int64_t square = width * width + width;
  const auto labels = static_cast<int64_t>(c.labels.size());
  const bool pooler = c.family == "bert" ? c.head != "mlm" : c.head == "none";
  int64_t count = pooler ? square : 0;
  if (c.head == "mlm" || c.head == "pretraining") {
    count += square + 2 * width + c.vocab_size + c.vocab_size * width;  // the tied table is a product here
  }
  count += c.head == "nsp" || c.head == "pretraining" ? 2 * width + 2 : 0;
  if (c.head == "classification") {
    count += labels * width + labels + (c.family == "roberta" ? square : 0);
  }
  return count;
}

bool has_table_product(const ModelConfig& c) {  // the token table is (or would be, untied) the head of a product
  return !family_of(c.family).encoder || c.head == "mlm" || c.head == "pretraining";
}

}  // namespace

void validate(const ModelConfig& c, const std::string& where) {
  const Check need{where};
  const FamilyTraits& traits = family_of(c.family, where);
  constexpr int64_t kMost = int64_t{1} << 31;
  const std::pair<const char*, int64_t> sizes[] = {{"vocab_size", c.vocab_size},     {"hidden_size", c.hidden_size},
                                                   {"num_layers", c.num_layers},     {"num_heads", c.num_heads},
                                                   {"num_kv_heads", c.num_kv_heads}, {"max_positions", c.max_positions},
                                                   {"intermediate_size", c.intermediate_size}};
  for (const auto& [name, value] : sizes) {
    need(value >= 1 && value < kMost, std::string(name) + " = " + std::to_string(value) + " is out of range");
  }
  need(c.head_dim >= 0 && c.head_dim < 65536, "head_dim = " + std::to_string(c.head_dim) + " is out of range");
  need(c.num_heads % c.num_kv_heads == 0, "num_kv_heads does not divide num_heads");
  need(c.head_dim > 0 || c.hidden_size % c.num_heads == 0, "num_heads does not divide hidden_size");
  need(traits.rotary || (c.num_kv_heads == c.num_heads && c.head_width() * c.num_heads == c.hidden_size),
       c.family + " has as many kv heads as heads, and heads that fill hidden_size");
  need(c.dropout >= 0 && c.dropout < 1, "dropout must be in [0, 1)");
  need(c.attention_dropout >= 0 && c.attention_dropout < 1, "attention_dropout must be in [0, 1)");
  need(traits.windows || c.sliding_window == 0,
       "sliding_window = " + std::to_string(c.sliding_window) + ": " + c.family +
           " looks at all before it; qwen2, qwen3 and gemma3 have windows");
  need(c.full_every == 0 || c.sliding_window > 0,
       "full_every = " + std::to_string(c.full_every) + " and sliding_window = 0: no layer has a window");
  need(traits.rotary || c.rope_scaling.type == "default",
       "rope_scaling " + c.rope_scaling.type + ": " + c.family + " has no rotary positions");
  need(c.norm_eps > 0 && c.init_std > 0, "norm_eps and init_std must be positive");
  need(c.sliding_window >= 0 && c.full_every >= 0 && c.query_scalar >= 0,
       "sliding_window, full_every and query_scalar must not be negative");
  if (traits.rotary) {
    validate_rotary(c, need);
  }
  if (traits.encoder) {
    validate_encoder(c, need);
  }
  need(!traits.recurrent || (c.num_heads == 1 && c.intermediate_size == c.hidden_size && c.head_dim == 0),
       c.family + " has no attention heads and no feed-forward block: num_heads, intermediate_size and head_dim say nothing");
  need(!traits.recurrent || c.stochastic_depth == 0, "stochastic_depth leaves out residual layers; " + c.family + " has none");
  need(c.bptt >= 0 && (traits.recurrent || c.bptt == 0), "bptt is for rnn, lstm and gru");
  const std::vector<std::string> inits = {"normal", "xavier_uniform", "xavier_normal", "kaiming"};
  need(std::find(inits.begin(), inits.end(), c.init) != inits.end(),
       "init '" + c.init + "' is not one of normal, xavier_uniform, xavier_normal, kaiming");
}

int64_t num_matmul_parameters(const ModelConfig& c) {
  const FamilyTraits& traits = family_of(c.family);
  const int64_t norm = traits.recurrent ? 0 : traits.layer_norm ? 2 * c.hidden_size : c.hidden_size;  // the last, or the embedding's
  const int64_t head = traits.encoder ? encoder_head_parameters(c) : c.vocab_size * c.hidden_size;
  return layer_parameters(c, traits) + norm + head;
}

int64_t num_parameters(const ModelConfig& c) {
  const FamilyTraits& traits = family_of(c.family);
  const int64_t table = c.vocab_size * c.hidden_size;
  const int64_t offset = c.family == "roberta" ? c.pad_id + 1 : 0;
  int64_t lookups = traits.rotary || traits.recurrent ? 0 : (c.max_positions + offset) * c.hidden_size;
  lookups += traits.encoder ? c.type_vocab_size * c.hidden_size : 0;
  return num_matmul_parameters(c) + lookups + (has_table_product(c) && c.tie_embeddings ? 0 : table);
}

double least_parameters(const ModelConfig& c) {
  const FamilyTraits& traits = family_of(c.family);
  const auto width = static_cast<double>(c.hidden_size);
  const double layer = traits.recurrent ? width : static_cast<double>(c.num_heads) * static_cast<double>(c.head_width()) +
                                                      static_cast<double>(c.intermediate_size);
  const double rows = static_cast<double>(c.vocab_size) +
                      (traits.rotary || traits.recurrent ? 0.0 : static_cast<double>(c.max_positions));
  return width * (static_cast<double>(c.num_layers) * layer + rows);
}

}  // namespace athanor
