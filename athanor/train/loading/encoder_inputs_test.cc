#include "athanor/train/loading/encoder_inputs.h"

#include <gtest/gtest.h>

#include "athanor/base/error.h"

namespace athanor {
namespace {

using Ids = std::vector<int32_t>;

Document document(const std::string& text, const std::string& meta = "{}") {
  Document made;
  made.text = text;
  made.meta = meta;
  return made;
}

class EncoderRows : public testing::Test {
 protected:
  Examples read(const EncoderInputOptions& options, const std::vector<Document>& documents) {
    const auto inputs = make_encoder_inputs(options, &tokenizer_, {kBegin, kEnd});
    Examples out;
    for (const Document& each : documents) {
      std::string reason;
      reasons_ += inputs->add(each, out, reason) ? "" : reason + ";";
    }
    return out;
  }

  static constexpr int32_t kBegin = 256;
  static constexpr int32_t kEnd = 257;
  Tokenizer tokenizer_ = Tokenizer::bytes({"[CLS]", "[SEP]"});
  std::string reasons_;
};

TEST_F(EncoderRows, ATextStandsBetweenItsMarks) {
  const Examples rows = read({"bert", 6, ""}, {document("ab"), document("abcdefg")});
  EXPECT_EQ(rows.ids, (Ids{kBegin, 'a', 'b', kEnd, kBegin, 'a', 'b', 'c', 'd', kEnd}));
  EXPECT_EQ(rows.offsets, (std::vector<uint64_t>{0, 4, 10}));
  EXPECT_TRUE(rows.values.empty());
  EXPECT_EQ(rows.cut, 1);
}

TEST_F(EncoderRows, OfAPairTheLongerTextLosesItsEnd) {
  const std::vector<Document> pairs = {document("ab", R"({"other": "xyz"})"), document("abcdefgh", R"({"other": "xy"})")};
  const Examples bert = read({"bert", 9, "other"}, pairs);
  EXPECT_EQ(bert.ids, (Ids{kBegin, 'a', 'b', kEnd, 'x', 'y', 'z', kEnd,  //
                           kBegin, 'a', 'b', 'c', 'd', kEnd, 'x', 'y', kEnd}));
  EXPECT_EQ(bert.values, (std::vector<float>{4, 6}));
  EXPECT_EQ(bert.cut, 1);
  const Examples roberta = read({"roberta", 9, "other"}, pairs);
  EXPECT_EQ(roberta.ids, (Ids{kBegin, 'a', 'b', kEnd, kEnd, 'x', 'y', 'z', kEnd,  //
                              kBegin, 'a', 'b', 'c', kEnd, kEnd, 'x', 'y', kEnd}));
  EXPECT_TRUE(roberta.values.empty());
}

TEST_F(EncoderRows, WhatLacksATextIsOfNoUse) {
  const Examples rows = read({"bert", 9, "other"}, {document("ab"), document("ab", R"({"other": 3})"), document("ab", "no"),
                                                    document("", R"({"other": "x"})"), document("a", R"({"other": ""})")});
  EXPECT_EQ(rows.size(), 0);
  EXPECT_EQ(reasons_, "no second text;no second text;no second text;no tokens;no tokens;");
}

TEST_F(EncoderRows, WhatCannotBeReadIsRefused) {
  EXPECT_THROW(make_encoder_inputs({}, nullptr, {kBegin, kEnd}), Error);
  EXPECT_THROW(make_encoder_inputs({}, &tokenizer_, {-1, kEnd}), Error);
  EXPECT_THROW(make_encoder_inputs({"bert", 3, "other"}, &tokenizer_, {kBegin, kEnd}), Error);
  EXPECT_THROW(encoder_input_options(nlohmann::json::object(), "bert", "config.json"), Error);
  const auto inputs = make_encoder_inputs({"bert", 9, "other"}, &tokenizer_, {kBegin, kEnd});
  EXPECT_EQ(encoder_input_options(inputs->to_json(), "bert", "x").pair_field, "other");
  EXPECT_EQ(inputs->shape().vocab_size, 258);
}

}  // namespace
}  // namespace athanor
