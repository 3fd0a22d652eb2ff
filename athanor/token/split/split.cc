#include "athanor/token/split/split.h"

#include "athanor/base/error.h"
#include "athanor/token/split/o200k.h"
#include "athanor/token/split/scan.h"
#include "athanor/token/split/window_scan.h"

namespace athanor::token {

namespace {

constexpr SplitKind kKinds[] = {
    {"gpt2", "GPT-2, r50k", nullptr, &scan_gpt2, true, nullptr},
    {"llama3", "Llama 3, OLMo 2, GPT-4: digits in threes",
     R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re",
     &scan_llama3, true, nullptr},
    {"qwen2", "Qwen 2, 2.5, 3: digits one by one, after NFC",
     R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re",
     &scan_qwen2, true, "NFC"},
    {"o200k", "GPT-4o, gpt-oss",
     R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re",
     &scan<O200kScanner<true, 3>>, true, nullptr},
    {"tekken", "Mistral, Nemotron: o200k without contractions, digits one by one",
     R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re",
     &scan<O200kScanner<false, 1>>, true, nullptr},
    {"qwen35", "Qwen 3.5: marks are letters",
     R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re",
     &scan<Qwen35Scanner>, true, "NFC"},
    {"cl100k", "GPT-4 as tiktoken has it",
     R"re('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+\z|\s*[\r\n]|\s+(?!\S)|\s)re",
     &scan<Cl100kScanner>, true, nullptr},
    {"bytes", "no cut at all: the whole text is one piece", "", &scan<WholeScanner>, true, nullptr},
    {"char", "each code point is a piece", R"re([\s\S])re", &scan<CharScanner>, false, nullptr},
};

// Other spellings of the same language, as they occur in published files.
struct Spelling {
  const char* regex;
  const char* kind;
};
constexpr Spelling kSpellings[] = {
    {R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)re", "gpt2"},
    {R"re('(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)re", "gpt2"},
};

const SplitKind* find_regex(const std::string& regex) {
  std::string_view name;
  for (const Spelling& spelling : kSpellings) {
    if (regex == spelling.regex) {
      name = spelling.kind;
    }
  }
  for (const SplitKind& kind : kKinds) {
    if (kind.name == name || (kind.regex != nullptr && *kind.regex != '\0' && regex == kind.regex)) {
      return &kind;
    }
  }
  return nullptr;
}

Json byte_level_json(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

Json split_json(const SplitKind& kind) {
  return {{"type", "Split"}, {"pattern", {{"Regex", kind.regex}}}, {"behavior", "Isolated"}, {"invert", false}};
}

Json pre_tokenizer_json(const SplitKind& kind) {
  if (!kind.byte_level) {
    return split_json(kind);
  }
  if (kind.regex == nullptr) {
    return byte_level_json(true);
  }
  if (*kind.regex == '\0') {
    return byte_level_json(false);
  }
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({split_json(kind), byte_level_json(false)})}};
}

Scan read_split(const Field& field) {
  const Field pattern = field.at("pattern");
  const std::optional<Field> regex = pattern.find("Regex");
  if (!regex) {
    pattern.fail("must hold a Regex: a plain String is not supported");
  }
  const SplitKind* const kind = find_regex(regex->string());
  if (kind == nullptr) {
    std::string known;
    for (const SplitKind& each : kKinds) {
      known += std::string(known.empty() ? "" : ", ") + each.name;
    }
    regex->fail("is a pattern without a scanner: " + json_string(regex->string()), "families with one: " + known);
  }
  const Field behavior = field.at("behavior");
  if (behavior.string() != "Isolated" && behavior.string() != "Removed") {
    behavior.fail("must be \"Isolated\", or \"Removed\" with invert");
  }
  // The patterns cover every character, so "Removed" with invert (keep the matches) is the same cut.
  if ((behavior.string() == "Removed") != field.flag("invert", false)) {
    behavior.fail("together with 'invert' would drop the text that the pattern matches");
  }
  return kind->scan;
}

// DeepSeek V3's pre-tokenizer: three cuts one after the other, then bytes.
constexpr const char* kDeepSeek[] = {
    R"re(\p{N}{1,3})re", "[一-龥぀-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"};

bool is_deepseek(const Field& list) {
  const Json& parts = list.list();
  const auto holds = [](const Json& part, const char* name, const Json& value) {
    return part.is_object() && part.contains(name) && part[name] == value;
  };
  if (parts.size() != 4 || !holds(parts[3], "type", "ByteLevel") || !holds(parts[3], "use_regex", false)) {
    return false;
  }
  for (int i = 0; i < 3; ++i) {
    const Json split = {{"type", "Split"}, {"pattern", {{"Regex", kDeepSeek[i]}}}, {"behavior", "Isolated"},
                        {"invert", false}};
    if (parts[i] != split) {
      return false;
    }
  }
  return true;
}

void read_into(const Field& field, PreTokenizer& out) {
  const Field type = field.at("type");
  const auto cut = [&](Scan scan) {
    if (out.scan != nullptr) {
      type.fail("is a second cut: only one is supported");
    }
    out.scan = scan;
  };
  if (type.string() == "Sequence") {
    const Field list = field.at("pretokenizers");
    if (is_deepseek(list)) {
      cut(&scan_deepseek);
      out.whole_chain = true;
      read_into(list.item(3), out);
      return;
    }
    for (size_t i = 0; i < list.list().size(); ++i) {
      const Field part = list.item(i);
      if (part.at("type").string() == "Sequence") {
        part.fail("is a Sequence inside a Sequence, which is not supported");
      }
      read_into(part, out);
    }
  } else if (type.string() == "Split") {
    if (out.byte_level) {
      type.fail("is \"Split\" after \"ByteLevel\", which is not supported");
    }
    cut(read_split(field));
  } else if (type.string() == "ByteLevel") {
    if (out.byte_level) {
      type.fail("is a second \"ByteLevel\"");
    }
    out.add_prefix_space = field.flag("add_prefix_space", true);
    if (out.add_prefix_space && out.scan != nullptr) {
      field.at("add_prefix_space").fail("must be false after a Split");
    }
    if (field.flag("use_regex", true)) {
      cut(&scan_gpt2);
    }
    out.byte_level = true;
  } else {
    type.fail("is " + json_string(type.string()) + ", which is not supported", "supported: ByteLevel, Split, Sequence");
  }
}

}  // namespace

std::span<const SplitKind> split_kinds() { return kKinds; }

const SplitKind& split_kind(std::string_view name) {
  std::string known;
  for (const SplitKind& kind : kKinds) {
    if (name == kind.name) {
      return kind;
    }
    known += std::string(known.empty() ? "" : ", ") + kind.name;
  }
  throw Error(ErrorKind::kUsage, "there is no pre-tokenizer '" + std::string(name) + "'", "", "one of: " + known);
}

Json frame_json(const SplitKind& kind) {
  Json model = {{"type", "BPE"},          {"dropout", nullptr},
                {"unk_token", nullptr},   {"continuing_subword_prefix", nullptr},
                {"fuse_unk", false},      {"end_of_word_suffix", nullptr},
                {"byte_fallback", false}, {"ignore_merges", false},
                {"vocab", Json::object()}, {"merges", Json::array()}};
  Json json = {{"pre_tokenizer", pre_tokenizer_json(kind)}, {"added_tokens", Json::array()}, {"model", model}};
  json["normalizer"] = nullptr;
  if (kind.normalizer != nullptr) {
    json["normalizer"]["type"] = kind.normalizer;
  }
  json["decoder"]["type"] = "Fuse";
  if (kind.byte_level) {
    json["decoder"] = byte_level_json(true);
  }
  return json;
}

Json added_token_json(int32_t id, const std::string& content) {
  return {{"id", id},         {"content", content},  {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", false}, {"special", true}};
}

PreTokenizer read_pre_tokenizer(const Field& field) {
  PreTokenizer out;
  read_into(field, out);
  if (out.scan == nullptr) {
    out.scan = &scan<WholeScanner>;
  }
  return out;
}

std::optional<PreTokenizer> find_scan(const Field& field) {
  try {
    return read_pre_tokenizer(field);
  } catch (const Error&) {
    return std::nullopt;
  }
}

size_t scan_whole(std::string_view text, size_t begin, size_t* ends, size_t max) {
  return scan<WholeScanner>(text, begin, ends, max);
}

}  // namespace athanor::token
