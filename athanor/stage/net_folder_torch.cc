#include "athanor/base/error.h"
#include "athanor/stage/masked_vocabulary.h"
#include "athanor/stage/net_folder.h"

namespace athanor {

namespace {

constexpr uint64_t kMaxConfigBytes = uint64_t{256} << 20;

NetFolder open_encoder(const fs::path& folder, const nlohmann::json& json, const std::string& where) {
  NetFolder made;
  made.folder = folder;
  made.config = encoder_net_config(json, where);
  made.tokenizer = std::make_unique<Tokenizer>(Tokenizer::load(folder));
  if (made.tokenizer->vocab_size() > made.config.shape.vocab_size) {
    throw Error(ErrorKind::kInput,
                "the model has a vocabulary of " + std::to_string(made.config.shape.vocab_size) +
                    ", the tokenizer beside it of " + std::to_string(made.tokenizer->vocab_size()),
                folder.string());
  }
  made.inputs = encoder_inputs(encoder_input_options(made.config.inputs, made.config.options.family, where),
                               made.tokenizer.get());
  return made;
}

}  // namespace

EncoderMarks encoder_marks(const Tokenizer& tokenizer) {
  const MaskedVocabulary vocabulary = masked_vocabulary(tokenizer);
  return {vocabulary.begin, vocabulary.separator};
}

std::unique_ptr<Inputs> encoder_inputs(const EncoderInputOptions& options, const Tokenizer* tokenizer) {
  return make_encoder_inputs(options, tokenizer, tokenizer != nullptr ? encoder_marks(*tokenizer) : EncoderMarks{});
}

NetFolder NetFolder::open(const fs::path& folder) {
  const fs::path path = folder / "config.json";
  if (!is_net_folder(folder) && !is_encoder_folder(folder)) {
    throw Error(ErrorKind::kInput, "holds no network that finetune made", folder.string());
  }
  if (is_encoder_folder(folder)) {
    return open_encoder(folder, nlohmann::json::parse(read_file(path, kMaxConfigBytes)), path.string());
  }
  NetFolder made;
  made.folder = folder;
  made.config = net_config_of(nlohmann::json::parse(read_file(path, kMaxConfigBytes)), path.string());
  if (made.config.inputs.value("kind", "") == "text") {
    made.tokenizer = std::make_unique<Tokenizer>(Tokenizer::load(folder));
  }
  made.inputs = load_inputs(made.config.inputs, made.tokenizer.get(), path.string());
  made.config.shape = made.inputs->shape();
  return made;
}

}  // namespace athanor
