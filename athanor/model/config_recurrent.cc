// config.json of recurrent language models: HF has no such family, so the type is our own.
#include "athanor/base/error.h"
#include "athanor/model/config_json.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

constexpr const char* kPrefix = "athanor_";

}  // namespace

ModelConfig read_recurrent(const Json& json, const std::string& where) {
  ModelConfig config;
  config.family = json["model_type"].get<std::string>().substr(std::string(kPrefix).size());
  config.vocab_size = required_int(json, "vocab_size", where);
  config.num_layers = required_int(json, "num_hidden_layers", where);
  set_width(config, required_int(json, "hidden_size", where));
  config.max_positions = required_int(json, "max_position_embeddings", where);
  config.tie_embeddings = flag_or(json, "tie_word_embeddings", false, where);
  config.dropout = number_or(json, "dropout", 0, where);
  return config;
}

Json write_recurrent(const ModelConfig& config) {
  std::string name = config.family;
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return {{"architectures", {"Athanor" + name + "ForCausalLM"}},
          {"model_type", kPrefix + config.family},
          {"hidden_size", config.hidden_size},
          {"num_hidden_layers", config.num_layers},
          {"max_position_embeddings", config.max_positions},
          {"dropout", config.dropout}};
}

}  // namespace athanor
