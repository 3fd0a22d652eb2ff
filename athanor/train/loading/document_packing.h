// Which pieces of which documents stand together in a row: best fit, "Fewer Truncations Improve Language Modeling" (Ding et
// al. 2024). No document that fits into a row is cut; each token is in one row an epoch.
//
// The documents are drawn into groups once, by the seed. A group's documents are cut into pieces of at most
// capacity - overhead tokens, and these, longest first, go each into the row with the least room that still holds it. An
// epoch visits the groups in a drawn order, and a group's rows in a drawn order. ordered: groups of neighbours, in order.
// Memory: one group's plan, 16 bytes a piece; starting costs one pass over the documents' lengths.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

namespace athanor {

struct Piece {
  uint64_t document;
  uint32_t begin;   // first token, counted from the document's first
  uint32_t length;
};

struct PackingOptions {
  uint64_t capacity = 0;  // tokens a row
  uint64_t overhead = 0;  // places of a row that each piece takes beside its tokens
  uint64_t seed = 1;
  bool ordered = false;
};

class DocumentPacking {
 public:
  // length_of: tokens of a document; it must outlive this. Thread-safe where length_of is.
  DocumentPacking(uint64_t num_documents, std::function<uint64_t(uint64_t)> length_of, const PackingOptions& options);

  uint64_t num_rows() const { return num_rows_; }  // an epoch; 0: no document holds a token
  double padding() const { return padding_; }      // the share of an epoch's places that hold neither token nor overhead
  std::vector<Piece> row(uint64_t sample) const;   // sample: any, of epoch sample / num_rows()

  static constexpr uint64_t kGroupDocuments = 16384;

 private:
  using Group = std::vector<std::vector<Piece>>;  // rows of pieces
  Group pack(uint64_t group) const;

  uint64_t num_documents_;
  std::function<uint64_t(uint64_t)> length_of_;
  PackingOptions options_;
  std::vector<uint64_t> group_rows_;
  uint64_t num_rows_ = 0;
  double padding_ = 0;

  // What was asked last: rows of a group are asked one after another.
  mutable std::mutex mutex_;
  mutable uint64_t cached_epoch_ = ~uint64_t{0};
  mutable std::vector<uint64_t> order_;      // groups, as the epoch visits them
  mutable std::vector<uint64_t> first_row_;  // of each, in that order
  mutable uint64_t cached_group_ = ~uint64_t{0};
  mutable Group cached_;
};

}  // namespace athanor
