// The hot loop: cuts a text, and gives each piece its ids from a cache or from the model.
//
//   const PieceEncoder encoder(&scan<Gpt2Scanner>, model);
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
#include "athanor/token/split/split.h"

namespace athanor::token {

class PieceEncoder {
 public:
  // model outlives the encoder.
  PieceEncoder(Scan scan, const TokenModel& model) : scan_(scan), model_(&model) {}

  // Appends the ids of text, already normalised.
  void encode(std::string_view text, std::vector<int32_t>& ids) const;

 private:
  struct Room {
    Workspace work;
    PieceCache cache;
    std::vector<int32_t> piece_ids;
  };

  std::unique_ptr<Room> take_room() const;
  void give_room(std::unique_ptr<Room> room) const;
  void encode(std::string_view text, Room& room, std::vector<int32_t>& ids) const;

  Scan scan_;
  const TokenModel* model_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Room>> rooms_;
};

}  // namespace athanor::token
