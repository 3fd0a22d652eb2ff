#include "athanor/token/piece_encoder.h"

#include <algorithm>
#include <cstring>

namespace athanor::token {

namespace {

constexpr size_t kBatch = 256;  // pieces cut at a time
constexpr size_t kKeptSymbols = size_t{1} << 20;  // a workspace that one huge piece has swollen is let go

}  // namespace

std::unique_ptr<PieceEncoder::Room> PieceEncoder::take_room() const {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!rooms_.empty()) {
      std::unique_ptr<Room> room = std::move(rooms_.back());
      rooms_.pop_back();
      return room;
    }
  }
  return std::make_unique<Room>();
}

void PieceEncoder::give_room(std::unique_ptr<Room> room) const {
  if (room->work.symbols.capacity() > kKeptSymbols) {
    room->work = {};
    room->piece_ids = {};
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  rooms_.push_back(std::move(room));
}

void PieceEncoder::encode(std::string_view text, std::vector<int32_t>& ids) const {
  std::unique_ptr<Room> room = take_room();
  encode(text, *room, ids);
  give_room(std::move(room));
}

void PieceEncoder::encode(std::string_view text, Room& room, std::vector<int32_t>& ids) const {
  const char* const text_end = text.data() + text.size();
  size_t ends[kBatch];
  size_t begin = 0;
  size_t used = ids.size();
  while (const size_t count = scan_(text, begin, ends, kBatch)) {
    ids.resize(used + PieceCache::kMaxIds * (count + 1));
    for (size_t i = 0; i < count; ++i) {
      const std::string_view piece(text.data() + begin, ends[i] - begin);
      begin = ends[i];
      const bool cached = piece.size() <= PieceCache::kMaxBytes;
      PieceCache::Key key{0, 0};
      if (cached) {
        key = PieceCache::key_of(piece, text_end);
        const PieceCache::Entry* const entry = room.cache.find(key);
        if (entry != nullptr) {
          std::memcpy(ids.data() + used, entry->ids, sizeof(entry->ids));  // there is room for three
          used += entry->count;
          continue;
        }
      }
      room.piece_ids.clear();
      model_->encode(piece, room.work, room.piece_ids);
      const size_t needed = used + room.piece_ids.size() + PieceCache::kMaxIds * (count - i);
      if (needed > ids.size()) {
        ids.resize(needed);
      }
      std::copy(room.piece_ids.begin(), room.piece_ids.end(), ids.begin() + used);
      used += room.piece_ids.size();
      if (cached) {
        room.cache.insert(key, room.piece_ids);
      }
    }
  }
  ids.resize(used);
}

}  // namespace athanor::token
