// Whole documents packed into rows of T: every token is a target exactly once an epoch. See document_packing.h.
//
// A document of n tokens and its end_of_text is n + 1 inputs (end_of_text, then the text) and n + 1 targets (the text, then
// end_of_text); in a set without end_of_text, n - 1. Pieces never see each other: each is a document of its own in
// document_BT. What is left of a row is filled with targets of -1.
#pragma once

#include "athanor/train/loading/document_packing.h"
#include "athanor/train/loading/rows.h"

namespace athanor {

class PackedRows : public Rows {
 public:
  // Error(kInput) for a set without a target. tokens must outlive the rows.
  PackedRows(const TokenSet& tokens, const LoaderOptions& options);
  uint64_t num_rows() const override { return packing_.num_rows(); }
  void fill(uint64_t sample, const RowPlace& place) const override;
  void documents(uint64_t sample, const std::function<void(uint64_t)>& see) const override;
  double padding() const override { return packing_.padding(); }

 private:
  void fill_piece(const Piece& piece, int64_t* inputs, int64_t* targets) const;

  const TokenSet& tokens_;
  LoaderOptions options_;
  bool has_end_;
  DocumentPacking packing_;
};

}  // namespace athanor
