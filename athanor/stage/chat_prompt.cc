#include "athanor/stage/chat_prompt.h"

#include <ctime>
#include <map>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/file/tokenizer_config.h"

namespace athanor {

namespace {

std::optional<chat::ChatTemplate> find_template(const fs::path& folder) {
  const auto config = token::TokenizerConfig::load(folder);
  if (config.chat_template.empty()) {
    return std::nullopt;
  }
  std::map<std::string, std::string> special_tokens;
  const std::pair<const char*, const std::string&> named[] = {
      {"bos_token", config.bos_token}, {"eos_token", config.eos_token}, {"unk_token", config.unk_token},
      {"pad_token", config.pad_token}, {"sep_token", config.sep_token}, {"cls_token", config.cls_token},
      {"mask_token", config.mask_token}};
  for (const auto& [name, token] : named) {
    if (!token.empty()) {
      special_tokens[name] = token;
    }
  }
  return chat::ChatTemplate::from_jinja(config.chat_template, (folder / "chat_template").string(), special_tokens);
}

}  // namespace

ChatPrompt::ChatPrompt(const fs::path& folder, const Tokenizer& tokenizer, const std::string& system)
    : tokenizer_(&tokenizer), start_(start_token(folder)), template_(find_template(folder)) {
  if (system.empty()) {
    return;
  }
  if (!template_) {
    throw Error(ErrorKind::kUsage, "the model has no chat template: a system message has no place", folder.string(),
                "leave system= out, or put a chat_template.jinja beside the weights");
  }
  messages_.push_back({{"role", "system"}, {"content", system}});
}

std::vector<int32_t> ChatPrompt::ask(const std::string& line) {
  if (!template_) {
    return continuation_ids(*tokenizer_, start_, line);
  }
  messages_.push_back({{"role", "user"}, {"content", repair_utf8(line)}});
  const std::time_t now = std::time(nullptr);
  chat::Request request{.messages = messages_, .add_generation_prompt = true};
  request.now = *std::localtime(&now);
  const chat::Rendered rendered = template_->render(request);
  std::vector<TextSpan> data;
  for (const chat::Span& span : rendered.data) {
    data.push_back({static_cast<uint32_t>(span.begin), static_cast<uint32_t>(span.end)});
  }
  EncodeOptions options;
  options.add_special_tokens = false;  // the template wrote them
  options.truncate = false;
  options.pad = false;
  options.data = data;
  return tokenizer_->encode_full(rendered.text, options).ids;
}

void ChatPrompt::answered(const std::string& text) {
  if (template_) {
    messages_.push_back({{"role", "assistant"}, {"content", text}});
  }
}

std::vector<int32_t> continuation_ids(const Tokenizer& tokenizer, int32_t start, const std::string& text) {
  std::vector<int32_t> plain;
  tokenizer.encode(text, plain);
  EncodeOptions options;
  options.added_tokens = AddedTokens::kOrdinary;
  options.truncate = false;
  options.pad = false;
  std::vector<int32_t> ids = tokenizer.encode_full(text, options).ids;
  const int32_t first = text.empty() && start < 0 ? tokenizer.end_of_text() : start;
  if (ids == plain && first >= 0 && first < tokenizer.vocab_size()) {
    ids.insert(ids.begin(), first);
  }
  if (ids.empty()) {
    throw Error(ErrorKind::kUsage, "the prompt is empty and the tokenizer has no token that begins a document");
  }
  return ids;
}

int32_t start_token(const fs::path& folder) {
  const fs::path path = folder / "config.json";
  std::error_code code;
  if (!fs::exists(path, code) || !token::TokenizerConfig::load(folder).add_bos_token.value_or(true)) {
    return -1;
  }
  const auto config = nlohmann::json::parse(read_file(path), nullptr, false);
  const auto id = config.is_object() ? config.find("bos_token_id") : config.end();
  return id != config.end() && id->is_number_integer() ? id->get<int32_t>() : -1;
}

}  // namespace athanor
