// config.json of BERT and RoBERTa. The head is in `architectures`.
#include "athanor/base/error.h"
#include "athanor/model/config_json.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

struct Head {
  const char* name;
  const char* architecture;  // after "Bert" or "Roberta"
};
constexpr Head kHeads[] = {{"none", "Model"},
                           {"mlm", "ForMaskedLM"},
                           {"pretraining", "ForPreTraining"},
                           {"nsp", "ForNextSentencePrediction"},
                           {"classification", "ForSequenceClassification"}};

std::string prefix_of(const std::string& family) { return family == "bert" ? "Bert" : "Roberta"; }

std::string head_of(const Json& json, const std::string& family, const std::string& where) {
  const auto it = json.find("architectures");
  if (it == json.end() || !it->is_array() || it->empty() || !(*it)[0].is_string()) {
    return "none";
  }
  const auto architecture = (*it)[0].get<std::string>();
  for (const Head& head : kHeads) {
    if (architecture == prefix_of(family) + head.architecture) {
      return head.name;
    }
  }
  refuse_config("the architecture " + architecture + " is not supported", where);
}

// {"0": "name", ...}, whole and in order; LABEL_i where there is none.
std::vector<std::string> labels_of(const Json& json, const std::string& where) {
  std::vector<std::string> labels;
  const auto it = json.find("id2label");
  if (it == json.end() || it->is_null()) {
    const int64_t count = int_or(json, "num_labels", 2, where);
    if (count < 1 || count > 1'000'000) {
      throw Error(ErrorKind::kInput, "'num_labels' in the model's configuration is out of range", where);
    }
    for (int64_t i = 0; i < count; ++i) {
      labels.push_back("LABEL_" + std::to_string(i));
    }
    return labels;
  }
  if (!it->is_object()) {
    throw Error(ErrorKind::kInput, "'id2label' in the model's configuration is not an object", where);
  }
  for (size_t i = 0; i < it->size(); ++i) {
    const auto label = it->find(std::to_string(i));
    if (label == it->end() || !label->is_string()) {
      throw Error(ErrorKind::kInput, "'id2label' in the model's configuration does not name class " + std::to_string(i),
                  where);
    }
    labels.push_back(label->get<std::string>());
  }
  return labels;
}

}  // namespace

ModelConfig read_encoder(const Json& json, const std::string& where) {
  ModelConfig config;
  config.family = json["model_type"].get<std::string>();
  config.vocab_size = required_int(json, "vocab_size", where);
  config.hidden_size = required_int(json, "hidden_size", where);
  config.num_layers = required_int(json, "num_hidden_layers", where);
  config.num_heads = required_int(json, "num_attention_heads", where);
  config.num_kv_heads = config.num_heads;
  config.intermediate_size = required_int(json, "intermediate_size", where);
  config.type_vocab_size = int_or(json, "type_vocab_size", 2, where);
  config.pad_id = int_or(json, "pad_token_id", config.family == "roberta" ? 1 : 0, where);
  const int64_t table = int_or(json, "max_position_embeddings", 512, where);
  for (const int64_t size : {config.pad_id, table}) {
    if (size < 0 || size >= (int64_t{1} << 31)) {
      throw Error(ErrorKind::kInput, "pad_token_id or max_position_embeddings is out of range", where);
    }
  }
  config.max_positions = config.family == "roberta" ? table - config.pad_id - 1 : table;
  config.norm_eps = number_or(json, "layer_norm_eps", 1e-12, where);
  config.dropout = number_or(json, "hidden_dropout_prob", 0.1, where);
  config.attention_dropout = number_or(json, "attention_probs_dropout_prob", 0.1, where);
  config.head_dropout = number_or(json, "classifier_dropout", -1, where);
  config.tie_embeddings = flag_or(json, "tie_word_embeddings", true, where);
  config.head = head_of(json, config.family, where);
  if (config.head == "classification") {
    config.labels = labels_of(json, where);
    // Several labels at once (a sigmoid each) and several numbers at once would be read as one class of many.
    want_text(json, "problem_type",
              config.labels.size() == 1 ? std::vector<std::string>{"regression", "single_label_classification"}
                                        : std::vector<std::string>{"single_label_classification"},
              where);
  }
  want_text(json, "hidden_act", {"gelu"}, where);
  want_text(json, "position_embedding_type", {"absolute"}, where);
  want_false(json, "is_decoder", where);
  want_false(json, "add_cross_attention", where);
  return config;
}

Json write_encoder(const ModelConfig& c) {
  std::string architecture;
  for (const Head& head : kHeads) {
    architecture = c.head == head.name ? prefix_of(c.family) + head.architecture : architecture;
  }
  Json json = {{"architectures", {architecture}},
               {"model_type", c.family},
               {"hidden_size", c.hidden_size},
               {"num_hidden_layers", c.num_layers},
               {"num_attention_heads", c.num_heads},
               {"intermediate_size", c.intermediate_size},
               {"type_vocab_size", c.type_vocab_size},
               {"pad_token_id", c.pad_id},
               {"max_position_embeddings", c.family == "roberta" ? c.max_positions + c.pad_id + 1 : c.max_positions},
               {"layer_norm_eps", c.norm_eps},
               {"hidden_dropout_prob", c.dropout},
               {"attention_probs_dropout_prob", c.attention_dropout},
               {"classifier_dropout", c.head_dropout < 0 ? Json() : Json(c.head_dropout)},
               {"hidden_act", "gelu"}};
  if (c.head == "classification") {
    json["problem_type"] = c.labels.size() == 1 ? "regression" : "single_label_classification";
    for (size_t i = 0; i < c.labels.size(); ++i) {
      json["id2label"][std::to_string(i)] = c.labels[i];
      json["label2id"][c.labels[i]] = i;
    }
  }
  return json;
}

}  // namespace athanor
