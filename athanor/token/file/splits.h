// The regexes by which known families cut text, as their published tokenizer.json files have them; with llama.cpp's
// names for them ("tokenizer.ggml.pre") and the families of tiktoken.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/file/json_field.h"

namespace athanor::token {

struct SplitFamily {
  const char* name;                         // "llama3"
  std::vector<std::string_view> pre_names;  // of llama.cpp, the first is the one written
  std::vector<std::string> regexes;         // one Split each; none: ByteLevel's own (GPT-2)
  bool ignore_merges;
  const char* normalizer;  // "NFC" or nullptr
};
const std::vector<SplitFamily>& split_families();
const SplitFamily* split_family_by_pre(std::string_view pre);    // nullptr: not known
const SplitFamily* split_family_by_name(std::string_view name);  // nullptr: not known
// The family whose cuts a byte-level tokenizer.json has; nullptr when it is none of them. exact: ignore_merges and
// the normalizer too.
const SplitFamily* split_family_of(const Json& tokenizer, bool exact);

}  // namespace athanor::token
