#include "athanor/token/tokenizer.h"

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/tokenizer_impl.h"

namespace athanor {

namespace {

const std::string kNothing;

// Where the bytes that may still become a character begin: an incomplete sequence at the end of text.
size_t complete_prefix(std::string_view text) {
  for (size_t tail = 1; tail <= 3 && tail <= text.size(); ++tail) {
    const uint8_t byte = static_cast<uint8_t>(text[text.size() - tail]);
    if ((byte & 0xC0) == 0x80) {
      continue;
    }
    const size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    if (length <= tail) {
      break;
    }
    // One bad subpart over the whole tail: a prefix of some character. More than one: never to be completed.
    const std::string_view rest = text.substr(text.size() - tail);
    const char* p = rest.data();
    decode_utf8(p, rest.data() + rest.size());
    const bool may_complete = p == rest.data() + rest.size() && byte >= 0xC2 && byte <= 0xF4;
    return may_complete ? text.size() - tail : text.size();
  }
  return text.size();
}

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

void Tokenizer::encode(std::string_view text, std::vector<int32_t>& ids) const {
  if (text.empty()) {
    return;
  }
  std::string normal;
  for (const Normalize normalize : impl_->normalizers) {
    normal = normalize(text);
    text = normal;
  }
  if (impl_->pre_tokenizer.add_prefix_space && !text.starts_with(' ')) {
    normal = " " + std::string(text);
    text = normal;
  }
  impl_->encoder->encode(text, ids);
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string bytes;
  for (const int32_t id : ids) {
    if (!skip_special || !is_special(id)) {
      bytes += token_bytes(id);
    }
  }
  return is_valid_utf8(bytes) ? bytes : repair_utf8(bytes);
}

const std::string& Tokenizer::token_bytes(int32_t id) const {
  return id >= 0 && id < vocab_size() ? impl_->bytes[id] : kNothing;
}

int32_t Tokenizer::vocab_size() const { return static_cast<int32_t>(impl_->bytes.size()); }

std::optional<int32_t> Tokenizer::token_to_id(std::string_view token) const {
  for (const AddedToken& added : impl_->added) {
    if (added.content == token) {
      return added.id;
    }
  }
  return impl_->vocabulary.find(token);
}

bool Tokenizer::is_special(int32_t id) const { return id >= 0 && id < vocab_size() && impl_->special[id]; }

int32_t Tokenizer::end_of_text() const { return impl_->end_of_text; }

std::string StreamDecoder::push(int32_t id) {
  if (tokenizer_->is_special(id)) {
    return "";
  }
  held_ += tokenizer_->token_bytes(id);
  const size_t complete = complete_prefix(held_);
  std::string text = repair_utf8(std::string_view(held_).substr(0, complete));
  held_.erase(0, complete);
  return text;
}

std::string StreamDecoder::finish() {
  std::string text = repair_utf8(held_);
  held_.clear();
  return text;
}

void encode_batch(const Tokenizer& tokenizer, std::span<const std::string_view> texts, ThreadPool& pool,
                  std::vector<std::vector<int32_t>>& out) {
  out.resize(texts.size());
  pool.parallel_for(texts.size(), [&](size_t i) {
    out[i].clear();
    tokenizer.encode(texts[i], out[i]);
  });
}

}  // namespace athanor
