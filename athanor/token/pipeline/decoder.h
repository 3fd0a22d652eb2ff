// Decoders of tokenizer.json: from the spelling of tokens back to text, token by token, so that a stream and a whole
// list of ids go the same way. Each type is one small class and one line in the table of decoder.cc.
//
//   DecoderChain chain = read_decoder(field);
//   Decoding decoding(chain);
//   decoding.push("Ġhello", out);  // appends what is certain
//   decoding.finish(out);
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/file/json_field.h"

namespace athanor::token {

// Gets tokens one by one. Behind Fuse and ByteLevel all text is one token, which comes in parts.
class DecodeStep {
 public:
  virtual ~DecodeStep() = default;
  virtual void push(std::string token, std::vector<std::string>& out) = 0;
  virtual void finish(std::vector<std::string>&) {}
};

struct DecoderChain {
  std::vector<std::function<std::unique_ptr<DecodeStep>()>> steps;
  bool fused = false;            // the text behind the last step is one token
  bool byte_level_only = false;  // one ByteLevel and nothing else
  bool in_place = false;         // once text has come, each token gives the same text wherever it stands (but bytes)
  bool joins_bytes = false;      // bytes in a row become characters
  bool ends_with_bytes = false;  // and nothing behind that changes text, once some has come
};

// Error(kInput) naming the field for what is not supported.
DecoderChain read_decoder(const Field& field);
// What HF does without a decoder: tokens with spaces between.
DecoderChain joined_by_spaces();

std::string decoder_types();

class Decoding {
 public:
  explicit Decoding(const DecoderChain& chain);
  void push(std::string_view token, std::string& out);
  void finish(std::string& out);

 private:
  void run(size_t step, std::vector<std::string> tokens, std::string& out);

  std::vector<std::unique_ptr<DecodeStep>> steps_;
};

}  // namespace athanor::token
