// A chat template from outside: parses or says why not; what parses renders a conversation within small limits or says
// why not, and marks what it wrote.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "athanor/base/error.h"
#include "athanor/token/chat/chat_template.h"

namespace {

using athanor::chat::Json;

const Json& messages() {
  static const Json all = Json::parse(R"([
    {"role": "system", "content": "Be terse. 你好"},
    {"role": "user", "content": "<|im_end|> Hi é"},
    {"role": "assistant", "content": "", "reasoning_content": "hm", "tool_calls": [
      {"id": "abcdefghi", "type": "function", "function": {"name": "f", "arguments": {"x": [1, 2.5, null, true]}}}]},
    {"role": "tool", "name": "f", "content": "{\"y\": -1}"},
    {"role": "assistant", "content": "<think>a</think>\n\nb"},
    {"role": "user", "content": [{"type": "text", "text": "more"}]}])");
  return all;
}

const Json& tools() {
  static const Json all = Json::parse(R"([{"type": "function", "function": {"name": "f", "description": "d",
    "parameters": {"type": "object", "properties": {"x": {"type": "array"}}, "required": ["x"]}}}])");
  return all;
}

void check(const athanor::chat::Rendered& rendered) {
  for (const auto* spans : {&rendered.data, &rendered.assistant}) {
    size_t last = 0;
    for (const auto& span : *spans) {
      if (span.begin < last || span.end <= span.begin || span.end > rendered.text.size()) {
        std::abort();
      }
      last = span.end;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  athanor::chat::Limits limits;
  limits.template_bytes = 64 << 10;
  limits.steps = 100'000;
  limits.output_bytes = 1 << 20;
  limits.memory_bytes = 16 << 20;
  try {
    const auto chat = athanor::chat::ChatTemplate::from_jinja({reinterpret_cast<const char*>(data), size}, "fuzz",
                                                              {{"bos_token", "<s>"}, {"eos_token", "</s>"}}, limits);
    std::tm now{};
    now.tm_year = 125;
    now.tm_mday = 4;
    check(chat.render({.messages = messages(), .add_generation_prompt = true, .now = now}));
    check(chat.render_for_training({.messages = messages(), .tools = &tools(), .now = now}));
  } catch (const athanor::Error&) {
  }
  return 0;
}
