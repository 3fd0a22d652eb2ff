#include "athanor/token/file/splits.h"

namespace athanor::token {

namespace {

constexpr const char* kGpt2 = R"re('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)re";
constexpr const char* kLlama3 =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
constexpr const char* kQwen2 =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
constexpr const char* kQwen35 =
    R"re((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
// tiktoken 0.14's cl100k_base takes white space at the end of the text as one piece, line breaks included (`\s++$`);
// its possessive signs, which Oniguruma reads otherwise, change nothing and are left out.
constexpr const char* kCl100k =
    R"re('(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+\z|\s*[\r\n]|\s+(?!\S)|\s)re";
constexpr const char* kO200k =
    R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
constexpr const char* kTekken =
    R"re([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
constexpr const char* kDeepseekWords =
    R"re([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^)re" "\r\n" R"re(\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[)re" "\r\n"
    R"re(]*|\s*[)re" "\r\n" R"re(]+|\s+(?!\S)|\s+)re";
constexpr const char* kCjk = "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";
// Kimi K2: runs of Chinese characters, and words without them (pat_str of moonshotai's tokenization_kimi.py).
constexpr const char* kKimi =
    R"re([\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)re";
// AFMoE: digits in threes counted from the end of their run; scripts without spaces; then DeepSeek V3's words (as
// llama.cpp's llama-vocab.cpp has them).
constexpr const char* kThreesFromTheEnd = R"re(\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N})))re";
constexpr const char* kAsian =
    "[\u4E00-\u9FFF\u3400-\u4DBF\uF900-\uFAFF\u3040-\u309F\u30A0-\u30FF\uFF65-\uFF9F\u2F00-\u2FDF\u0E00-\u0E7F"
    "\u0E80-\u0EFF\u1780-\u17FF\u1000-\u109F\uAA60-\uAA7F\uA9E0-\uA9FF\uAC00-\uD7AF\u1100-\u11FF]+";
// DeepSeek LLM: letters of the alphabets with two cases, and signs, as its tokenizer.json lists them; characters that have
// a canonical equivalent by code.
constexpr const char* kDeepseekLlmWords =
    "\\s?[A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝ\u1F5F-\u1F7Dᾀ-ᾴᾶ-ᾼ\u1FBEῂ-ῄῆ-ῌ"
    "ῐ-\u1FD3ῖ-\u1FDBῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\u2126ℨ\u212A-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⲳⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃]+";
constexpr const char* kDeepseekLlmSigns = "\\s?[!-/:-~！-／：-～‘-‟　-。]+";
constexpr const char* kBloom = " ?[^(\\s|[.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C])]+";

std::vector<SplitFamily> make_families() {
  return {
      {"gpt2",
       {"gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es", "jina-v2-de", "a.x-4.0", "mellum",
        "modern-bert", "jina-v1-en", "jina-v2-code", "roberta-bpe", "mpt", "olmo", "jais", "trillion",
        "granite-docling", "exaone4"},
       {}, false, nullptr},
      {"llama3",
       {"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"},
       {kLlama3}, true, nullptr},
      {"gpt4", {"dbrx", "smaug-bpe", "glm4", "chatglm-bpe"}, {kLlama3}, false, nullptr},
      {"qwen2", {"qwen2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez"}, {kQwen2}, false, "NFC"},
      {"stablelm2", {"stablelm2", "hunyuan", "solar-open", "grok-2"}, {kQwen2}, false, nullptr},
      {"qwen35", {"qwen35"}, {kQwen35}, false, "NFC"},
      {"cl100k", {}, {kCl100k}, true, nullptr},
      {"o200k", {"gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"}, {kO200k}, false, nullptr},
      {"tekken", {"tekken"}, {kTekken}, true, nullptr},
      {"deepseek-v3", {"deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"},
       {R"re(\p{N}{1,3})re", kCjk, kDeepseekWords}, false, nullptr},
      {"deepseek-coder", {"deepseek-coder"},
       {"[\r\n]", R"re(\s?\p{L}+)re", R"re(\s?\p{P}+)re", "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+",
        R"re(\p{N})re"},
       false, nullptr},
      {"deepseek-llm", {"deepseek-llm"},
       {"[\r\n]", kDeepseekLlmWords, kDeepseekLlmSigns, R"re(\s+$)re", "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+",
        R"re(\p{N}+)re"},
       false, nullptr},
      {"kimi-k2", {"kimi-k2"}, {kKimi}, false, nullptr},
      {"afmoe", {"afmoe"}, {kThreesFromTheEnd, kAsian, kDeepseekWords}, false, nullptr},
      {"chameleon", {"chameleon"},
       {"<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", "([\t\n]|    |  )", R"re(\p{N})re",
        R"re([\p{P}!-/:-@\[-`{-~])re", kGpt2},
       false, nullptr},
      {"starcoder",
       {"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mellum2"},
       {R"re(\p{N})re", kGpt2}, false, nullptr},
      {"falcon", {"falcon"}, {R"re([\p{P}\$\+<=>\^~\|`]+)re", kGpt2, "[0-9][0-9][0-9]"}, false, nullptr},
      {"bloom", {"bloom", "poro-chat", "gpt3-finnish"}, {kBloom}, false, nullptr},
  };
}

// The regexes of the Splits before ByteLevel, or nothing when the pre_tokenizer is of another kind.
bool regexes_of(const Json& pre, std::vector<std::string>& out, bool& own_regex) {
  const std::string type = pre.is_object() ? pre.value("type", "") : "";
  if (type == "ByteLevel") {
    own_regex = pre.value("use_regex", true);
    return !pre.value("add_prefix_space", true);
  }
  if (type == "Split") {
    const Json pattern = pre.value("pattern", Json::object());
    const bool keeps = pre.value("behavior", "") == "Isolated" && !pre.value("invert", false);
    const bool inverted = pre.value("behavior", "") == "Removed" && pre.value("invert", false);
    if (!pattern.contains("Regex") || (!keeps && !inverted)) {
      return false;
    }
    out.push_back(pattern["Regex"].get<std::string>());
    return true;
  }
  if (type == "Digits") {
    out.push_back("\\p{N}");
    return pre.value("individual_digits", false);
  }
  if (type != "Sequence" || !pre.contains("pretokenizers")) {
    return false;
  }
  for (const Json& part : pre["pretokenizers"]) {
    if (!regexes_of(part, out, own_regex)) {
      return false;
    }
  }
  return true;
}

}  // namespace

const std::vector<SplitFamily>& split_families() {
  static const std::vector<SplitFamily> families = make_families();
  return families;
}

const SplitFamily* split_family_by_pre(std::string_view pre) {
  for (const SplitFamily& family : split_families()) {
    for (const std::string_view name : family.pre_names) {
      if (pre == name) {
        return &family;
      }
    }
  }
  return nullptr;
}

const SplitFamily* split_family_by_name(std::string_view name) {
  for (const SplitFamily& family : split_families()) {
    if (name == family.name) {
      return &family;
    }
  }
  return nullptr;
}

const SplitFamily* split_family_of(const Json& tokenizer, bool exact) {
  std::vector<std::string> regexes;
  bool own_regex = false;
  if (!regexes_of(tokenizer.value("pre_tokenizer", Json()), regexes, own_regex)) {
    return nullptr;
  }
  if (own_regex && !regexes.empty()) {  // Digits, then ByteLevel with its own
    regexes.push_back(kGpt2);
  }
  if (!own_regex && regexes.size() == 1 && regexes[0] == kGpt2) {
    regexes.clear();
  }
  const bool ignores = tokenizer.at("model").value("ignore_merges", false);
  const Json normalizer = tokenizer.value("normalizer", Json());
  const bool empty = !normalizer.is_object() || normalizer.value("normalizers", Json::array({0})).empty();
  const std::string normal = empty ? "" : normalizer.value("type", "");
  for (const SplitFamily& family : split_families()) {
    const bool same = family.ignore_merges == ignores && !family.pre_names.empty() &&
                      normal == (family.normalizer == nullptr ? "" : family.normalizer);
    if (family.regexes == regexes && (same || !exact)) {
      return &family;
    }
  }
  return nullptr;
}

}  // namespace athanor::token
