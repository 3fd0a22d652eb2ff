#include "athanor/train/loading/document_packing.h"

#include <algorithm>
#include <map>

#include "athanor/base/rng.h"

namespace athanor {

namespace {

// Places for random_at, apart from those of the rows.
constexpr uint64_t kDocumentDraw = 5;
constexpr uint64_t kGroupDraw = 6;
constexpr uint64_t kRowDraw = 7;

}  // namespace

DocumentPacking::DocumentPacking(uint64_t num_documents, std::function<uint64_t(uint64_t)> length_of,
                                 const PackingOptions& options)
    : num_documents_(num_documents), length_of_(std::move(length_of)), options_(options) {
  const uint64_t groups = (num_documents + kGroupDocuments - 1) / kGroupDocuments;
  uint64_t filled = 0;
  for (uint64_t group = 0; group < groups; ++group) {
    const Group rows = pack(group);
    group_rows_.push_back(rows.size());
    num_rows_ += rows.size();
    for (const auto& row : rows) {
      for (const Piece& piece : row) {
        filled += piece.length + options_.overhead;
      }
    }
  }
  if (num_rows_ > 0) {
    padding_ = 1 - static_cast<double>(filled) / static_cast<double>(num_rows_) / static_cast<double>(options.capacity);
  }
}

DocumentPacking::Group DocumentPacking::pack(uint64_t group) const {
  const uint64_t longest = options_.capacity - options_.overhead;
  const uint64_t end = std::min(num_documents_, (group + 1) * kGroupDocuments);
  const uint64_t key = random_at(options_.seed, kDocumentDraw, 0, 3);
  std::vector<Piece> pieces;
  for (uint64_t i = group * kGroupDocuments; i < end; ++i) {
    const uint64_t document = options_.ordered ? i : permute(i, num_documents_, key);
    const uint64_t tokens = length_of_(document);
    for (uint64_t begin = 0; begin < tokens; begin += longest) {
      pieces.push_back({document, static_cast<uint32_t>(begin), static_cast<uint32_t>(std::min(longest, tokens - begin))});
    }
  }
  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.length > b.length; });
  Group rows;
  std::map<uint64_t, std::vector<size_t>> open;  // rows by the room they have left
  for (const Piece& piece : pieces) {
    const uint64_t size = piece.length + options_.overhead;
    const auto found = open.lower_bound(size);
    size_t row = rows.size();
    uint64_t room = options_.capacity;
    if (found == open.end()) {
      rows.emplace_back();
    } else {
      row = found->second.back();
      room = found->first;
      found->second.pop_back();
      if (found->second.empty()) {
        open.erase(found);
      }
    }
    rows[row].push_back(piece);
    if (room > size) {
      open[room - size].push_back(row);
    }
  }
  return rows;
}

std::vector<Piece> DocumentPacking::row(uint64_t sample) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const uint64_t epoch = sample / num_rows_;
  const uint64_t groups = group_rows_.size();
  if (epoch != cached_epoch_) {
    order_.resize(groups);
    first_row_.assign(groups, 0);
    uint64_t rows = 0;
    for (uint64_t i = 0; i < groups; ++i) {
      order_[i] = options_.ordered ? i : permute(i, groups, random_at(options_.seed, epoch, kGroupDraw, 3));
      first_row_[i] = rows;
      rows += group_rows_[order_[i]];
    }
    cached_epoch_ = epoch;
  }
  const uint64_t index = sample % num_rows_;
  const auto after = std::upper_bound(first_row_.begin(), first_row_.end(), index);
  const auto turn = static_cast<size_t>(after - first_row_.begin()) - 1;
  const uint64_t group = order_[turn];
  if (group != cached_group_) {
    cached_ = pack(group);
    cached_group_ = group;
  }
  const uint64_t inside = index - first_row_[turn];
  const uint64_t key = random_at(options_.seed, epoch, kRowDraw, group);
  return cached_[options_.ordered ? inside : permute(inside, group_rows_[group], key)];
}

}  // namespace athanor
