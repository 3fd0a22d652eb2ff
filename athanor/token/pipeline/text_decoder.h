// Ids back to text where a token gives the same text wherever it stands, but for the first ones and for bytes that make
// characters together: the decoders of BERT (WordPiece), Metaspace and SentencePiece (Replace, ByteFallback, Fuse,
// Strip at the start). What those chains give, from a table.
//
//   TextDecoder decoder(chain, tokens, left_out);
//   decoder.decode(ids);
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "athanor/token/pipeline/byte_decoder.h"
#include "athanor/token/pipeline/decoder.h"

namespace athanor::token {

class TextDecoder {
 public:
  // chain.in_place holds. tokens: by id, left_out: those that give nothing. chain and the tokens outlive the decoder.
  TextDecoder(const DecoderChain& chain, const std::vector<const std::string*>& tokens, const std::vector<bool>& left_out);

  std::string decode(std::span<const int32_t> ids) const;

 private:
  struct Tables {
    std::vector<std::string> texts;  // by id, what each gives once text has come
    std::vector<bool> held;          // by id: bytes, which wait for what follows; empty when there are none
    bool usable;
    std::vector<int16_t> bytes;      // by id: the byte, or less than 0; empty when they are left to the chain
  };
  static Tables make_tables(const DecoderChain& chain, const std::vector<const std::string*>& tokens,
                            const std::vector<bool>& left_out);
  TextDecoder(const DecoderChain& chain, const std::vector<const std::string*>& tokens, const std::vector<bool>& left_out,
              Tables tables);

  // Appends what some of the ids give, text and bytes alike, when that is valid UTF-8: bytes that make characters then
  // stand by themselves between texts, which are valid. Returns how many ids those are, 0 when it is not. No run of
  // bytes is parted.
  size_t append_block(std::span<const int32_t> ids, ByteDecoder::Block& block, std::string& out) const;

  // Decodes the bytes that ids begin with, and returns how many ids they are, those that give nothing between them too.
  size_t append_bytes(std::span<const int32_t> ids, std::string& scratch, std::string& out) const;

  const DecoderChain& chain_;
  std::vector<const std::string*> tokens_;
  std::vector<bool> left_out_, held_;
  std::vector<int16_t> bytes_;
  ByteDecoder texts_;
  bool usable_;  // false: all goes through the chain
};

}  // namespace athanor::token
