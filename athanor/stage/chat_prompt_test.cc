#include "athanor/stage/chat_prompt.h"

#include <gtest/gtest.h>
#include <unistd.h>

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
  EXPECT_EQ(prompt.ask("ab"), (std::vector<int32_t>{256, 'a', 'b'}));
  EXPECT_THROW(ChatPrompt(folder_, tokenizer_, "be brief"), Error);
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
