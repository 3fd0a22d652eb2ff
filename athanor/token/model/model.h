// What turns one pre-token into ids. A kind of model is one file and one line in the table of model.cc.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/rng.h"
#include "athanor/token/file/json_field.h"
#include "athanor/token/model/merge_queue.h"
#include "athanor/token/model/seams.h"
#include "athanor/token/model/vocabulary.h"

namespace athanor::token {

// The best way to a place in a piece, and the token that ends there.
struct PathNode {
  double score;
  uint32_t begin;
  int32_t id;
};

// Room that a model needs while it encodes; one per thread that encodes, kept between calls.
struct Workspace {
  std::vector<int32_t> symbols;
  std::vector<uint32_t> ranks, previous, next;
  std::vector<uint64_t> heap, pairs, dead;
  std::vector<int32_t> window, window_before;  // model/windows.h
  MergeQueue queue;
  std::vector<PathNode> path;
  std::string text;  // a piece on its way into another spelling
};

// How encode_sampled departs from encode.
struct Sampling {
  double dropout = 0;  // BPE: the chance that a merge is passed over (Provilkov, Emelianenko, Voita 2020)
  double alpha = 0;    // Unigram: paths are drawn with probability ~ P(path)^alpha (Kudo 2018); 0 is encode
  int nbest = 0;       // Unigram: draw only from the n best paths; 0 or 1: from all
};

// The bytes [begin, end) of a piece, as the model got it, that a token stands for; as HF tokenizers gives them. They
// may overlap (Unigram's byte fallback: each byte token has the whole unknown stretch) and may leave bytes out.
struct Span {
  uint32_t begin, end;
  bool operator==(const Span&) const = default;
};

struct ByteJoins;  // model/byte_joins.h

class TokenModel {
 public:
  virtual ~TokenModel() = default;
  // Appends the ids of one pre-token (not empty). Thread-safe; depends on nothing but the piece.
  virtual void encode(std::string_view piece, Workspace& work, std::vector<int32_t>& ids) const = 0;
  // The same ids, and as many spans.
  virtual void encode_spans(std::string_view piece, Workspace& work, std::vector<int32_t>& ids,
                            std::vector<Span>& spans) const = 0;
  // Draws one of the ways to write the piece; a pure function of the piece, sampling and the generator's state. Models
  // without such ways encode.
  virtual void encode_sampled(std::string_view piece, const Sampling& sampling, Rng& rng, Workspace& work,
                              std::vector<int32_t>& ids) const;
  // Calls visit with the text of each token that encode can make by joining what stands side by side. False, and no
  // call, when a cut that no such token crosses could still change the ids.
  virtual bool visit_joined(const std::function<void(std::string_view)>& visit) const;
  // Whether the bytes of a piece's ids, one after the other, are the piece.
  virtual bool keeps_bytes() const { return false; }
  // Where any piece may be cut further without changing its ids, if anything is known of that. The first call may take
  // some milliseconds.
  virtual bool has_seams() const { return false; }
  virtual const Seams* seams() const { return nullptr; }
  // When the model is one of bytes for which this holds. The first call may take some milliseconds.
  virtual bool has_byte_joins() const { return false; }
  virtual const ByteJoins* byte_joins() const { return nullptr; }
  // The members of tokenizer.json's "model" that hold the vocabulary, without braces.
  virtual void write(const Vocabulary& vocabulary, std::string& out) const { vocabulary.write(out); }
};

struct ModelKind {
  const char* type;  // "model.type" in tokenizer.json
  const char* about;
  // Reads the model's fields and fills the vocabulary. byte_level: the pieces are bytes, in GPT-2's spelling.
  std::unique_ptr<TokenModel> (*make)(const Field& model, bool byte_level, Vocabulary& vocabulary);
};

std::span<const ModelKind> model_kinds();

// The ids of "<0x00>" to "<0xFF>", -1 where there is none.
std::vector<int32_t> byte_tokens(const Vocabulary& vocabulary);

// By "model.type", or by which members there are when an old file leaves the type out.
std::unique_ptr<TokenModel> make_model(const Field& model, bool byte_level, Vocabulary& vocabulary);

}  // namespace athanor::token
