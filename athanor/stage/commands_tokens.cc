// tokens: what a tokenizer is, what it makes of a text, and the same tokenizer in another format.
#include <algorithm>
#include <charconv>
#include <cstdio>
#include <sstream>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/nearest.h"
#include "athanor/base/text.h"
#include "athanor/base/unicode.h"
#include "athanor/data/containers/gguf.h"
#include "athanor/stage/command.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

namespace {

using nlohmann::json;

constexpr size_t kShownTokens = 24;
constexpr size_t kMaxTextBytes = size_t{64} << 20;

// The name beside it that was meant, else that the path is to be looked at.
std::string file_hint(const fs::path& path) {
  std::vector<std::string> names;
  std::error_code code;
  fs::directory_iterator entry(path.has_parent_path() ? path.parent_path() : ".", code);
  for (; entry != fs::directory_iterator(); entry.increment(code)) {
    names.push_back(entry->path().filename().string());
  }
  const std::string near = nearest_name(path.filename().string(), names);
  return near.empty() ? "check the path" : "did you mean '" + (path.parent_path() / near).string() + "'?";
}

// A run, a tag, a file or a folder; a run's artifact is in its out/.
fs::path find_tokenizer(Session& session) {
  const auto& names = session.arguments.positional;
  if (names.empty()) {
    throw Error(ErrorKind::kUsage, "tokens needs a tokenizer", "",
                "a run, a folder, or a file: tokenizer.json, *.model, *.gguf, *.tiktoken, vocab.txt");
  }
  std::error_code code;
  const fs::path path = names[0];
  if (fs::exists(path / "out", code)) {
    return path / "out";
  }
  if (fs::exists(path, code)) {
    return path;
  }
  const bool names_a_file = path.has_parent_path() ? path.parent_path() != session.store.root() : path.has_extension();
  if (names_a_file && !session.store.find(names[0])) {
    throw Error(ErrorKind::kInput, "there is no such file", path.string(), file_hint(path));
  }
  return run_from_arguments(session).dir / "out";
}

token::TokenizerConfig config_of(const fs::path& path) {
  std::error_code code;
  if (!fs::is_directory(path, code) && GgufFile::is_gguf(MappedFile(path).text())) {
    return token::gguf_config(GgufFile::open(path));
  }
  return token::TokenizerConfig::load(fs::is_directory(path, code) ? path : path.parent_path());
}

Tokenizer load(const fs::path& path, const std::string& family) {
  if (family.empty()) {
    return Tokenizer::load(path);
  }
  const json value = token::read_tiktoken(read_file(path, token::kMaxTokenizerBytes), path.string(), family);
  return Tokenizer::from_json(value.dump(), path.string());
}

// Types of a section: "Sequence(NFC, Replace)".
std::string type_text(const json& part) {
  if (!part.is_object()) {
    return "none";
  }
  std::string text = part.value("type", "");
  for (const char* list : {"normalizers", "pretokenizers", "processors", "decoders"}) {
    if (const auto found = part.find(list); found != part.end()) {
      std::string inner;
      for (const json& each : *found) {
        inner += (inner.empty() ? "" : ", ") + type_text(each);
      }
      text += "(" + inner + ")";
    }
  }
  return text;
}

// A token for one line of a terminal.
std::string shown(std::string_view bytes) { return token::json_string(repair_utf8(bytes)); }

void show_summary(const Session& session, const Tokenizer& tokenizer, const token::TokenizerConfig& config) {
  const json value = token::parse_json(tokenizer.to_json(), "the tokenizer");
  json out{{"model", value["model"].value("type", "BPE")},
           {"vocab_size", tokenizer.vocab_size()},
           {"merges", value["model"].value("merges", json::array()).size()},
           {"added_tokens", value["added_tokens"]},
           {"end_of_text", tokenizer.end_of_text()},
           {"chat_template", !config.chat_template.empty()}};
  const auto row = [&](const std::string& name, const std::string& text) {
    session.print("  " + padded(name, 16) + text);
  };
  row("model", out["model"].get<std::string>() + ", " + grouped_integer(out["merges"].get<int64_t>()) + " merges");
  row("vocabulary", grouped_integer(tokenizer.vocab_size()) + " ids");
  for (const char* section : {"normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
    out[section] = type_text(value[section]);
    row(section, out[section].get<std::string>());
  }
  row("end of text", tokenizer.end_of_text() < 0 ? "none" : std::to_string(tokenizer.end_of_text()));
  row("chat template", config.chat_template.empty() ? "none" : std::to_string(config.chat_template.size()) + " bytes");
  row("added tokens", std::to_string(value["added_tokens"].size()));
  for (size_t i = 0; i < std::min(kShownTokens, value["added_tokens"].size()); ++i) {
    const json& added = value["added_tokens"][i];
    session.print("    " + padded(std::to_string(added["id"].get<int64_t>()), 10) +
                  padded(shown(added["content"].get<std::string>()), 34) +
                  (added["special"].get<bool>() ? "special" : ""));
  }
  if (value["added_tokens"].size() > kShownTokens) {
    session.print("    ... and " + std::to_string(value["added_tokens"].size() - kShownTokens) + " more (--json)");
  }
  session.print_json(out);
}

std::string read_stdin() {
  std::string text;
  char buffer[1 << 16];
  for (size_t got = 0; (got = std::fread(buffer, 1, sizeof(buffer), stdin)) > 0;) {
    text.append(buffer, got);
    if (text.size() > kMaxTextBytes) {
      throw Error(ErrorKind::kInput, "the text is larger than " + human_bytes(kMaxTextBytes), "stdin",
                  "athanor encode makes token shards of documents of any size");
    }
  }
  return text;
}

// The first choice is the usual one.
std::string take_choice(Session& session, const std::string& key, const std::vector<std::string>& choices,
                        const std::string& meaning) {
  std::string value = session.arguments.take(key, choices.front());
  if (std::find(choices.begin(), choices.end(), value) == choices.end()) {
    throw Error(ErrorKind::kUsage, key + "=" + value + " is none of " + join_text(choices, ", "), "", meaning);
  }
  return value;
}

EncodeOptions encode_options(Session& session) {
  EncodeOptions options;
  const std::string added = take_choice(session, "added", {"all", "ordinary", "none"},
                                        "which added tokens are looked for in the text; ordinary: those that are not special");
  options.added_tokens = added == "all" ? AddedTokens::kAll : added == "ordinary" ? AddedTokens::kOrdinary : AddedTokens::kNone;
  options.add_special_tokens = take_choice(session, "template", {"true", "false"}, "whether the post-processor's tokens are added") == "true";
  options.characters = take_choice(session, "offsets", {"bytes", "characters"}, "what begins and ends count") == "characters";
  options.truncate = options.pad = false;
  return options;
}

void show_text(const Session& session, const Tokenizer& tokenizer, const std::string& text,
               const EncodeOptions& options) {
  const Encoding encoding = tokenizer.encode_full(text, options);
  json tokens = json::array();
  session.print(padded("id", 10) + padded(options.characters ? "characters" : "bytes", 16) + "token");
  for (size_t i = 0; i < encoding.size(); ++i) {
    const TextSpan span = encoding.offsets[i];
    const std::string& bytes = tokenizer.token_bytes(encoding.ids[i]);
    tokens.push_back({{"id", encoding.ids[i]},
                      {"token", repair_utf8(bytes)},
                      {"begin", span.begin},
                      {"end", span.end}});
    session.print(padded(std::to_string(encoding.ids[i]), 10) +
                  padded(std::to_string(span.begin) + "-" + std::to_string(span.end), 16) + shown(bytes));
  }
  session.print(std::to_string(encoding.size()) + " tokens, " + std::to_string(text.size()) + " bytes" +
                (tokenizer.decode(encoding.ids) == text ? ", decoded to the same text" : ""));
  session.print_json({{"ids", encoding.ids}, {"tokens", tokens}, {"bytes", text.size()}});
}

// ids: "9707 1879" or "9707,1879".
void show_ids(const Session& session, const Tokenizer& tokenizer, std::string ids) {
  std::replace(ids.begin(), ids.end(), ',', ' ');
  std::istringstream words(ids);
  std::vector<int32_t> wanted;
  for (std::string word; words >> word;) {
    int32_t id = -1;
    const auto [end, code] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (code != std::errc() || end != word.data() + word.size() || id < 0 || id >= tokenizer.vocab_size()) {
      throw Error(ErrorKind::kUsage, "'" + word + "' is no id below " + std::to_string(tokenizer.vocab_size()), "ids");
    }
    wanted.push_back(id);
  }
  const std::string text = tokenizer.decode(wanted, false);
  session.print(text);
  session.print_json({{"text", text}});
}

void write_as(const Session& session, const Tokenizer& tokenizer, const token::TokenizerConfig& config,
              const fs::path& target, const std::string& where) {
  const std::string text = tokenizer.to_json();
  std::vector<fs::path> files{target};
  if (const std::string name = target.filename().string(); name == "vocab.json" || name == "merges.txt") {
    throw Error(ErrorKind::kUsage, "to=" + name + ": what would be written is tokenizer.json's format, which readers of " + name +
                    " do not know", "tokens", "to=tokenizer.json, which holds the vocabulary and the merges");
  }
  if (target.extension() == ".json") {
    write_file_atomic(target, text);
  } else {
    files = token::write_any(token::parse_json(text, where), config, target, where);
  }
  if (const json value = json::parse(text); target.extension() == ".model" && value["model"].value("merges", json::array()).empty() &&
                                            value["model"]["type"] != "Unigram") {
    session.print("note: SentencePiece makes one token of a run of unknown words or characters, this tokenizer one of each");
  }
  json written = json::array();
  for (const fs::path& file : files) {
    const uint64_t bytes = fs::file_size(file);
    written.push_back({{"file", file.string()}, {"bytes", bytes}});
    session.print("wrote " + file.string() + ", " + human_bytes(static_cast<double>(bytes)));
  }
  session.print_json({{"written", written}});
}

}  // namespace

int command_tokens(Session& session) {
  leave_interrupts();
  const fs::path path = find_tokenizer(session);
  Arguments& arguments = session.arguments;
  const std::string to = arguments.take("to", "");
  const std::string family = arguments.take("family", "");
  const std::string none(1, '\0');
  const std::string text = arguments.take("text", none);
  const std::string ids = arguments.take("ids", none);
  const EncodeOptions options = encode_options(session);
  if (!arguments.overrides.empty()) {
    const std::string& key = arguments.overrides.front().key;
    throw Error(ErrorKind::kUsage, "tokens has no key '" + key + "'", "",
                did_you_mean(key, {"text", "ids", "to", "family", "added", "template", "offsets", "runs"}));
  }
  if ((to.empty() ? 0 : 1) + (ids == none ? 0 : 1) + (text == none ? 0 : 1) > 1) {
    throw Error(ErrorKind::kUsage, "tokens does one of text=, ids= and to= at a time", "", "ask twice");
  }
  const Tokenizer tokenizer = load(path, family);
  if (!to.empty()) {
    write_as(session, tokenizer, config_of(path), to, path.string());
  } else if (ids != none) {
    show_ids(session, tokenizer, ids);
  } else if (text != none) {
    show_text(session, tokenizer, text == "-" ? read_stdin() : text, options);
  } else {
    show_summary(session, tokenizer, config_of(path));
  }
  return 0;
}

}  // namespace athanor
