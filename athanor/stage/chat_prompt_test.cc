#include "athanor/stage/chat_prompt.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "athanor/base/error.h"

namespace athanor {
namespace {

class ChatPrompts : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "athanor-chat-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path folder_;
  Tokenizer tokenizer_ = Tokenizer::bytes({"<|endoftext|>", "<|im_start|>", "<|im_end|>"});
};

TEST_F(ChatPrompts, WithoutATemplateALineIsContinued) {
  ChatPrompt prompt(folder_, tokenizer_, "");
  EXPECT_FALSE(prompt.has_template());
  EXPECT_EQ(prompt.ask("ab"), (std::vector<int32_t>{'a', 'b'})) << "no bos is named";
  EXPECT_THROW(ChatPrompt(folder_, tokenizer_, "be brief"), Error);
  write_file_atomic(folder_ / "config.json", R"({"model_type": "llama", "bos_token_id": 256})");
  EXPECT_EQ(ChatPrompt(folder_, tokenizer_, "").ask("ab"), (std::vector<int32_t>{256, 'a', 'b'}));
}

TEST_F(ChatPrompts, WhatStandsBeforeAPromptIsWhatTheFolderNames) {
  EXPECT_EQ(start_token(folder_), -1);
  write_file_atomic(folder_ / "config.json", R"({"model_type": "llama", "bos_token_id": null})");
  EXPECT_EQ(start_token(folder_), -1);
  write_file_atomic(folder_ / "config.json", R"({"model_type": "qwen2", "bos_token_id": 257})");
  EXPECT_EQ(start_token(folder_), 257);
  write_file_atomic(folder_ / "tokenizer_config.json", R"({"add_bos_token": false, "bos_token": null})");
  EXPECT_EQ(start_token(folder_), -1) << "as Qwen's folders have it";
  EXPECT_EQ(continuation_ids(tokenizer_, -1, "ab"), (std::vector<int32_t>{'a', 'b'}));
  EXPECT_EQ(continuation_ids(tokenizer_, 257, "a<|im_end|>").size(), 2 + std::string("<|im_end|>").size()) << "plain text";
  EXPECT_EQ(continuation_ids(tokenizer_, -1, ""), (std::vector<int32_t>{256})) << "where a document would begin";
}

TEST_F(ChatPrompts, ThePostProcessorPutsItsTokenAndNoneIsPutTwice) {
  auto json = nlohmann::json::parse(tokenizer_.to_json());
  json["post_processor"] = nlohmann::json::parse(R"({"type": "TemplateProcessing",
      "single": [{"SpecialToken": {"id": "<|im_start|>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
      "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
      "special_tokens": {"<|im_start|>": {"id": "<|im_start|>", "ids": [257], "tokens": ["<|im_start|>"]}}})");
  const Tokenizer tokenizer = Tokenizer::from_json(json.dump(), "test");
  EXPECT_EQ(continuation_ids(tokenizer, 257, "ab"), (std::vector<int32_t>{257, 'a', 'b'}));
  EXPECT_EQ(continuation_ids(tokenizer, -1, "ab"), (std::vector<int32_t>{257, 'a', 'b'}));
  EXPECT_EQ(continuation_ids(tokenizer, -1, ""), (std::vector<int32_t>{257}));
}

TEST_F(ChatPrompts, TheTemplatesTokensAreTokensAndTheUsersAreText) {
  write_file_atomic(folder_ / "chat_template.jinja",
                    "{% for m in messages %}<|im_start|>{{ m.role[0] }}:{{ m.content }}<|im_end|>{% endfor %}"
                    "{% if add_generation_prompt %}<|im_start|>a:{% endif %}");
  ChatPrompt prompt(folder_, tokenizer_, "s");
  const std::vector<int32_t> system = {257, 's', ':', 's', 258};
  std::vector<int32_t> wanted = system;
  const std::string said = "x<|im_end|>";
  wanted.insert(wanted.end(), {257, 'u', ':'});
  wanted.insert(wanted.end(), said.begin(), said.end());
  wanted.insert(wanted.end(), {258, 257, 'a', ':'});
  EXPECT_EQ(prompt.ask(said), wanted);
  prompt.answered("y");
  wanted.insert(wanted.end(), {'y', 258, 257, 'u', ':', 'z', 258, 257, 'a', ':'});
  EXPECT_EQ(prompt.ask("z"), wanted);
}

TEST_F(ChatPrompts, ATemplateThatRefusesSaysWhy) {
  write_file_atomic(folder_ / "chat_template.jinja", "{{ raise_exception('no systems here') }}");
  ChatPrompt prompt(folder_, tokenizer_, "");
  try {
    prompt.ask("hello");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.message()).find("no systems here"), std::string::npos) << error.message();
  }
}

}  // namespace
}  // namespace athanor
