// Pre-tokenisers: where a text is cut before the model sees it. Hand-written scanners for the regexes of the known
// families, exact in every case; a new family is one scanner and one line in the table of split.cc.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "athanor/token/file/json_field.h"

namespace athanor::token {

// Cuts text from `begin` on: writes the end of each piece, at most max of them; returns how many (0 only at the
// end of the text). Pieces cover every byte. Ill-formed bytes count as U+FFFD: neither letter, number nor space.
using Scan = size_t (*)(std::string_view text, size_t begin, size_t* ends, size_t max);

struct SplitKind {
  const char* name;   // in recipes: "gpt2"
  const char* about;
  const char* regex;  // as HF tokenizer files spell it; nullptr: ByteLevel's own
  Scan scan;
  bool byte_level;
  const char* normalizer;  // "NFC" or nullptr: what a tokenizer trained with this kind gets
};
std::span<const SplitKind> split_kinds();

// By name; Error(kUsage) that lists the names when there is none.
const SplitKind& split_kind(std::string_view name);

// A tokenizer.json of this kind, without tokens: "model" is a BPE with empty "vocab" and "merges".
Json frame_json(const SplitKind& kind);
// An entry of "added_tokens": a special token.
Json added_token_json(int32_t id, const std::string& content);

struct PreTokenizer {
  Scan scan = nullptr;
  bool byte_level = false;        // pieces are bytes in GPT-2's spelling
  bool add_prefix_space = false;  // a text that begins with no space gets one
  bool whole_chain = false;       // what the scanner cuts is what a known chain of steps would, piece by piece
};

// Error(kInput) naming the field for what is no such cut.
PreTokenizer read_pre_tokenizer(const Field& field);
// The same; nothing for what is no such cut.
std::optional<PreTokenizer> find_scan(const Field& field);

// The whole text is one piece.
size_t scan_whole(std::string_view text, size_t begin, size_t* ends, size_t max);

}  // namespace athanor::token
