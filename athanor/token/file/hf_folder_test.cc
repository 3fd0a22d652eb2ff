#include "athanor/token/file/hf_folder.h"

#include <gtest/gtest.h>

#include "athanor/token/tokenizer.h"

namespace athanor::token {
namespace {

class HfFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::path(::testing::TempDir()) / ("hf_folder_" + std::to_string(::getpid()));
    make_dirs(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  Json config() const { return Json::parse(read_file(folder_ / "tokenizer_config.json", 1 << 20)); }
  fs::path folder_;
};

TEST_F(HfFolder, NamesOnlyTokensThatAreThere) {
  const std::string json = Tokenizer::bytes({"<|endoftext|>", "<pad>", "[MASK]", "<mine>"}).to_json();
  TokenizerConfig from;
  from.eos_token = "<mine>";
  from.bos_token = "<not here>";
  from.model_max_length = 77;
  write_hf_folder(json, from, folder_);
  EXPECT_EQ(read_file(folder_ / "tokenizer.json", 1 << 20), json);
  EXPECT_EQ(config(), Json::parse(R"({"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": false,
      "eos_token": "<mine>", "pad_token": "<pad>", "mask_token": "[MASK]", "model_max_length": 77})"));
  EXPECT_FALSE(fs::exists(folder_ / "chat_template.jinja"));
}

TEST_F(HfFolder, TemplatesAreReadBack) {
  TokenizerConfig from;
  from.chat_template = from.chat_templates["default"] = "A";
  write_hf_folder(Tokenizer::bytes({}).to_json(), from, folder_);
  EXPECT_EQ(TokenizerConfig::load(folder_).chat_template, "A");
  EXPECT_FALSE(config().contains("chat_template"));
  fs::remove(folder_ / "chat_template.jinja");
  from.chat_templates["tool_use"] = "B";
  write_hf_folder(Tokenizer::bytes({}).to_json(), from, folder_);
  EXPECT_EQ(TokenizerConfig::load(folder_).chat_templates, from.chat_templates);
}

}  // namespace
}  // namespace athanor::token
