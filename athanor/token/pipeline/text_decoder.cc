#include "athanor/token/pipeline/text_decoder.h"

namespace athanor::token {

namespace {

constexpr size_t kMaxTable = size_t{1} << 26;  // bytes; a hostile chain could make more of every token

}  // namespace

TextDecoder::TextDecoder(const DecoderChain& chain, const std::vector<const std::string*>& tokens,
                         const std::vector<bool>& left_out)
    : TextDecoder(chain, tokens, left_out, make_tables(chain, tokens, left_out)) {}

TextDecoder::TextDecoder(const DecoderChain& chain, const std::vector<const std::string*>& tokens,
                         const std::vector<bool>& left_out, Tables tables)
    : chain_(chain),
      tokens_(tokens),
      left_out_(left_out),
      held_(std::move(tables.held)),
      texts_(tables.usable ? tables.texts : std::vector<std::string>(), left_out),
      usable_(tables.usable) {}

TextDecoder::Tables TextDecoder::make_tables(const DecoderChain& chain, const std::vector<const std::string*>& tokens,
                                             const std::vector<bool>& left_out) {
  Tables tables{std::vector<std::string>(tokens.size()), std::vector<bool>(chain.joins_bytes ? tokens.size() : 0), false};
  Decoding decoding(chain);
  std::string letter, text, again;
  for (char c = 'a'; text.empty() && c <= 'z'; ++c) {  // of a hostile chain some letters, or all, may give nothing
    decoding.push(letter = std::string(1, c), text);
  }
  if (text.empty()) {
    return tables;
  }
  decoding.push(letter, again);
  size_t size = 0;
  for (size_t id = 0; id < tokens.size() && size <= kMaxTable; ++id) {
    if (left_out[id]) {
      continue;
    }
    decoding.push(*tokens[id], tables.texts[id]);
    size += tables.texts[id].size();
    if (chain.joins_bytes) {
      std::string next;
      decoding.push(letter, next);
      tables.held[id] = next != again;
    }
  }
  tables.usable = size <= kMaxTable;
  return tables;
}

std::string TextDecoder::decode(std::span<const int32_t> ids) const {
  std::string out;
  Decoding decoding(chain_);
  bool settled = false;  // text has come, and no byte waits
  for (size_t i = 0; i < ids.size();) {
    if (settled) {
      i += texts_.append(ids.subspan(i), held_, out);
      if (i == ids.size()) {
        break;
      }
    }
    const auto id = static_cast<size_t>(static_cast<uint32_t>(ids[i++]));
    if (id < tokens_.size() && !left_out_[id]) {
      decoding.push(*tokens_[id], out);
      settled = usable_ && !out.empty() && (held_.empty() || !held_[id]);
    }
  }
  decoding.finish(out);
  return out;
}

}  // namespace athanor::token
