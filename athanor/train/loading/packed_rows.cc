#include "athanor/train/loading/packed_rows.h"

#include <algorithm>

#include "athanor/base/error.h"

namespace athanor {

PackedRows::PackedRows(const TokenSet& tokens, const LoaderOptions& options)
    : tokens_(tokens),
      options_(options),
      has_end_(tokens.end_of_text() >= 0),
      packing_(
          tokens.num_documents(),
          [this](uint64_t document) {
            const uint64_t stored = tokens_.document_end(document) - tokens_.document_begin(document);
            return has_end_ || stored == 0 ? stored : stored - 1;
          },
          {.capacity = static_cast<uint64_t>(options.sequence_length),
           .seed = static_cast<uint64_t>(options.seed),
           .ordered = options.sampling == "ordered"}) {
  if (packing_.num_rows() == 0) {
    throw Error(ErrorKind::kInput, "the training set has no document with a token to predict");
  }
}

void PackedRows::fill(uint64_t sample, const RowPlace& place) const {
  const std::vector<Piece> row = packing_.row(sample);
  int64_t at = 0;
  int32_t mark = 0;
  for (const Piece& piece : row) {
    fill_piece(piece, place.inputs + at, place.targets + at);
    std::fill_n(place.documents + at, piece.length, mark);
    at += piece.length;
    ++mark;
  }
  const int64_t rest = options_.sequence_length - at;
  std::fill_n(place.inputs + at, rest, has_end_ ? tokens_.end_of_text() : 0);
  std::fill_n(place.targets + at, rest, -1);
  std::fill_n(place.documents + at, rest, mark);
}

void PackedRows::fill_piece(const Piece& piece, int64_t* inputs, int64_t* targets) const {
  const uint64_t first = tokens_.document_begin(piece.document);
  const size_t length = piece.length;
  std::vector<int32_t> ids(length + 1);
  if (has_end_) {  // the inputs stand one before the targets, and before the first one there is end_of_text
    tokens_.read(first + piece.begin, length, ids.data() + 1);
    ids[0] = tokens_.end_of_text();
    if (piece.begin > 0) {
      tokens_.read(first + piece.begin - 1, 1, ids.data());
    }
  } else {
    tokens_.read(first + piece.begin, length + 1, ids.data());
  }
  std::copy(ids.begin(), ids.end() - 1, inputs);
  std::copy(ids.begin() + 1, ids.end(), targets);
}

void PackedRows::documents(uint64_t sample, const std::function<void(uint64_t)>& see) const {
  for (const Piece& piece : packing_.row(sample)) {
    see(piece.document);
  }
}

}  // namespace athanor
