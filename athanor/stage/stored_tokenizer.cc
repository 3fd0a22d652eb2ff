#include "athanor/stage/stored_tokenizer.h"

#include "athanor/base/file.h"
#include "athanor/model/config.h"
#include "athanor/token/file/hf_folder.h"

namespace athanor {

namespace {

// longest: tokens that the model can take; 0: as the given files say.
void store_json(const StageContext& context, const std::string& tokenizer_json, int64_t longest = 0) {
  token::TokenizerConfig config;
  for (const char* role : {"tokenizer", "model"}) {
    const StageInput* input = context.find(role);
    if (input == nullptr || !config.chat_template.empty()) {
      continue;
    }
    token::TokenizerConfig own = token::TokenizerConfig::load(input->path);
    if (!config.found || !own.chat_template.empty()) {
      config = std::move(own);
    }
  }
  if (longest > 0 && config.model_max_length.value_or(longest) >= longest) {
    config.model_max_length = longest;
  }
  token::write_hf_folder(tokenizer_json, config, context.run.out_tmp());
}

int64_t positions_of_saved_model(const StageContext& context) {
  const fs::path path = context.run.out_tmp() / "config.json";
  return from_hf_config(nlohmann::json::parse(read_file(path)), path.string()).max_positions;
}

}  // namespace

void store_tokenizer(const StageContext& context, const Tokenizer& tokenizer) { store_json(context, tokenizer.to_json()); }

void store_encoder_tokenizer(const StageContext& context, const Tokenizer& tokenizer, const std::string& family, int32_t begin,
                             int32_t separator) {
  auto json = nlohmann::ordered_json::parse(tokenizer.to_json());
  auto& after = json["post_processor"];
  const int64_t longest = positions_of_saved_model(context);
  if (!after.is_null() && after.value("type", "") != "ByteLevel") {
    store_json(context, tokenizer.to_json(), longest);
    return;
  }
  const auto mark = [&](int32_t id) { return nlohmann::ordered_json::array({tokenizer.token_bytes(id), id}); };
  const bool roberta = family == "roberta";
  after = {{"type", roberta ? "RobertaProcessing" : "BertProcessing"}, {"sep", mark(separator)}, {"cls", mark(begin)}};
  if (roberta) {
    after["trim_offsets"] = true;
    after["add_prefix_space"] = false;
  }
  store_json(context, Tokenizer::from_json(json.dump(), "tokenizer.json").to_json(), longest);
}

}  // namespace athanor
