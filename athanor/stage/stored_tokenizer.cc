#include "athanor/stage/stored_tokenizer.h"

#include "athanor/token/file/hf_folder.h"

namespace athanor {

void store_tokenizer(const StageContext& context, const Tokenizer& tokenizer) {
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
  token::write_hf_folder(tokenizer.to_json(), config, context.run.out_tmp());
}

}  // namespace athanor
