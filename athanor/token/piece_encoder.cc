#include "athanor/token/piece_encoder.h"

#include <algorithm>
#include <cstring>

namespace athanor::token {

namespace {

constexpr size_t kKeptSymbols = size_t{1} << 20;  // a workspace that one huge piece has swollen is let go
constexpr size_t kFewBytes = size_t{1} << 16;     // after so many, the text's ids can be foretold

}  // namespace

void make_room(size_t needed, size_t begun_with, size_t done, size_t total, std::vector<int32_t>& ids) {
  if (needed <= ids.capacity()) {
    return;
  }
  size_t wanted = std::max(needed, ids.capacity() * 2);
  if (done >= kFewBytes && total > done) {
    const double ids_a_byte = static_cast<double>(ids.size() - begun_with) / static_cast<double>(done);
    wanted = std::max(needed, begun_with + static_cast<size_t>(1.1 * ids_a_byte * static_cast<double>(total)));
  }
  ids.reserve(wanted);
  if (wanted > begun_with + kHugePage) {
    prefer_huge_pages(ids.data() + ids.size(), (ids.capacity() - ids.size()) * sizeof(int32_t));
  }
}

// A room, given back at the end.
class PieceEncoder::Loan {
 public:
  explicit Loan(const PieceEncoder& encoder) : encoder_(encoder) {
    {
      const std::lock_guard<std::mutex> lock(encoder_.mutex_);
      if (!encoder_.rooms_.empty()) {
        room_ = std::move(encoder_.rooms_.back());
        encoder_.rooms_.pop_back();
      }
    }
    if (room_ == nullptr) {
      room_ = std::make_unique<Room>();
    }
  }
  ~Loan() {
    if (room_->work.symbols.capacity() > kKeptSymbols) {
      room_->work = {};
      room_->piece_ids = {};
      room_->ids = {};
    }
    const std::lock_guard<std::mutex> lock(encoder_.mutex_);
    encoder_.rooms_.push_back(std::move(room_));
  }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;
  Room& operator*() const { return *room_; }

 private:
  const PieceEncoder& encoder_;
  std::unique_ptr<Room> room_;
};

// Calls each(begin, ends, count, seamed) for every batch of pieces, until it says false; seamed: cut at seams, too.
template <class Each>
void PieceEncoder::for_batches(std::string_view text, Each&& each) const {
  size_t ends[kBatch], parts[kBatch];
  size_t begin = 0;
  while (const size_t count = scan_(text, begin, ends, kBatch)) {
    const size_t stop = ends[count - 1];
    if (!has_seams_ || are_short(stop - begin, count) || !Seams::any_in(text.substr(begin, stop - begin))) {
      if (!each(begin, ends, count, false)) {
        return;
      }
      begin = stop;
      continue;
    }
    const Seams& seams = *model_->seams();
    size_t first = begin, num_parts = 0;
    for (size_t i = 0; i < count; ++i) {
      while (begin < ends[i]) {
        num_parts += seams.cut(text.data(), begin, ends[i], parts + num_parts, kBatch - num_parts);
        if (num_parts == kBatch || (begin == stop && num_parts != 0)) {
          if (!each(first, parts, num_parts, true)) {
            return;
          }
          first = begin;
          num_parts = 0;
        }
      }
    }
  }
}

void PieceEncoder::encode(std::string_view text, std::vector<int32_t>& ids) const {
  const Loan room(*this);
  const size_t begun_with = ids.size();
  for_batches(text, [&](size_t begin, const size_t* ends, size_t count, bool seamed) {
    make_room(ids.size() + (count + 1) * (PieceCache::kMaxIds + 1), begun_with, begin, text.size(), ids);
    encode_pieces(text, begin, ends, count, seamed, *room, ids);
    return true;
  });
}

size_t PieceEncoder::count(std::string_view text) const {
  const Loan room(*this);
  size_t total = 0;
  for_batches(text, [&](size_t begin, const size_t* ends, size_t count, bool seamed) {
    (*room).ids.clear();
    encode_pieces(text, begin, ends, count, seamed, *room, (*room).ids);
    total += (*room).ids.size();
    return true;
  });
  return total;
}

size_t PieceEncoder::cut(std::string_view text, size_t max_ids) const {
  const Loan room(*this);
  size_t end = 0;
  for_batches(text, [&](size_t begin, const size_t* ends, size_t count, bool seamed) {
    (*room).ids.clear();
    encode_pieces(text, begin, ends, count, seamed, *room, (*room).ids);
    if ((*room).ids.size() >= max_ids) {
      end = cut_pieces(text, begin, ends, count, max_ids, *room);
      return false;
    }
    max_ids -= (*room).ids.size();
    end = ends[count - 1];
    return true;
  });
  return end;
}

// In a batch that has at least max_ids ids: where the last of so many ends.
size_t PieceEncoder::cut_pieces(std::string_view text, size_t begin, const size_t* ends, size_t count, size_t max_ids,
                                Room& room) const {
  std::vector<Span> spans;
  for (size_t i = 0; i < count && max_ids > 0; ++i) {
    room.piece_ids.clear();
    spans.clear();
    model_->encode_spans(text.substr(begin, ends[i] - begin), room.work, room.piece_ids, spans);
    if (spans.size() >= max_ids) {
      return begin + spans[max_ids - 1].end;
    }
    max_ids -= spans.size();
    begin = ends[i];
  }
  return begin;
}

void PieceEncoder::encode_pieces(std::string_view text, size_t begin, const size_t* ends, size_t count, bool seamed,
                                 Room& room, std::vector<int32_t>& ids) const {
  room.cache.grow_if_full();
  if (!seamed && are_short(ends[count - 1] - begin, count) &&
      encode_short_pieces(*model_, text.substr(begin, ends[count - 1] - begin), begin, ends, count, room.work,
                          room.piece_ids, ids)) {
    return;
  }
  size_t piece_begin = begin;
  for (size_t i = 0; i < count; ++i) {  // keys first: the cache lines are on their way while the rest is done
    const size_t size = ends[i] - piece_begin;
    PieceKey key = PieceCache::kNever;
    if (size <= PieceCache::kMaxBytes) {
      const char* piece = text.data() + piece_begin;
      char padded[16] = {};
      if (text.size() - piece_begin < 16) {
        std::memcpy(padded, piece, size);
        piece = padded;
      }
      key = PieceCache::key_of(piece, size);
    }
    room.keys[i] = key;
    room.hashes[i] = PieceCache::hash_of(key);
    __builtin_prefetch(&room.cache.set_of(room.hashes[i]));
    piece_begin = ends[i];
  }

  constexpr size_t kCopied = PieceCache::kMaxIds + 1;  // what is copied for each: all three ids and the count
  size_t used = ids.size();
  ids.resize(used + (count + 1) * kCopied);
  int32_t* out = ids.data();
  for (size_t i = 0; i < count; ++i) {
    const PieceKey key = room.keys[i];
    const PieceCache::Entry& entry = PieceCache::look(room.cache.set_of(room.hashes[i]), key);
    if (entry.key == key) {
      std::memcpy(out + used, entry.ids, sizeof(int32_t) * kCopied);
      used += entry.count;
      continue;
    }
    piece_begin = i == 0 ? begin : ends[i - 1];
    const std::string_view piece = text.substr(piece_begin, ends[i] - piece_begin);
    room.piece_ids.clear();
    model_->encode(piece, room.work, room.piece_ids);
    const size_t needed = used + room.piece_ids.size() + (count - i) * kCopied;
    if (needed > ids.size()) {
      ids.resize(needed);
      out = ids.data();
    }
    std::copy(room.piece_ids.begin(), room.piece_ids.end(), out + used);
    used += room.piece_ids.size();
    if (key != PieceCache::kNever) {
      room.cache.insert(key, room.hashes[i], room.piece_ids);
    }
  }
  ids.resize(used);
}

}  // namespace athanor::token
