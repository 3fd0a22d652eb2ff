#include "athanor/train/loading/packed_rows.h"

#include <algorithm>
#include <map>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {

namespace {

constexpr uint64_t kDocumentDraw = 5;
constexpr uint64_t kGroupDraw = 6;
constexpr uint64_t kRowDraw = 7;

}  // namespace

PackedRows::PackedRows(const TokenSet& tokens, const LoaderOptions& options)
    : tokens_(tokens), options_(options), has_end_(tokens.end_of_text() >= 0) {
  const uint64_t groups = (tokens.num_documents() + kGroupDocuments - 1) / kGroupDocuments;
  uint64_t targets = 0;
  for (uint64_t group = 0; group < groups; ++group) {
    const Group rows = pack(group);
    group_rows_.push_back(rows.size());
    num_rows_ += rows.size();
    for (const auto& row : rows) {
      for (const Piece& piece : row) {
        targets += piece.length;
      }
    }
  }
  if (num_rows_ == 0) {
    throw Error(ErrorKind::kInput, "the training set has no document with a token to predict");
  }
  padding_ = 1 - static_cast<double>(targets) / static_cast<double>(num_rows_) /
                     static_cast<double>(options.sequence_length);
}

uint64_t PackedRows::num_targets(uint64_t document) const {
  const uint64_t stored = tokens_.document_end(document) - tokens_.document_begin(document);
  return has_end_ || stored == 0 ? stored : stored - 1;
}

PackedRows::Group PackedRows::pack(uint64_t group) const {
  const auto length = static_cast<uint64_t>(options_.sequence_length);
  const uint64_t documents = tokens_.num_documents();
  const uint64_t end = std::min(documents, (group + 1) * kGroupDocuments);
  const uint64_t key = random_at(static_cast<uint64_t>(options_.seed), kDocumentDraw, 0, 3);
  std::vector<Piece> pieces;
  for (uint64_t i = group * kGroupDocuments; i < end; ++i) {
    const uint64_t document = options_.sampling == "ordered" ? i : permute(i, documents, key);
    const uint64_t targets = num_targets(document);
    for (uint64_t begin = 0; begin < targets; begin += length) {
      pieces.push_back({document, static_cast<uint32_t>(begin), static_cast<uint32_t>(std::min(length, targets - begin))});
    }
  }
  std::stable_sort(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) { return a.length > b.length; });
  Group rows;
  std::map<uint64_t, std::vector<size_t>> open;  // rows by the room they have left
  for (const Piece& piece : pieces) {
    const auto found = open.lower_bound(piece.length);
    size_t row = rows.size();
    uint64_t room = length;
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
    if (room > piece.length) {
      open[room - piece.length].push_back(row);
    }
  }
  return rows;
}

std::vector<PackedRows::Piece> PackedRows::row_of(uint64_t sample) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto seed = static_cast<uint64_t>(options_.seed);
  const bool ordered = options_.sampling == "ordered";
  const uint64_t epoch = sample / num_rows_;
  const uint64_t groups = group_rows_.size();
  if (epoch != cached_epoch_) {
    order_.resize(groups);
    first_row_.assign(groups, 0);
    uint64_t rows = 0;
    for (uint64_t i = 0; i < groups; ++i) {
      order_[i] = ordered ? i : permute(i, groups, random_at(seed, epoch, kGroupDraw, 3));
      first_row_[i] = rows;
      rows += group_rows_[order_[i]];
    }
    cached_epoch_ = epoch;
  }
  const uint64_t index = sample % num_rows_;
  const size_t turn = static_cast<size_t>(std::upper_bound(first_row_.begin(), first_row_.end(), index) -
                                          first_row_.begin()) - 1;
  const uint64_t group = order_[turn];
  if (group != cached_group_) {
    cached_ = pack(group);
    cached_group_ = group;
  }
  const uint64_t inside = index - first_row_[turn];
  return cached_[ordered ? inside : permute(inside, group_rows_[group], random_at(seed, epoch, kRowDraw, group))];
}

void PackedRows::fill(uint64_t sample, const RowPlace& place) const {
  const std::vector<Piece> row = row_of(sample);
  int64_t at = 0;
  int32_t mark = 0;
  for (const Piece& piece : row) {
    fill_piece(piece, place.inputs + at, place.targets + at);
    std::fill_n(place.documents + at, piece.length, mark);
    at += piece.length;
    ++mark;
  }
  const int64_t rest = options_.sequence_length - at;
  std::fill_n(place.inputs + at, rest, has_end_ ? tokens_.end_of_text() : 0);
  std::fill_n(place.targets + at, rest, -1);
  std::fill_n(place.documents + at, rest, mark);
}

void PackedRows::fill_piece(const Piece& piece, int64_t* inputs, int64_t* targets) const {
  const uint64_t first = tokens_.document_begin(piece.document);
  const size_t length = piece.length;
  std::vector<int32_t> ids(length + 1);
  if (has_end_) {  // the inputs stand one before the targets, and before the first one there is end_of_text
    tokens_.read(first + piece.begin, length, ids.data() + 1);
    ids[0] = tokens_.end_of_text();
    if (piece.begin > 0) {
      tokens_.read(first + piece.begin - 1, 1, ids.data());
    }
  } else {
    tokens_.read(first + piece.begin, length + 1, ids.data());
  }
  std::copy(ids.begin(), ids.end() - 1, inputs);
  std::copy(ids.begin() + 1, ids.end(), targets);
}

void PackedRows::documents(uint64_t sample, const std::function<void(uint64_t)>& see) const {
  for (const Piece& piece : row_of(sample)) {
    see(piece.document);
  }
}

}  // namespace athanor
