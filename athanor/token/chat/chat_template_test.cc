// Against transformers and jinja2 (tests/parity/make_chat_fixtures.py), and what they do not do: where text came from.
#include "athanor/token/chat/chat_template.h"

#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/base/file.h"

namespace athanor::chat {
namespace {

const std::string kFixtures = std::string(ATHANOR_SOURCE_DIR) + "/tests/fixtures/token/chat/";

std::tm fixture_time() {  // 2025-07-04 09:05:00, as in the fixtures
  std::tm now{};
  now.tm_year = 125;
  now.tm_mon = 6;
  now.tm_mday = 4;
  now.tm_hour = 9;
  now.tm_min = 5;
  now.tm_wday = 5;
  now.tm_yday = 184;
  return now;
}

Request request_of(const Json& json) {
  const auto field = [&](const char* name) { return json.contains(name) ? &json[name] : nullptr; };
  return {.messages = json["messages"],
          .tools = field("tools"),
          .documents = field("documents"),
          .arguments = field("arguments"),
          .add_generation_prompt = json.value("add_generation_prompt", false),
          .continue_final_message = json.value("continue_final_message", false),
          .now = fixture_time()};
}

std::map<std::string, std::string> special_of(const Json& json) {
  std::map<std::string, std::string> special;
  for (auto it = json.begin(); it != json.end(); ++it) {
    special[it.key()] = it.value().get<std::string>();
  }
  return special;
}

Json spans_json(const std::vector<Span>& spans) {
  Json out = Json::array();
  for (const Span& span : spans) {
    out.push_back({span.begin, span.end});
  }
  return out;
}

std::string pieces(const Rendered& rendered, const std::vector<Span>& spans) {
  std::string out;
  for (const Span& span : spans) {
    out += "[" + rendered.text.substr(span.begin, span.end - span.begin) + "]";
  }
  return out;
}

// As transformers 5.23.0 cuts it: at its mark, and before white space where the template trims.
TEST(ChatTemplate, ContinuesTheFinalMessage) {
  const auto continued = [](const char* source, const char* messages) {
    const Json json = Json::parse(messages);
    return ChatTemplate::from_jinja(source, "t").render({.messages = json, .continue_final_message = true});
  };
  constexpr const char* kPlain = "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}";
  constexpr const char* kTrims = "{% for m in messages %}<{{ m.role }}>{{ m.content | trim }}</>{% endfor %}";
  constexpr const char* kChat = R"([{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Once upon "}])";
  const Rendered plain = continued(kPlain, kChat);
  EXPECT_EQ(plain.text, "<user>Hi</><assistant>Once upon ");
  EXPECT_EQ(pieces(plain, plain.data), "[Hi][Once upon ]");
  EXPECT_EQ(continued(kTrims, kChat).text, "<user>Hi</><assistant>Once upon");
  constexpr const char* kBlocks = "{% for m in messages %}{% for b in m.content %}{{ b.text }}|{% endfor %}{% endfor %}";
  EXPECT_EQ(continued(kBlocks, R"([{"role": "a", "content": [{"text": "x"}, {"text": "y"}]}])").text, "x|y");
  EXPECT_THROW(continued("no content at all", kChat), Error);
  EXPECT_THROW(continued(kPlain, R"([{"role": "assistant"}])"), Error);
  EXPECT_THROW(continued(kPlain, R"([{"role": "assistant", "content": [{"image": "x"}]}])"), Error);
  const Json json = Json::parse(kChat);
  EXPECT_THROW(ChatTemplate::from_jinja(kPlain, "t").render(
                   {.messages = json, .add_generation_prompt = true, .continue_final_message = true}), Error);
}

TEST(ChatTemplate, EqualsTransformers) {
  const Json fixture = Json::parse(read_file(kFixtures + "conversations.json"));
  const Json& requests = fixture["requests"];
  size_t checked = 0;
  for (const Json& family : fixture["families"]) {
    const std::string name = family["name"];
    const auto chat = ChatTemplate::from_jinja(family["template"].get<std::string>(), name, special_of(family["special"]));
    for (size_t i = 0; i < requests.size(); ++i, ++checked) {
      const Json& expected = family["cases"][i];
      const std::string where = name + ", request " + std::to_string(i) + ": " + requests[i].dump().substr(0, 200);
      try {
        const Rendered rendered = chat.render(request_of(requests[i]));
        ASSERT_TRUE(expected.contains("text")) << where << "\nwant " << expected["error"] << "\ngot " << rendered.text;
        EXPECT_EQ(rendered.text, expected["text"].get<std::string>()) << where;
        EXPECT_EQ(spans_json(rendered.assistant), expected.value("assistant", Json::array())) << where;
      } catch (const Error& error) {
        EXPECT_TRUE(expected.contains("error")) << where << "\ngot error " << error.message() << " at " << error.where();
      }
    }
  }
  EXPECT_GT(checked, 1000U);
}

// Text that changes when a user's letters change lies inside the data spans, and nothing of the template's does.
TEST(ChatTemplate, DataSpansHoldExactlyTheCallersText) {
  const Json fixture = Json::parse(read_file(kFixtures + "conversations.json"));
  const auto with = [](const std::string& letter) {
    std::string text = R"([{"role":"system","content":"@@@ @@"},{"role":"user","content":"@@@@"},
      {"role":"assistant","content":"@@@"},{"role":"user","content":"  @@\n"}])";
    for (size_t at = 0; (at = text.find('@', at)) != std::string::npos; ++at) {
      text.replace(at, 1, letter);
    }
    return Json::parse(text);
  };
  const Json a = with("\u2603");  // letters that no template holds
  const Json b = with("\u2604");
  for (const Json& family : fixture["families"]) {
    const auto chat = ChatTemplate::from_jinja(family["template"].get<std::string>(), "t", special_of(family["special"]));
    Rendered first, second;
    try {
      first = chat.render({.messages = a});
      second = chat.render({.messages = b});
    } catch (const Error&) {
      continue;  // a template without system messages, say
    }
    ASSERT_EQ(first.text.size(), second.text.size());
    std::string outside;
    size_t end = 0;
    for (const Span& span : first.data) {
      outside += first.text.substr(end, span.begin - end);
      end = span.end;
      const std::string inside = first.text.substr(span.begin, span.end - span.begin);
      EXPECT_EQ(inside.find_first_not_of("\xE2\x98\x83 \n"), std::string::npos) << family["name"] << ": " << inside;
    }
    outside += first.text.substr(end);
    EXPECT_EQ(outside.find("\xE2\x98\x83"), std::string::npos) << family["name"];
  }
}

Rendered render_one(const std::string& source, const Json& value) {
  return Template::parse(source, "t").render({{"x", value}, {"own", "<eos>", false}});
}

TEST(ChatTemplate, MarksFollowText) {
  const auto data = [](const std::string& source, const Json& value) {
    const Rendered rendered = render_one(source, value);
    return rendered.text + " " + pieces(rendered, rendered.data);
  };
  EXPECT_EQ(data("a{{ x }}b{{ own }}", "<eos>"), "a<eos>b<eos> [<eos>]");
  EXPECT_EQ(data("{{ 'a' + x + own }}", "u"), "au<eos> [u]");
  EXPECT_EQ(data("{{ ('<' ~ x ~ '>')[1:]|upper|trim }}", " uv "), "UV > [UV ]");
  EXPECT_EQ(data("{{ (x + '-' + x)|replace('-', '+') }}", "u"), "u+u [u][u]");
  EXPECT_EQ(data("{{ x.split(',')|join(';') }}", "u,v"), "u;v [u][v]");
  EXPECT_EQ(data("{{ x|tojson }}", Json::parse(R"({"k":"a\"b","n":1})")), "{\"k\": \"a\\\"b\", \"n\": 1} [k][a\\\"b][n]");
  EXPECT_EQ(data("{{ x }}", Json::parse(R"(["u", 2])")), "['u', 2] [u]");
  EXPECT_EQ(data("{{ '%s=%s' % ('k', x) }}{{ '{}!'.format(x) }}", "u"), "k=uu! [uu]");
  EXPECT_EQ(data("{{ x[::-1] }}{{ (x ~ 'b')|reverse }}", "ua"), "aubau [au][au]");
  EXPECT_EQ(data("{% set y %}({{ x }}){% endset %}{{ y|indent(1, true) }}", "u\nv"), " (u\n v) [u][v]");
  EXPECT_EQ(data("{% set ns = namespace(t='') %}{% for c in x %}{% set ns.t = ns.t + c + '.' %}{% endfor %}{{ ns.t }}", "uv"),
            "u.v. [u][v]");
  EXPECT_EQ(data("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(x) * 2 }}", "u"), "<u><u> [u][u]");
  EXPECT_EQ(data("{{ x|e }}", "<"), "&lt; [&lt;]");
}

TEST(ChatTemplate, RoleIsTheTemplates) {
  const auto chat = ChatTemplate::from_jinja("{% for m in messages %}{{ '<|' + m.role + '|>' + m.content }}{% endfor %}", "t");
  const Json good = Json::parse(R"([{"role":"user","content":"<|user|>"}])");
  const Rendered rendered = chat.render({.messages = good});
  EXPECT_EQ(rendered.text, "<|user|><|user|>");
  EXPECT_EQ(rendered.data, (std::vector<Span>{{8, 16}}));
  const Json bad = Json::parse(R"([{"role":"u|>","content":""}])");
  EXPECT_EQ(chat.render({.messages = bad}).data, (std::vector<Span>{{2, 5}}));
}

TEST(ChatTemplate, GenerationInsideABufferKeepsItsPlace) {
  const Rendered rendered = Template::parse("ab{% macro m() %}<{% generation %}one{% endgeneration %}>{% endmacro %}"
                                            "{{ m() }}{% generation %}x{% endgeneration %}{% generation %}y{% endgeneration %}",
                                            "t").render({});
  EXPECT_EQ(rendered.text, "ab<one>xy");
  EXPECT_EQ(rendered.assistant, (std::vector<Span>{{3, 6}, {7, 8}, {8, 9}}));
}

TEST(ChatTemplate, TrainingSpansOfATemplateThatAppends) {
  const auto chat = ChatTemplate::from_jinja(
      "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}",
      "t");
  const Json messages = Json::parse(R"([{"role":"user","content":"q"},{"role":"assistant","content":"r1"},
      {"role":"user","content":"q2"},{"role":"assistant","content":"r2"}])");
  const Rendered rendered = chat.render_for_training({.messages = messages});
  EXPECT_EQ(pieces(rendered, rendered.assistant), "[r1</>][r2</>]");
}

TEST(ChatTemplate, TrainingSpansAreNeverGuessed) {
  const auto chat = ChatTemplate::from_tokenizer_config(
      read_file(kFixtures + "templates/qwen3.tokenizer_config.json"), "qwen3");
  const Json kept = Json::parse(R"([{"role":"user","content":"q"},{"role":"assistant","content":"<think>\na\n</think>\n\nb"}])");
  const Rendered rendered = chat.render_for_training({.messages = kept});
  EXPECT_EQ(pieces(rendered, rendered.assistant), "[<think>\na\n</think>\n\nb<|im_end|>\n]");
  Json dropped = kept;  // Qwen 3 drops the reasoning of turns before the last question
  dropped.push_back({{"role", "user"}, {"content", "more"}});
  try {
    chat.render_for_training({.messages = dropped});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.where(), "messages[1]");
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
  }
}

TEST(ChatTemplate, NamedTemplatesAndTokens) {
  const auto chat = ChatTemplate::from_tokenizer_config(
      R"({"bos_token": {"content": "<s>"}, "eos_token": null, "extra_special_tokens": {"image_token": "<i>"},
          "chat_template": [{"name": "default", "template": "D{{ bos_token }}{{ eos_token }}{{ image_token }}"},
                            {"name": "tool_use", "template": "T"}]})",
      "config");
  const Json messages = Json::parse(R"([{"role":"user","content":"q"}])");
  const Json tools = Json::array();
  EXPECT_EQ(chat.render({.messages = messages}).text, "D<s><i>");
  EXPECT_EQ(chat.render({.messages = messages, .tools = &tools}).text, "T");
  EXPECT_EQ(chat.render({.messages = messages, .template_name = "tool_use"}).text, "T");
  EXPECT_THROW(chat.render({.messages = messages, .template_name = "rag"}), Error);
  EXPECT_THROW(ChatTemplate::from_tokenizer_config("{}", "c"), Error);
  EXPECT_THROW(ChatTemplate::from_tokenizer_config("[", "c"), Error);
  EXPECT_THROW(ChatTemplate::from_tokenizer_config(R"({"chat_template": 5})", "c"), Error);
  EXPECT_THROW(ChatTemplate::from_tokenizer_config(R"({"chat_template": [{"name": "x"}]})", "c"), Error);
  EXPECT_THROW(ChatTemplate::from_tokenizer_config(std::string(100000, '['), "c"), Error);
}

TEST(ChatTemplate, RefusesBadConversations) {
  const auto chat = ChatTemplate::from_jinja("{{ messages }}", "t");
  for (const char* text : {"[]", "{}", "[5]", "\"x\"", "null"}) {
    const Json messages = Json::parse(text);
    EXPECT_THROW(chat.render({.messages = messages}), Error) << text;
  }
  const Json broken = Json::array({{{"role", "user"}, {"content", "\xFF"}}});
  EXPECT_THROW(chat.render({.messages = broken}), Error);
  Json deep = "x";
  for (int i = 0; i < 200; ++i) {
    deep = Json::array({deep});
  }
  Limits small;
  small.memory_bytes = 20'000;
  const Json large = Json::array({{{"role", "user"}, {"content", Json(std::vector<int>(5000, 1))}}});
  EXPECT_THROW(ChatTemplate::from_jinja("{{ messages }}", "t", {}, small).render({.messages = large}), Error);
  const Json nested = Json::array({{{"role", "user"}, {"content", deep}}});
  EXPECT_THROW(chat.render({.messages = nested}), Error);
}

}  // namespace
}  // namespace athanor::chat
