// What Athanor's tokenizers give for texts, for tests/parity/check_tokenizers.py: reads requests from standard input,
// one JSON value a line, and answers each with one line.
//
//   {"load": "path", "name": "qwen3"}     keeps a tokenizer under a name; {"json": "..."} takes the file's text instead
//   {"name": "qwen3", "text": "...", "pair": null, "special": true}  ids, offsets in characters, ...;
//                                         "plain_only": true: the ids of encode() alone; "bare": no truncation, no padding
//   {"name": "qwen3", "decode": [1, 2], "skip": false}
//   {"name": "qwen3", "save": true}
//   {"name": "qwen3", "bench": "path", "bytes": 1000000}    seconds for encode, the second time, and for encode_full
#include <chrono>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/token/tokenizer.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

Json to_json(const Encoding& full) {
  Json offsets = Json::array();
  for (const TextSpan& span : full.offsets) {
    offsets.push_back({span.begin, span.end});
  }
  Json overflowing = Json::array();
  for (const Encoding& window : full.overflowing) {
    overflowing.push_back(to_json(window));
  }
  return {{"ids", full.ids},
          {"type_ids", full.type_ids},
          {"offsets", offsets},
          {"words", full.word_ids},
          {"special", full.special_tokens_mask},
          {"attention", full.attention_mask},
          {"overflowing", overflowing}};
}

Json answer(const Json& request, std::map<std::string, Tokenizer>& tokenizers) {
  const std::string name = request.at("name");
  if (request.contains("load") || request.contains("json")) {
    tokenizers.erase(name);
    tokenizers.emplace(name, request.contains("load") ? Tokenizer::load(request["load"].get<std::string>())
                                                      : Tokenizer::from_json(request["json"].get<std::string>(), name));
    return {{"vocab_size", tokenizers.at(name).vocab_size()}};
  }
  const Tokenizer& tokenizer = tokenizers.at(name);
  if (request.contains("save")) {
    return {{"json", tokenizer.to_json()}};
  }
  if (request.contains("decode")) {
    const std::vector<int32_t> ids = request["decode"];
    const bool skip = request.value("skip", true);
    StreamDecoder stream(tokenizer, skip);
    std::string streamed;
    for (const int32_t id : ids) {
      streamed += stream.push(id);
    }
    return {{"text", tokenizer.decode(ids, skip)}, {"streamed", streamed + stream.finish()}};
  }
  if (request.contains("bench")) {
    const std::string whole = read_file(request["bench"].get<std::string>());
    const std::string_view some = std::string_view(whole).substr(0, request["bytes"].get<size_t>());
    const auto seconds = [](const auto& work) {
      const auto start = std::chrono::steady_clock::now();
      work();
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    };
    std::vector<int32_t> ids;
    const auto encode = [&] {
      ids.clear();
      tokenizer.encode(some, AddedTokens::kAll, ids);
    };
    const double first = seconds(encode), second = seconds(encode);
    const double full = seconds([&] { tokenizer.encode_full(some); });
    const double decode = seconds([&] { tokenizer.decode(ids); });
    return {{"bytes", some.size()}, {"ids", ids.size()}, {"first", first}, {"second", second}, {"full", full},
            {"decode", decode}};
  }
  const std::string text = request.at("text");
  std::vector<int32_t> plain;
  tokenizer.encode(text, AddedTokens::kAll, plain);
  if (request.value("plain_only", false)) {
    return {{"plain", plain}};
  }
  EncodeOptions options;
  options.characters = true;
  options.add_special_tokens = request.value("special", true);
  options.truncate = options.pad = !request.value("bare", false);
  Json out = request.contains("pair") && !request["pair"].is_null()
                 ? to_json(tokenizer.encode_full(text, request["pair"].get<std::string>(), options))
                 : to_json(tokenizer.encode_full(text, options));
  out["plain"] = plain;
  return out;
}

}  // namespace
}  // namespace athanor

int main() {
  std::map<std::string, athanor::Tokenizer> tokenizers;
  for (std::string line; std::getline(std::cin, line);) {
    nlohmann::json out;
    try {
      out = athanor::answer(nlohmann::json::parse(line), tokenizers);
    } catch (const athanor::Error& error) {
      out = {{"error", error.what()}};
    } catch (const std::exception& error) {
      out = {{"error", std::string("exception: ") + error.what()}};
    }
    std::cout << out.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) << std::endl;
  }
}
