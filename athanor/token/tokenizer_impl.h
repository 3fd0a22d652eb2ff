// The parts of a Tokenizer, in the order in which a text goes through them. tokenizer.cc (encode, decode),
// encode_full.cc (with offsets) and file/tokenizer_json.cc (load, save) share them.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "athanor/token/model/model.h"
#include "athanor/token/piece_encoder.h"
#include "athanor/token/pipeline/added_tokens.h"
#include "athanor/token/pipeline/byte_decoder.h"
#include "athanor/token/pipeline/decoder.h"
#include "athanor/token/pipeline/normalizer.h"
#include "athanor/token/pipeline/post_processor.h"
#include "athanor/token/pipeline/pre_tokenizer.h"
#include "athanor/token/pipeline/text_decoder.h"
#include "athanor/token/pipeline/text_encoder.h"
#include "athanor/token/split/split.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

struct AddedToken {
  int32_t id;
  std::string content;
  bool special, single_word, lstrip, rstrip, normalized;
  std::string searched;  // content, or what the normalizers make of it
};

// Whether [begin, end) touches one of the ranges, which are in order and apart.
bool overlaps(std::span<const TextSpan> data, size_t begin, size_t end);

struct Tokenizer::Impl {
  // 1. Added tokens are found in the text as it is, or (those with "normalized") in what the normalizers made of it.
  std::vector<AddedToken> added;
  token::AddedTokenMatcher raw_matcher, normal_matcher;   // index: into added
  bool raw_ordinary = false, normal_ordinary = false;     // whether they know a token that is not special
  // 2.
  std::vector<token::NormalizerStep> normalizers;
  // 3. One scanner, then the hot loop; else a chain of steps, slower.
  token::PreTokenizer pre_tokenizer;
  std::optional<token::PieceEncoder> encoder;
  token::TextPath path;  // or a pipeline of known shape, normalizer and all
  token::PreTokenizerChain chain;
  bool byte_level = false;    // the model gets bytes; the vocabulary is in GPT-2's spelling
  bool keeps_bytes = false;   // ill-formed UTF-8 reaches the model as it is
  bool needs_alignment = false;  // a step asks where in the original text it is, and a normalizer may have moved it
  // 4.
  token::Vocabulary vocabulary;
  std::unique_ptr<token::TokenModel> model;
  // 5.
  token::PostProcessor post_processor;
  std::optional<token::Truncation> truncation;
  std::optional<token::Padding> padding;
  // 6. Back to text.
  token::DecoderChain decoder;
  std::vector<const std::string*> tokens;  // by id, as the decoder gets them: the vocabulary's or an added token's
  std::vector<std::string> bytes;   // by id, what a token stands for
  std::vector<bool> present;        // by id
  std::vector<bool> special;        // by id: what decode leaves out
  std::unordered_set<std::string> special_contents;
  mutable std::once_flag byte_decoder_made;
  mutable std::optional<token::ByteDecoder> byte_decoder;  // made by the first decode
  mutable std::once_flag text_decoder_made;
  mutable std::optional<token::TextDecoder> text_decoder;
  int32_t end_of_text = -1;

  // Sections that are kept as they were read, and the members of "model" beside vocab and merges.
  token::Json sections, model_fields;
  std::string model_type;
  bool in_lines = true;  // how the file was laid out

  static std::unique_ptr<Impl> from_value(const token::Json& json, const std::string& where);
  static std::unique_ptr<Impl> from_root(const token::Field& root);
  void read_path(const token::Field& root);  // normalizers and pre-tokenizers
  void add_token(AddedToken token);
  const token::TextDecoder& make_text_decoder() const;
  void fill_tables();  // tokens, bytes, special and end_of_text, from the vocabulary and the added tokens

  // What an added token takes of a text, spaces of lstrip and rstrip included.
  struct Found {
    size_t begin, end;
    uint32_t index;  // into added
  };
  std::vector<Found> find_added(std::string_view text, bool normal, AddedTokens which,
                                std::span<const TextSpan> data) const;
  // The text of a part between added tokens; scratch holds it if it had to change.
  // steps: only the first so many.
  std::string_view normalise(std::string_view part, std::string& scratch, size_t steps = ~size_t{0}) const;
  bool none_in_normal(AddedTokens which) const;  // no added token is looked for after the normalizers
  // Whether the ids of text are the encoder's, and nothing comes before or after it.
  bool goes_straight(std::string_view text) const;
  void encode_text(std::string_view text, AddedTokens which, std::vector<int32_t>& ids) const;
  void encode_stretch(std::string_view stretch, bool at_start, std::vector<int32_t>& ids) const;
  // Everything before the model.
  token::Pieces prepare(std::string_view text, AddedTokens which, std::span<const TextSpan> data, bool tracked) const;
  // Whether the scanner's pieces are the words: one for more than two steps may cut finer than they.
  bool scans_words() const;
  // Whether draft_straight gives what draft does: by the encoder's ids and the lengths of their bytes.
  bool drafts_straight(std::string_view text, const EncodeOptions& options) const;
  token::Draft draft_straight(std::string_view text, int32_t type_id, const EncodeOptions& options) const;
  token::Draft draft(std::string_view text, int32_t type_id, const EncodeOptions& options, bool is_first) const;
  token::Draft process(std::vector<token::Draft> drafts, const EncodeOptions& options) const;

  std::unique_ptr<token::Workspace> take_workspace() const;
  void give_workspace(std::unique_ptr<token::Workspace> workspace) const;
  mutable std::mutex mutex;
  mutable std::vector<std::unique_ptr<token::Workspace>> workspaces;
};

}  // namespace athanor
