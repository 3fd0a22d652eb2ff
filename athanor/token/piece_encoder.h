// The hot loop: cuts a text, and gives each piece its ids from a cache or from the model.
//
//   const PieceEncoder encoder(&scan_gpt2, model);
//   encoder.encode("Hello world", ids);  // appends
//
// Thread-safe: each call borrows a Room (workspace and cache), so no lock is held while encoding and caches stay
// warm between calls.
#pragma once

#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include "athanor/token/model/model.h"
#include "athanor/token/piece_cache.h"
#include "athanor/token/short_pieces.h"
#include "athanor/token/split/split.h"

namespace athanor::token {

// Room for `needed` ids in all: for those of the whole text at once when so much of it is done (bytes, of total) that the
// rest can be foretold. begun_with: how many ids there were before the text.
void make_room(size_t needed, size_t begun_with, size_t done, size_t total, std::vector<int32_t>& ids);

class PieceEncoder {
 public:
  // model outlives the encoder.
  PieceEncoder(Scan scan, const TokenModel& model)
      : scan_(scan), model_(&model), has_joins_(model.has_byte_joins()), has_seams_(model.has_seams()) {}

  Scan scan() const { return scan_; }

  // Appends the ids of text, already normalised.
  void encode(std::string_view text, std::vector<int32_t>& ids) const;

  // How many ids encode() gives; none is kept.
  size_t count(std::string_view text) const;

  // Of the ids that encode() gives, the first max_ids, and no more of text read than that takes (a batch of pieces
  // further at most): the byte where the last of them ends.
  size_t cut(std::string_view text, size_t max_ids) const;

 private:
  static constexpr size_t kBatch = 256;     // pieces looked up at a time
  static constexpr size_t kShortMean = 3;   // bytes a piece below which a batch may be no text
  static_assert(kShortMean * kBatch <= kShortPieceBytes);

  struct Room {
    Workspace work;
    PieceCache cache;
    std::vector<int32_t> piece_ids, ids;
    PieceKey keys[kBatch];
    uint64_t hashes[kBatch];
  };

  // Whether these may be bytes that are no text.
  bool are_short(size_t bytes, size_t count) const { return has_joins_ && bytes < kShortMean * count; }

  class Loan;
  template <class Each>
  void for_batches(std::string_view text, Each&& each) const;
  void encode_pieces(std::string_view text, size_t begin, const size_t* ends, size_t count, bool seamed, Room& room,
                     std::vector<int32_t>& ids) const;
  size_t cut_pieces(std::string_view text, size_t begin, const size_t* ends, size_t count, size_t max_ids,
                    Room& room) const;

  Scan scan_;
  const TokenModel* model_;
  bool has_joins_, has_seams_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Room>> rooms_;
};

}  // namespace athanor::token
