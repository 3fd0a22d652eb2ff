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

}  // namespace

void PieceCounter::add(std::string_view piece, int64_t count) {
  if (2 * entries_.size() >= slots_.size()) {
    grow();
  }
  const uint64_t hash = xxh3_64(piece);
  const uint32_t mark = static_cast<uint32_t>(hash >> 32);
  const size_t mask = slots_.size() - 1;
  for (size_t at = hash & mask;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (slot.entry == 0) {
      slot = {mark, static_cast<uint32_t>(entries_.size() + 1)};
      entries_.push_back({keep(piece), count});
      return;
    }
    if (slot.hash == mark && entries_[slot.entry - 1].piece == piece) {
      entries_[slot.entry - 1].count += count;
      return;
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
    const uint64_t hash = xxh3_64(entries_[i].piece);
    size_t at = hash & (size - 1);
    while (slots[at].entry != 0) {
      at = (at + 1) & (size - 1);
    }
    slots[at] = {static_cast<uint32_t>(hash >> 32), static_cast<uint32_t>(i + 1)};
  }
  slots_ = std::move(slots);
}

uint64_t PieceCounter::memory_bytes() const {
  return entries_.capacity() * sizeof(Entry) + slots_.size() * sizeof(Slot) + blocks_.size() * kBlockBytes;
}

void PieceCounter::spill(const fs::path& path) {
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.piece < b.piece; });
  CountRunWriter writer(path);
  for (const Entry& entry : entries_) {
    writer.add(entry.piece, static_cast<uint64_t>(entry.count));
  }
  writer.finish();
  *this = PieceCounter();
}

}  // namespace athanor::token
