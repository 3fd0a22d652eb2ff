#include "athanor/token/pipeline/decoder.h"

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/pipeline/decode_steps.h"
#include "athanor/token/pipeline/fields.h"
#include "athanor/token/pipeline/regex.h"

namespace athanor::token {

namespace {

using Maker = std::function<std::unique_ptr<DecodeStep>()>;
using namespace decode_steps;

constexpr size_t kMaxGrowth = size_t{1} << 28;

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

// Whether the step gives, once text has come, the same text for a token wherever it stands.
bool works_in_place(const Field& field, bool fused) {
  const std::string& type = field.at("type").string();
  if (fused) {
    return type == "Fuse" || (type == "Strip" && field.at("stop").integer(0, INT32_MAX) == 0);
  }
  return type == "WordPiece" || type == "Metaspace" || type == "Replace" || type == "ByteFallback" || type == "Fuse" ||
         type == "Strip";
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
      chain.in_place = (chain.steps.empty() || chain.in_place) && works_in_place(field, chain.fused);
      const bool keeps_text = type.string() == "Fuse" || (type.string() == "Strip" && chain.fused);
      chain.ends_with_bytes = type.string() == "ByteFallback" ? !chain.joins_bytes : chain.ends_with_bytes && keeps_text;
      chain.joins_bytes = chain.joins_bytes || type.string() == "ByteFallback";
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
  chain.in_place = true;
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
    size_t size = 0;
    for (const std::string& token : tokens) {
      size += token.size();
    }
    if (size > kMaxGrowth) {
      throw Error(ErrorKind::kInput, "the decoder makes " + std::to_string(size) + " bytes of one token");
    }
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
