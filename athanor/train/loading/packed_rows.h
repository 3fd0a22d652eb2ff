// Whole documents packed into rows of T by best fit: no text is cut that fits into a row, and every token is a target
// exactly once an epoch. "Fewer Truncations Improve Language Modeling" (Ding et al. 2024).
//
// A document of n tokens and its end_of_text is a piece of n + 1 inputs (end_of_text, then the text) and n + 1 targets
// (the text, then end_of_text); in a set without end_of_text, of n - 1. A longer piece than T is cut into pieces of T and a
// rest. Pieces never see each other: each is a document of its own in document_BT. What is left of a row is filled with
// targets of -1.
//
// The documents are drawn into groups once, by the seed; a group's pieces, longest first, go each into the row with the
// least room that still holds it. An epoch visits the groups in a drawn order, and a group's rows in a drawn order. ordered:
// groups of neighbours, in order. Memory: one group's plan, 16 bytes a piece; starting costs one pass over the documents'
// lengths.
#pragma once

#include <mutex>
#include <vector>

#include "athanor/train/loading/rows.h"

namespace athanor {

class PackedRows : public Rows {
 public:
  // Error(kInput) for a set without a target. tokens must outlive the rows.
  PackedRows(const TokenSet& tokens, const LoaderOptions& options);
  uint64_t num_rows() const override { return num_rows_; }
  void fill(uint64_t sample, const RowPlace& place) const override;
  void documents(uint64_t sample, const std::function<void(uint64_t)>& see) const override;
  double padding() const override { return padding_; }

  static constexpr uint64_t kGroupDocuments = 16384;

 private:
  struct Piece {
    uint64_t document;
    uint32_t begin;  // first target, counted from the document's first
    uint32_t length;
  };
  using Group = std::vector<std::vector<Piece>>;  // rows of pieces

  uint64_t num_targets(uint64_t document) const;
  Group pack(uint64_t group) const;
  std::vector<Piece> row_of(uint64_t sample) const;
  void fill_piece(const Piece& piece, int64_t* inputs, int64_t* targets) const;

  const TokenSet& tokens_;
  LoaderOptions options_;
  bool has_end_;
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
