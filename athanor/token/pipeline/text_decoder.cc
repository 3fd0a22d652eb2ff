#include "athanor/token/pipeline/text_decoder.h"

#include <cstdio>

#include "athanor/base/unicode.h"

namespace athanor::token {

namespace {

const std::string kBadByte = "\xEF\xBF\xBD";  // what each byte of a run gives that is not UTF-8

// "<0x41>"; -1 for what is no such token.
int byte_of_token(const std::string& token) {
  int byte = -1, read = 0;
  const bool is_one = token.size() == 6 && token.starts_with("<0x") &&
                      std::sscanf(token.c_str(), "<0x%2x>%n", reinterpret_cast<unsigned*>(&byte), &read) == 1;
  return is_one && read == 6 ? byte : -1;
}

constexpr int16_t kNoByte = -1, kNothing = -2;  // ids that give text; that give nothing

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
      bytes_(std::move(tables.bytes)),
      texts_(tables.usable ? tables.texts : std::vector<std::string>(), left_out),
      usable_(tables.usable) {}

TextDecoder::Tables TextDecoder::make_tables(const DecoderChain& chain, const std::vector<const std::string*>& tokens,
                                             const std::vector<bool>& left_out) {
  Tables tables{std::vector<std::string>(tokens.size()), std::vector<bool>(chain.joins_bytes ? tokens.size() : 0), false,
                std::vector<int16_t>(chain.ends_with_bytes ? tokens.size() : 0, kNoByte)};
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
      if (!tables.bytes.empty()) {
        tables.bytes[id] = kNothing;
      }
      continue;
    }
    decoding.push(*tokens[id], tables.texts[id]);
    size += tables.texts[id].size();
    if (chain.joins_bytes) {
      std::string next;
      decoding.push(letter, next);
      tables.held[id] = next != again;
      if (tables.held[id] && !tables.bytes.empty()) {
        const int byte = byte_of_token(*tokens[id]);
        const std::string alone = byte < 0 ? "" : byte < 0x80 ? std::string(1, static_cast<char>(byte)) : kBadByte;
        tables.bytes[id] = static_cast<int16_t>(byte);
        if (byte < 0 || !tables.texts[id].empty() || next != alone + again) {
          tables.bytes.clear();
        }
      }
    }
  }
  for (size_t id = 0; id < tables.bytes.size(); ++id) {
    if (tables.bytes[id] >= 0) {
      tables.texts[id] = std::string(1, static_cast<char>(tables.bytes[id]));
    }
  }
  tables.usable = size <= kMaxTable;
  return tables;
}

size_t TextDecoder::append_bytes(std::span<const int32_t> ids, std::string& scratch, std::string& out) const {
  scratch.clear();
  size_t taken = 0;
  for (size_t i = 0; i < ids.size(); ++i) {
    const auto id = static_cast<size_t>(static_cast<uint32_t>(ids[i]));
    const int16_t byte = id < bytes_.size() ? bytes_[id] : kNothing;
    if (byte == kNoByte) {
      break;
    }
    if (byte != kNothing) {
      scratch += static_cast<char>(byte);
      taken = i + 1;
    }
  }
  if (is_valid_utf8(scratch)) {
    out += scratch;
    return taken;
  }
  for (size_t i = 0; i < scratch.size(); ++i) {
    out += kBadByte;
  }
  return taken;
}

size_t TextDecoder::append_block(std::span<const int32_t> ids, ByteDecoder::Block& block, std::string& out) const {
  size_t count = std::min(texts_.ids_a_block(), ids.size());
  const auto begins_text = [this](int32_t id) {
    return static_cast<uint32_t>(id) < bytes_.size() && bytes_[static_cast<uint32_t>(id)] == kNoByte;
  };
  while (count > 0 && count < ids.size() && !begins_text(ids[count])) {
    --count;
  }
  const size_t bytes = texts_.write(ids.first(count), block);
  if (!is_valid_utf8({block.get(), bytes})) {
    return 0;
  }
  out.append(block.get(), bytes);
  if (out.capacity() < out.size() + bytes) {
    ByteDecoder::reserve_like(bytes, count, ids.size(), out);
  }
  return count;
}

std::string TextDecoder::decode(std::span<const int32_t> ids) const {
  std::string out, scratch;
  ByteDecoder::Block block = texts_.make_block();
  Decoding decoding(chain_);
  bool settled = false;  // text has come, and no byte waits
  size_t by_parts = 0;   // up to here text and bytes are taken by turns, since they are not valid together
  for (size_t i = 0; i < ids.size();) {
    if (settled) {
      const size_t before = i;
      if (!bytes_.empty() && i >= by_parts) {
        i += append_block(ids.subspan(i), block, out);
        if (i > before) {
          continue;
        }
        by_parts = i + texts_.ids_a_block();
      }
      i += texts_.append(ids.subspan(i), held_, block, out);
      i += bytes_.empty() ? 0 : append_bytes(ids.subspan(i), scratch, out);
      if (i > before) {
        continue;
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
