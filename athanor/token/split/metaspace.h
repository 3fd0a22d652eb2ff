// The cuts of SentencePiece-style text, found in the text as it stands: spaces need not become U+2581 (the marker)
// first. MarkerModel puts the marker in when a piece reaches the model, which with a warm cache is seldom.
#pragma once

#include "athanor/token/model/model.h"
#include "athanor/token/split/split.h"

namespace athanor::token {

inline constexpr std::string_view kMarker = "\xE2\x96\x81";  // U+2581

// In all of them a space and the marker itself are the same.
size_t scan_markers(std::string_view text, size_t begin, size_t* ends, size_t max);      // before each marker
size_t scan_marker_runs(std::string_view text, size_t begin, size_t* ends, size_t max);  // before each run of markers
// The same, but not after '>', or not after any ASCII character other than letters and digits.
size_t scan_runs_not_after_angle(std::string_view text, size_t begin, size_t* ends, size_t max);
size_t scan_runs_after_words(std::string_view text, size_t begin, size_t* ends, size_t max);
// Before each run of White_Space, and before each marker: WhitespaceSplit, then Metaspace.
size_t scan_white_markers(std::string_view text, size_t begin, size_t* ends, size_t max);

// The widest cut between runs of markers that no token of the model crosses: then the ids of the whole text are those
// of its pieces, one after the other. nullptr when there is none.
Scan scan_within_tokens(const TokenModel& model, const Vocabulary& vocabulary);

// Where the marker goes in what scan_... cut.
enum class Marking {
  kSpaces,  // in the place of each space
  kWords,   // White_Space at the front goes, and the marker takes its place, if the piece has none (scan_white_markers)
};

class MarkerModel : public TokenModel {
 public:
  MarkerModel(const TokenModel& model, Marking marking) : model_(model), marking_(marking) {}  // model outlives it
  void encode(std::string_view piece, Workspace& work, std::vector<int32_t>& ids) const override;
  // A marker that was put in has the bytes of the space it stands for; one at the front of a word, none.
  void encode_spans(std::string_view piece, Workspace& work, std::vector<int32_t>& ids,
                    std::vector<Span>& spans) const override;

 private:
  std::string_view mark(std::string_view piece, Workspace& work) const;  // in work.text; empty for nothing but space

  const TokenModel& model_;
  Marking marking_;
};

}  // namespace athanor::token
