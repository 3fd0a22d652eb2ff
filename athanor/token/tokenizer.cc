#include "athanor/token/tokenizer.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/pipeline/partial_utf8.h"
#include "athanor/token/split/nfc_check.h"
#include "athanor/token/tokenizer_impl.h"

namespace athanor {

namespace {

const std::string kNothing;
constexpr size_t kKeptSymbols = size_t{1} << 20;  // a workspace that one huge piece has swollen is let go

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;

std::unique_ptr<token::Workspace> Tokenizer::Impl::take_workspace() const {
  const std::lock_guard<std::mutex> lock(mutex);
  if (workspaces.empty()) {
    return std::make_unique<token::Workspace>();
  }
  std::unique_ptr<token::Workspace> workspace = std::move(workspaces.back());
  workspaces.pop_back();
  return workspace;
}

void Tokenizer::Impl::give_workspace(std::unique_ptr<token::Workspace> workspace) const {
  if (workspace->symbols.capacity() <= kKeptSymbols) {
    const std::lock_guard<std::mutex> lock(mutex);
    workspaces.push_back(std::move(workspace));
  }
}

std::string_view Tokenizer::Impl::normalise(std::string_view part, std::string& scratch, size_t steps) const {
  const size_t size = part.size();
  for (size_t i = 0; i < std::min(steps, normalizers.size()); ++i) {
    const token::NormalizerStep& step = normalizers[i];
    if (step.type == "NFC" && step.plain) {
      if (!token::is_plainly_nfc(part)) {
        scratch = token::to_nfc_in_parts(part, step.plain);
        part = scratch;
      }
      continue;
    }
    if (step.plain) {
      scratch = step.plain(part);
    } else {
      token::Aligned aligned = token::Aligned::of(part, 0, false, !keeps_bytes);
      step.apply(aligned);
      scratch = std::move(aligned.text);
    }
    part = scratch;
    token::check_growth(size, part.size());
  }
  return part;
}

// One stretch without added tokens, normalised.
void Tokenizer::Impl::encode_stretch(std::string_view stretch, bool at_start, std::vector<int32_t>& ids) const {
  if (stretch.empty()) {
    return;
  }
  if (path.encoder != nullptr) {
    path.encoder->encode_normal(stretch, at_start, ids);
    return;
  }
  if (encoder) {
    if (pre_tokenizer.add_prefix_space && !stretch.starts_with(' ')) {
      encoder->encode(" " + std::string(stretch), ids);
    } else {
      encoder->encode(stretch, ids);
    }
    return;
  }
  token::Pieces pieces;
  pieces.text = token::Aligned::of(stretch, 0, false, !keeps_bytes);
  pieces.pieces = {{0, pieces.text.text.size(), -1, at_start}};
  for (const token::PreTokenizerStep& step : chain.steps) {
    step.apply(pieces);
  }
  if (chain.mapped) {
    token::unmap_bytes(pieces);
  }
  std::unique_ptr<token::Workspace> workspace = take_workspace();
  for (const token::Piece& piece : pieces.pieces) {
    const std::string_view text = pieces.text.text;
    model->encode(text.substr(piece.begin, piece.end - piece.begin), *workspace, ids);
  }
  give_workspace(std::move(workspace));
}

bool Tokenizer::Impl::none_in_normal(AddedTokens which) const {
  return normal_matcher.empty() || which == AddedTokens::kNone || (which == AddedTokens::kOrdinary && !normal_ordinary);
}

void Tokenizer::Impl::encode_text(std::string_view text, AddedTokens which, std::vector<int32_t>& ids) const {
  std::string scratch;
  const auto encode_part = [&](size_t begin, size_t end) {
    if (begin >= end) {  // rstrip may have taken the beginning of the next added token
      return;
    }
    if (path.encoder != nullptr && none_in_normal(which)) {
      const std::string_view part = text.substr(begin, end - begin);
      path.encoder->encode(normalise(part, scratch, path.normalizers_left), begin == 0, ids);
      return;
    }
    const std::string_view normal = normalise(text.substr(begin, end - begin), scratch);
    size_t done = 0;
    for (const Found& found : find_added(normal, true, which, {})) {
      if (found.begin > done) {
        encode_stretch(normal.substr(done, found.begin - done), begin == 0 && done == 0, ids);
      }
      ids.push_back(added[found.index].id);
      done = found.end;
    }
    encode_stretch(normal.substr(done), begin == 0 && done == 0, ids);
  };
  size_t done = 0;
  for (const Found& found : find_added(text, false, which, {})) {
    encode_part(done, found.begin);
    ids.push_back(added[found.index].id);
    done = found.end;
  }
  encode_part(done, text.size());
}

void Tokenizer::encode(std::string_view text, std::vector<int32_t>& ids) const {
  encode(text, AddedTokens::kOrdinary, ids);
}

void Tokenizer::encode(std::string_view text, AddedTokens which, std::vector<int32_t>& ids) const {
  const token::TextPath& path = impl_->path;
  const bool front_stays = path.encoder != nullptr && path.normalizers_left == 0 && impl_->none_in_normal(which) &&
                           path.encoder->keeps_front(text);
  if (impl_->needs_alignment && !front_stays) {
    const EncodeOptions options{.added_tokens = which};
    const token::Draft draft = impl_->draft(text, 0, options, true);
    ids.insert(ids.end(), draft.ids.begin(), draft.ids.end());
    return;
  }
  impl_->encode_text(text, which, ids);
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string out;
  constexpr size_t kFewIds = 64;  // not worth a table
  if (impl_->decoder.in_place && skip_special && ids.size() > kFewIds) {
    return impl_->make_text_decoder().decode(ids);
  }
  if (!impl_->decoder.byte_level_only) {
    StreamDecoder stream(*this, skip_special);
    for (const int32_t id : ids) {
      out += stream.push(id);
    }
    return out + stream.finish();
  }
  if (skip_special) {
    const Impl& impl = *impl_;
    std::call_once(impl.byte_decoder_made, [&impl] { impl.byte_decoder.emplace(impl.bytes, impl.special); });
    out = impl.byte_decoder->decode(ids);
  } else {
    for (const int32_t id : ids) {
      out += token_bytes(id);
    }
  }
  return is_valid_utf8(out) ? out : repair_utf8(out);
}

const token::TextDecoder& Tokenizer::Impl::make_text_decoder() const {
  std::call_once(text_decoder_made, [this] {
    std::vector<bool> left_out(tokens.size());
    for (size_t id = 0; id < left_out.size(); ++id) {
      left_out[id] = !present[id] || special[id];
    }
    text_decoder.emplace(decoder, tokens, left_out);
  });
  return *text_decoder;
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

struct StreamDecoder::State {
  const Tokenizer::Impl* impl;
  bool skip_special;
  token::Decoding decoding;
};

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool skip_special)
    : state_(new State{tokenizer.impl_.get(), skip_special, token::Decoding(tokenizer.impl_->decoder)}) {}
StreamDecoder::~StreamDecoder() = default;
StreamDecoder::StreamDecoder(StreamDecoder&&) noexcept = default;
StreamDecoder& StreamDecoder::operator=(StreamDecoder&&) noexcept = default;

std::string StreamDecoder::push(int32_t id) {
  const Tokenizer::Impl& impl = *state_->impl;
  std::string out;
  const bool known = id >= 0 && id < static_cast<int32_t>(impl.present.size()) && impl.present[id];
  if (known && !(state_->skip_special && impl.special[id])) {
    state_->decoding.push(*impl.tokens[id], out);
  }
  return out;
}

std::string StreamDecoder::finish() {
  std::string out;
  state_->decoding.finish(out);
  state_->decoding = token::Decoding(state_->impl->decoder);
  return out;
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
