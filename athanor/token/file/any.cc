// Which format a tokenizer file has, and the way to its reader or writer.
#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/data/containers/gguf.h"
#include "athanor/data/stream/stream.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/file/sentencepiece_model.h"

namespace athanor::token {

namespace {

constexpr Format kFormats[] = {{"tokenizer.json", "*.json", true},        {"sentencepiece", "*.model", true},
                               {"gguf", "*.gguf", true},                  {"tiktoken", "*.tiktoken", true},
                               {"vocab.txt", "vocab.txt", true},          {"gpt2", "vocab.json + merges.txt", true}};
constexpr const char* kInFolder[] = {"tokenizer.json",     "tokenizer.model", "spiece.model", "sentencepiece.bpe.model",
                                     "sentencepiece.model", "tiktoken.model",  "vocab.txt"};
constexpr const char* kPacked[] = {"", ".zst", ".gz", ".bz2"};
constexpr const char* kPairs[][2] = {{"vocab.json", "merges.txt"}, {"encoder.json", "vocab.bpe"}};

bool is_base64_digit(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/' || c == '=';
}

// The first line is base64, a space, digits.
bool is_tiktoken(std::string_view bytes) {
  std::string_view line = bytes.substr(0, std::min<size_t>(bytes.find('\n'), 4096));
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || space % 4 != 0 || space + 1 == line.size()) {
    return false;
  }
  for (size_t i = 0; i < line.size(); ++i) {
    if (i != space && (i < space ? !is_base64_digit(line[i]) : line[i] < '0' || line[i] > '9')) {
      return false;
    }
  }
  return true;
}

bool is_vocab_txt(std::string_view bytes) {
  const size_t at = bytes.find("[UNK]");
  return at != std::string_view::npos && (at == 0 || bytes[at - 1] == '\n') && is_valid_utf8(bytes.substr(0, 4)) &&
         (at + 5 == bytes.size() || bytes[at + 5] == '\n' || bytes[at + 5] == '\r');
}

// transformers gives the pieces of these classes other ids than SentencePiece does.
constexpr std::string_view kRenumbered[] = {"XLMRobertaTokenizer", "CamembertTokenizer", "MBartTokenizer",
                                            "MBart50Tokenizer",    "NllbTokenizer",      "BarthezTokenizer",
                                            "XGLMTokenizer",       "PegasusTokenizer",   "SeamlessM4TTokenizer"};

void refuse_renumbered(const TokenizerConfig& config, const std::string& where) {
  std::string_view name = config.tokenizer_class;
  if (name.ends_with("Fast")) {
    name.remove_suffix(4);
  }
  if (std::find(std::begin(kRenumbered), std::end(kRenumbered), name) != std::end(kRenumbered)) {
    throw Error(ErrorKind::kInput, "field 'tokenizer_class' of the tokenizer_config.json beside it is " +
                                       json_string(name) + ", which numbers the pieces in its own way", where,
                "load the tokenizer.json of that model; or move the .model away from the config for its own ids");
  }
}

// The file's bytes, unpacked if they are gzip, Zstandard or bzip2.
std::string read_packed(const fs::path& path) {
  if (!is_compressed(path)) {
    return read_file(path, kMaxTokenizerBytes);
  }
  const std::unique_ptr<ByteStream> stream = open_stream(path);
  std::optional<std::string> bytes = read_all(*stream, kMaxTokenizerBytes);
  if (!bytes) {
    throw Error(ErrorKind::kInput, "is larger than " + std::to_string(kMaxTokenizerBytes >> 20) + " MiB when unpacked",
                path.string());
  }
  if (stream->fault()) {
    throw Error(ErrorKind::kInput, stream->fault()->reason + " after " + std::to_string(bytes->size()) + " bytes",
                path.string(), "copy or download it again");
  }
  return std::move(*bytes);
}

Json read_bytes(const fs::path& path) {
  const std::string where = path.string();
  std::string bytes = read_packed(path);
  const std::string format = detect_format(bytes);
  if (format == "tokenizer.json") {
    return parse_json(bytes, where);
  }
  if (format == "gguf") {
    return read_gguf_vocabulary(GgufFile::from_bytes(std::move(bytes), where));
  }
  const TokenizerConfig config = TokenizerConfig::load(path.parent_path());
  if (format == "vocab.txt") {
    return read_vocab_txt(bytes, config, where);
  }
  Json json;
  if (format == "sentencepiece") {
    refuse_renumbered(config, where);
    json = read_sentencepiece(bytes, where);
  } else if (format == "tiktoken") {
    json = read_tiktoken(bytes, where);
  } else {
    throw Error(ErrorKind::kInput, bytes.empty() ? "is empty" : "is no tokenizer file that is known here", where,
                "known: tokenizer.json, SentencePiece .model, GGUF, tiktoken ranks, BERT's vocab.txt, a folder with "
                "one of them or with vocab.json and merges.txt");
  }
  apply_config(config, json, where);
  return json;
}

}  // namespace

std::span<const Format> tokenizer_formats() { return kFormats; }

std::string detect_format(std::string_view bytes) {
  if (GgufFile::is_gguf(bytes)) {
    return "gguf";
  }
  const size_t first = bytes.find_first_not_of(" \t\r\n");
  if (first != std::string_view::npos && bytes[first] == '{') {
    return "tokenizer.json";
  }
  if (is_sentencepiece(bytes)) {
    return "sentencepiece";
  }
  return is_tiktoken(bytes) ? "tiktoken" : is_vocab_txt(bytes) ? "vocab.txt" : "";
}

Json read_any(const fs::path& path) {
  std::error_code ignored;
  if (!fs::is_directory(path, ignored)) {
    if (GgufFile::is_gguf(MappedFile(path).text())) {  // may be a whole model: stays mapped
      return read_gguf_vocabulary(GgufFile::open(path));
    }
    return read_bytes(path);
  }
  const auto find = [&](const std::string& name) {
    for (const char* packed : kPacked) {
      if (fs::is_regular_file(path / (name + packed), ignored)) {
        return path / (name + packed);
      }
    }
    return fs::path();
  };
  for (const char* name : kInFolder) {
    if (const fs::path file = find(name); !file.empty()) {
      return read_bytes(file);
    }
  }
  for (const auto& [vocab_name, merges_name] : kPairs) {
    const fs::path vocab = find(vocab_name), merges = find(merges_name);
    if (!vocab.empty() && !merges.empty()) {
      const std::string where = vocab.string() + " + " + merges.filename().string();
      Json json = read_gpt2(read_packed(vocab), read_packed(merges), where);
      apply_config(TokenizerConfig::load(path), json, where);
      return json;
    }
  }
  for (const char* pattern : {"*.tiktoken", "*.gguf", "*.model"}) {
    const std::vector<fs::path> found = glob((path / pattern).string());
    if (found.size() == 1) {
      return read_any(found[0]);
    }
  }
  throw Error(ErrorKind::kInput, "holds no tokenizer", path.string(),
              "a folder must have tokenizer.json, tokenizer.model, vocab.txt, vocab.json and merges.txt, or one "
              "*.tiktoken or *.gguf");
}

namespace {

// What the model file has no place for, in the files that stand beside it.
std::string config_json(const Json& tokenizer, const TokenizerConfig& config) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  for (const Json& added : tokenizer.at("added_tokens")) {
    nlohmann::ordered_json entry = added;
    entry.erase("id");
    json["added_tokens_decoder"][std::to_string(added.at("id").get<int64_t>())] = std::move(entry);
  }
  const auto put = [&](const char* name, const std::string& token) {
    if (!token.empty()) {
      json[name] = token;
    }
  };
  put("bos_token", config.bos_token);
  put("eos_token", config.eos_token);
  put("unk_token", config.unk_token);
  put("pad_token", config.pad_token);
  put("chat_template", config.chat_template);
  put("tokenizer_class", config.tokenizer_class);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::vector<fs::path> write_any(const Json& tokenizer, const TokenizerConfig& config, const fs::path& path,
                                const std::string& where) {
  const std::string name = path.filename().string();
  std::string bytes;
  if (name.ends_with(".json")) {
    bytes = tokenizer.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
  } else if (name.ends_with(".model")) {
    bytes = write_sentencepiece_model(tokenizer, where);
  } else if (name.ends_with(".gguf")) {
    bytes = write_gguf_vocabulary(tokenizer, config, where);
  } else if (name.ends_with(".tiktoken")) {
    bytes = write_tiktoken(tokenizer, where);
  } else if (name.ends_with("vocab.txt")) {
    bytes = write_vocab_txt(tokenizer, where);
  } else if (name.empty() || !path.has_extension()) {
    const Gpt2Files files = write_gpt2(tokenizer, where);
    make_dirs(path);
    write_file_atomic(path / "vocab.json", files.vocab_json);
    write_file_atomic(path / "merges.txt", files.merges_txt);
    write_file_atomic(path / "tokenizer_config.json", config_json(tokenizer, config));
    return {path / "vocab.json", path / "merges.txt", path / "tokenizer_config.json"};
  } else {
    throw Error(ErrorKind::kUsage, "the name does not say which format to write", path.string(),
                "end it in .json, .model, .gguf, .tiktoken or vocab.txt; a folder gets vocab.json and merges.txt");
  }
  write_file_atomic(path, bytes);
  return {path};
}

}  // namespace athanor::token
