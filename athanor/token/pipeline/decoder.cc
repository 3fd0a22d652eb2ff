#include "athanor/token/pipeline/decoder.h"

#include <algorithm>

#include "athanor/base/unicode.h"
#include "athanor/token/model/byte_map.h"
#include "athanor/token/pipeline/fields.h"
#include "athanor/token/pipeline/partial_utf8.h"
#include "athanor/token/pipeline/regex.h"

namespace athanor::token {

namespace {

using Maker = std::function<std::unique_ptr<DecodeStep>()>;
using Tokens = std::vector<std::string>;

std::string replace_all(const std::string& text, const std::string& from, const std::string& to) {
  std::string out;
  if (from.empty()) {  // then `to` stands before every character and at the end
    for (const char *p = text.data(), *end = p + text.size(); p != end;) {
      const char* const begin = p;
      decode_utf8(p, end);
      out += to;
      out.append(begin, p);
    }
    return out + to;
  }
  size_t done = 0;
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, done)) {
    out.append(text, done, at - done);
    out += to;
    done = at + from.size();
  }
  return out.append(text, done);
}

// A change of one token whatever comes after it. A fused token is put together first.
class PerToken : public DecodeStep {
 public:
  // index: of the token, from 0.
  using Change = std::function<std::string(const std::string& token, size_t index)>;
  PerToken(Change change, bool fused) : change_(std::move(change)), fused_(fused) {}

  void push(std::string token, Tokens& out) override {
    if (fused_) {
      held_ += token;
    } else {
      out.push_back(change_(token, index_++));
    }
  }
  void finish(Tokens& out) override {
    if (fused_) {
      out.push_back(change_(held_, 0));
    }
  }

 private:
  Change change_;
  bool fused_;
  size_t index_ = 0;
  std::string held_;
};

class Fuse : public DecodeStep {
 public:
  void push(std::string token, Tokens& out) override { out.push_back(std::move(token)); }
};

class ByteLevel : public DecodeStep {
 public:
  void push(std::string token, Tokens& out) override {
    held_ += token_to_bytes(token);
    const size_t complete = complete_utf8_prefix(held_);
    out.push_back(repair_utf8(std::string_view(held_).substr(0, complete)));
    held_.erase(0, complete);
  }
  void finish(Tokens& out) override { out.push_back(repair_utf8(held_)); }

 private:
  std::string held_;
};

// <0xE4>: one byte. Bytes in a row that are UTF-8 become a token, else each becomes U+FFFD.
class ByteFallback : public DecodeStep {
 public:
  void push(std::string token, Tokens& out) override {
    const int byte = byte_of(token);
    if (byte >= 0) {
      held_ += static_cast<char>(byte);
      return;
    }
    finish(out);
    out.push_back(std::move(token));
  }
  void finish(Tokens& out) override {
    if (!is_valid_utf8(held_)) {
      out.insert(out.end(), held_.size(), "\uFFFD");
    } else if (!held_.empty()) {
      out.push_back(held_);
    }
    held_.clear();
  }

 private:
  static int byte_of(const std::string& token) {
    if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>') {
      return -1;
    }
    int value = 0;
    for (size_t i = token[3] == '+' ? 4 : 3; i < 5; ++i) {  // HF takes <0x+A>, too
      const char c = token[i], lower = static_cast<char>(c | 0x20);
      if (!(c >= '0' && c <= '9') && !(lower >= 'a' && lower <= 'f')) {
        return -1;
      }
      value = value * 16 + (c <= '9' ? c - '0' : lower - 'a' + 10);
    }
    return value;
  }

  std::string held_;
};

// The suffix becomes a space, but for the last token, so each token waits for the next.
class BpeSuffix : public DecodeStep {
 public:
  explicit BpeSuffix(std::string suffix) : suffix_(std::move(suffix)) {}
  void push(std::string token, Tokens& out) override {
    if (any_) {
      out.push_back(replace_all(held_, suffix_, " "));
    }
    held_ = std::move(token);
    any_ = true;
  }
  void finish(Tokens& out) override {
    if (any_) {
      out.push_back(replace_all(held_, suffix_, ""));
    }
  }

 private:
  std::string suffix_, held_;
  bool any_ = false;
};

// Up to `start` times the character at the beginning and `stop` times at the end.
std::string strip(const std::string& token, const std::string& character, size_t start, size_t stop) {
  std::string_view left = token;
  for (size_t i = 0; i < start && left.starts_with(character); ++i) {
    left.remove_prefix(character.size());
  }
  for (size_t i = 0; i < stop && left.ends_with(character); ++i) {
    left.remove_suffix(character.size());
  }
  return std::string(left);
}

// The same for a fused token, as it comes by.
class StreamStrip : public DecodeStep {
 public:
  StreamStrip(std::string character, size_t start, size_t stop)
      : character_(std::move(character)), left_(start), stop_(stop) {}
  void push(std::string token, Tokens& out) override {
    held_ += token;
    while (left_ > 0 && held_.starts_with(character_)) {
      held_.erase(0, character_.size());
      --left_;
    }
    if (left_ > 0 && character_.starts_with(held_)) {
      return;
    }
    left_ = 0;
    size_t keep = held_.size();
    for (size_t i = 0; i < stop_ && std::string_view(held_).substr(0, keep).ends_with(character_); ++i) {
      keep -= character_.size();
    }
    out.push_back(held_.substr(0, keep));
    held_.erase(0, keep);
  }
  void finish(Tokens& out) override { out.push_back(strip(held_, character_, left_, stop_)); }

 private:
  std::string character_, held_;
  size_t left_, stop_;
};

// A literal in a fused token: what may still become a match waits.
class StreamReplace : public DecodeStep {
 public:
  StreamReplace(std::string from, std::string to) : from_(std::move(from)), to_(std::move(to)) {}
  void push(std::string token, Tokens& out) override {
    held_ += token;
    std::string done;
    size_t begin = 0;
    for (size_t at = held_.find(from_); at != std::string::npos; at = held_.find(from_, begin)) {
      done.append(held_, begin, at - begin);
      done += to_;
      begin = at + from_.size();
    }
    size_t keep = std::min(held_.size() - begin, from_.size() - 1);
    while (keep > 0 && !std::string_view(from_).starts_with(std::string_view(held_).substr(held_.size() - keep))) {
      --keep;
    }
    done.append(held_, begin, held_.size() - keep - begin);
    held_.erase(0, held_.size() - keep);
    out.push_back(std::move(done));
  }
  void finish(Tokens& out) override { out.push_back(held_); }

 private:
  std::string from_, to_, held_;
};

// WordPiece's English tidying, in this order.
std::string tidy(std::string text) {
  constexpr const char* kPairs[][2] = {{" .", "."},     {" ?", "?"},     {" !", "!"},           {" ,", ","},
                                       {" ' ", "'"},    {" n't", "n't"}, {" 'm", "'m"},         {" do not", " don't"},
                                       {" 's", "'s"},   {" 've", "'ve"}, {" 're", "'re"}};
  for (const auto& [from, to] : kPairs) {
    if (text.find(from) != std::string::npos) {
      text = replace_all(text, from, to);
    }
  }
  return text;
}

// Equal tokens in a row are one; empty ones go.
class Ctc : public DecodeStep {
 public:
  Ctc(std::string pad, std::string delimiter, bool cleanup)
      : pad_(std::move(pad)), delimiter_(std::move(delimiter)), cleanup_(cleanup) {}
  void push(std::string token, Tokens& out) override {
    if (any_ && token == last_) {
      return;
    }
    any_ = true;
    last_ = token;
    token = replace_all(token, pad_, "");
    token = cleanup_ ? replace_all(tidy(std::move(token)), delimiter_, " ") : token;
    if (!token.empty()) {
      out.push_back(std::move(token));
    }
  }

 private:
  std::string pad_, delimiter_, last_;
  bool cleanup_, any_ = false;
};

// Waits for the whole of a fused token.
class Whole : public DecodeStep {
 public:
  explicit Whole(std::unique_ptr<DecodeStep> inner) : inner_(std::move(inner)) {}
  void push(std::string token, Tokens&) override { held_ += token; }
  void finish(Tokens& out) override {
    inner_->push(std::move(held_), out);
    inner_->finish(out);
  }

 private:
  std::unique_ptr<DecodeStep> inner_;
  std::string held_;
};

template <typename Step, typename... Args>
Maker maker(bool fused, Args... args) {
  return [=]() -> std::unique_ptr<DecodeStep> {
    std::unique_ptr<DecodeStep> step = std::make_unique<Step>(args...);
    return fused ? std::make_unique<Whole>(std::move(step)) : std::move(step);
  };
}
Maker per_token(bool fused, PerToken::Change change) {
  return [=] { return std::make_unique<PerToken>(change, fused); };
}

Maker make_fuse(const Field&, bool) { return maker<Fuse>(false); }
Maker make_byte_level(const Field&, bool fused) { return maker<ByteLevel>(fused); }
Maker make_byte_fallback(const Field&, bool fused) { return maker<ByteFallback>(fused); }
Maker make_bpe(const Field& field, bool fused) { return maker<BpeSuffix>(fused, field.at("suffix").string()); }

Maker make_strip(const Field& field, bool fused) {
  std::string character;
  append_utf8(character, read_character(field.at("content")));
  const size_t start = static_cast<size_t>(field.at("start").integer(0, INT32_MAX));
  const size_t stop = static_cast<size_t>(field.at("stop").integer(0, INT32_MAX));
  if (fused) {
    return maker<StreamStrip>(false, character, start, stop);
  }
  return per_token(false, [=](const std::string& token, size_t) { return strip(token, character, start, stop); });
}

Maker make_replace(const Field& field, bool fused) {
  const std::string content = field.at("content").string();
  const Finder finder = read_pattern(field.at("pattern"));
  if (fused && finder.literal() != nullptr) {
    return maker<StreamReplace>(false, *finder.literal(), content);
  }
  return per_token(fused, [=](const std::string& token, size_t) {
    std::string out;
    size_t done = 0;
    finder.for_each(token, [&](size_t begin, size_t end) {
      out.append(token, done, begin - done);
      out += content;
      done = end;
    });
    return token.empty() ? token : out.append(token, done);
  });
}

Maker make_metaspace(const Field& field, bool fused) {
  std::string mark;
  append_utf8(mark, read_character(field.at("replacement")));
  const std::optional<Field> scheme = field.find("prepend_scheme");
  const bool drop_first = (!scheme || scheme->string() != "never") && field.flag("add_prefix_space", true);
  return per_token(fused, [=](const std::string& token, size_t index) {
    return replace_all(token, mark, index == 0 && drop_first ? "" : " ");
  });
}

Maker make_word_piece(const Field& field, bool fused) {
  const std::string prefix = field.at("prefix").string();
  const bool cleanup = field.at("cleanup").boolean();
  return per_token(fused, [=](const std::string& token, size_t index) {
    std::string out = index == 0                  ? token
                      : token.starts_with(prefix) ? token.substr(prefix.size())
                                                  : " " + token;
    return cleanup ? tidy(std::move(out)) : out;
  });
}

Maker make_ctc(const Field& field, bool fused) {
  return maker<Ctc>(fused, field.at("pad_token").string(), field.at("word_delimiter_token").string(),
                    field.at("cleanup").boolean());
}

struct DecoderKind {
  const char* type;
  Maker (*make)(const Field&, bool fused);
  std::initializer_list<const char*> fields;  // beside "type"
  bool fuses;                                 // what comes behind it is one token
};
const DecoderKind kDecoders[] = {
    {"ByteLevel", &make_byte_level, {"add_prefix_space", "trim_offsets", "use_regex"}, true},
    {"Metaspace", &make_metaspace, {"replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep"}, false},
    {"WordPiece", &make_word_piece, {"prefix", "cleanup"}, false},
    {"BPEDecoder", &make_bpe, {"suffix"}, false},
    {"CTC", &make_ctc, {"pad_token", "word_delimiter_token", "cleanup"}, false},
    {"Fuse", &make_fuse, {}, true},
    {"Strip", &make_strip, {"content", "start", "stop"}, false},
    {"Replace", &make_replace, {"pattern", "content"}, false},
    {"ByteFallback", &make_byte_fallback, {}, false},
};

void read_into(const Field& field, DecoderChain& chain) {
  const Field type = field.at("type");
  if (type.string() == "Sequence") {
    refuse_other_fields(field, {"decoders"});
    const Field list = field.at("decoders");
    for (size_t i = 0; i < list.list().size(); ++i) {
      read_into(list.item(i), chain);
    }
    return;
  }
  for (const DecoderKind& kind : kDecoders) {
    if (type.string() == kind.type) {
      refuse_other_fields(field, kind.fields);
      chain.steps.push_back(kind.make(field, chain.fused));
      chain.fused = chain.fused || kind.fuses;
      chain.byte_level_only = chain.steps.size() == 1 && type.string() == "ByteLevel";
      return;
    }
  }
  type.fail("is " + json_string(type.string()) + ", which is not supported", "supported: " + decoder_types());
}

}  // namespace

DecoderChain read_decoder(const Field& field) {
  DecoderChain chain;
  read_into(field, chain);
  return chain;
}

DecoderChain joined_by_spaces() {
  DecoderChain chain;
  chain.steps.push_back(per_token(
      false, [](const std::string& token, size_t index) { return index == 0 ? token : " " + token; }));
  return chain;
}

std::string decoder_types() {
  std::string names;
  for (const DecoderKind& kind : kDecoders) {
    names += kind.type + std::string(", ");
  }
  return names + "Sequence";
}

Decoding::Decoding(const DecoderChain& chain) {
  for (const auto& make : chain.steps) {
    steps_.push_back(make());
  }
}

// Lets tokens run through the chain from `step` on.
void Decoding::run(size_t step, Tokens tokens, std::string& out) {
  for (; step < steps_.size() && !tokens.empty(); ++step) {
    Tokens next;
    for (std::string& token : tokens) {
      steps_[step]->push(std::move(token), next);
    }
    tokens = std::move(next);
  }
  for (const std::string& token : tokens) {
    out += token;
  }
}

void Decoding::push(std::string_view token, std::string& out) { run(0, {std::string(token)}, out); }

void Decoding::finish(std::string& out) {
  for (size_t step = 0; step < steps_.size(); ++step) {
    Tokens rest;
    steps_[step]->finish(rest);
    run(step + 1, std::move(rest), out);
  }
}

}  // namespace athanor::token
