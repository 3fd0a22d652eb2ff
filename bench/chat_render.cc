// For bench/chat_template.py: renders requests of a desk.json / conversations.json again and again.
//
//   chat_render CASES.jsonl SECONDS    each line {template, special, request}; prints microseconds a render, a line each
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/token/chat/chat_template.h"

int main(int argc, char** argv) {
  using athanor::chat::Json;
  using Clock = std::chrono::steady_clock;
  if (argc != 3) {
    std::fprintf(stderr, "usage: chat_render CASES.jsonl SECONDS\n");
    return 2;
  }
  try {
    std::istringstream lines(athanor::read_file(argv[1]));
    for (std::string line; std::getline(lines, line);) {
      const Json json = Json::parse(line);
      std::map<std::string, std::string> special;
      for (auto it = json["special"].begin(); it != json["special"].end(); ++it) {
        special[it.key()] = it.value().get<std::string>();
      }
      const auto chat = athanor::chat::ChatTemplate::from_jinja(json["template"].get<std::string>(), "t", special);
      const Json& request = json["request"];
      const auto field = [&](const char* name) { return request.contains(name) ? &request[name] : nullptr; };
      const athanor::chat::Request asked{.messages = request["messages"],
                                         .tools = field("tools"),
                                         .arguments = field("arguments"),
                                         .add_generation_prompt = true};
      size_t bytes = chat.render(asked).text.size();
      size_t renders = 0;
      const auto begin = Clock::now();
      std::chrono::duration<double> took{};
      do {
        for (int i = 0; i < 16; ++i, ++renders) {
          bytes += chat.render(asked).text.size() & 1;
        }
        took = Clock::now() - begin;
      } while (took.count() < std::atof(argv[2]));
      std::printf("%.3f %zu\n", took.count() * 1e6 / static_cast<double>(renders), bytes);
    }
    return 0;
  } catch (const athanor::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.exit_code();
  }
}
