#include "athanor/token/train/piece_counter.h"

#include <algorithm>
#include <cstring>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/token/train/count_run.h"

namespace athanor::token {

namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr size_t kFirstSlots = size_t{1} << 12;
constexpr size_t kShort = 16;

// Of at most 16 bytes: with its size, all there is to know of a piece.
struct Key {
  uint64_t low = 0, high = 0;
};
Key key_of(std::string_view piece) {
  const char* const p = piece.data();
  const size_t size = piece.size();
  Key key;
  if (size >= 8) {
    std::memcpy(&key.low, p, 8);
    std::memcpy(&key.high, p + size - 8, 8);
  } else if (size >= 4) {
    std::memcpy(&key.low, p, 4);
    std::memcpy(&key.high, p + size - 4, 4);
  } else if (size > 0) {
    key.low = static_cast<uint8_t>(p[0]) | uint64_t{static_cast<uint8_t>(p[size / 2])} << 8 |
              uint64_t{static_cast<uint8_t>(p[size - 1])} << 16;
  }
  return key;
}

uint64_t hash_of(const Key& key, size_t size) {
  const unsigned __int128 product = static_cast<unsigned __int128>(key.low ^ 0x9e3779b97f4a7c15ULL ^ size << 56) *
                                    (key.high ^ 0xd1b54a32d192ed03ULL);
  const uint64_t mixed = static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  return mixed ^ mixed >> 29;
}

// Of short pieces, nearly all there are, without a call. Nothing that is written depends on it.
uint64_t hash_of(std::string_view piece) {
  return piece.size() <= kShort ? hash_of(key_of(piece), piece.size()) : xxh3_64(piece);
}

// The first eight bytes, so that their order is that of the numbers.
uint64_t head_of(std::string_view piece) {
  uint64_t head = 0;
  for (size_t i = 0; i < 8; ++i) {
    head = head << 8 | (i < piece.size() ? static_cast<uint8_t>(piece[i]) : 0);
  }
  return head;
}

}  // namespace

void PieceCounter::add(std::string_view piece, int64_t count) {
  if (piece.size() > kShort) {
    entries_[find(piece, xxh3_64(piece))].count += count;
    return;
  }
  const Key key = key_of(piece);
  const uint64_t hash = hash_of(key, piece.size());
  if (recent_.empty()) {
    recent_.resize(kNumRecent);
  }
  Recent& recent = recent_[hash >> 32 & (kNumRecent - 1)];
  if (recent.low != key.low || recent.high != key.high || recent.size != piece.size()) {
    recent = {key.low, key.high, static_cast<uint32_t>(piece.size()), find(piece, hash)};
  }
  entries_[recent.entry].count += count;
}

// The piece's entry, a new one when there is none.
uint32_t PieceCounter::find(std::string_view piece, uint64_t hash) {
  if (2 * entries_.size() >= slots_.size()) {
    grow();
  }
  const uint32_t mark = static_cast<uint32_t>(hash >> 32);
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (slot.entry == 0) {
      slot = {mark, static_cast<uint32_t>(entries_.size() + 1)};
      entries_.push_back({keep(piece), 0});
      return slot.entry - 1;
    }
    if (slot.hash == mark && entries_[slot.entry - 1].piece == piece) {
      return slot.entry - 1;
    }
  }
}

std::string_view PieceCounter::keep(std::string_view piece) {
  if (blocks_.empty() || block_size_ - block_used_ < piece.size()) {
    block_size_ = std::max(kBlockBytes, piece.size());
    block_used_ = 0;
    blocks_.push_back(std::make_unique_for_overwrite<char[]>(block_size_));
  }
  char* const to = blocks_.back().get() + block_used_;
  std::memcpy(to, piece.data(), piece.size());
  block_used_ += piece.size();
  return {to, piece.size()};
}

void PieceCounter::grow() {
  if (entries_.size() >= std::numeric_limits<uint32_t>::max() / 2) {
    throw Error(ErrorKind::kResource, "more than 2 billion different pre-tokens", "tokenizer training",
                "train on a sample of the corpus");
  }
  const size_t size = std::max(kFirstSlots, 2 * slots_.size());
  std::vector<Slot> slots(size);
  for (size_t i = 0; i < entries_.size(); ++i) {
    const uint64_t hash = hash_of(entries_[i].piece);
    size_t at = hash & (size - 1);
    while (slots[at].entry != 0) {
      at = (at + 1) & (size - 1);
    }
    slots[at] = {static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(i + 1)};
  }
  slots_ = std::move(slots);
}

uint64_t PieceCounter::memory_bytes() const {
  return entries_.capacity() * sizeof(Entry) + slots_.size() * sizeof(Slot) + recent_.size() * sizeof(Recent) +
         blocks_.size() * kBlockBytes;
}

void PieceCounter::spill(const fs::path& path) {
  std::vector<Slot>().swap(slots_);  // its memory is the order's
  struct Place {
    uint64_t head;
    uint32_t entry;
  };
  std::vector<Place> order(entries_.size());
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    order[i] = {head_of(entries_[i].piece), i};
  }
  std::sort(order.begin(), order.end(), [this](const Place& a, const Place& b) {
    return a.head != b.head ? a.head < b.head : entries_[a.entry].piece < entries_[b.entry].piece;
  });
  CountRunWriter writer(path);
  for (const Place& place : order) {
    writer.add(entries_[place.entry].piece, static_cast<uint64_t>(entries_[place.entry].count));
  }
  writer.finish();
  *this = PieceCounter();
}

}  // namespace athanor::token
