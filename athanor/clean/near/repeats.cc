#include "athanor/clean/near/repeats.h"

#include <xxhash.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/near/shingle.h"
#include "athanor/clean/words.h"

namespace athanor {

namespace {

constexpr size_t kTextsATask = 32;
constexpr size_t kCutsARead = 4096;

uint64_t id_key(std::string_view id) {
  uint64_t key = 0;
  for (size_t i = 0; i < 16 && id.size() == 32; ++i) {
    const char c = id[i];
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
      break;
    }
    key = key << 4 | static_cast<uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (i == 15) {
      return key;
    }
  }
  return XXH3_64bits(id.data(), id.size());
}

// One place of one piece or run.
template <class Hash>
struct Place {
  Hash hash;
  uint64_t id_key;
  uint32_t row, place;
  bool operator<(const Place& other) const {
    return hash != other.hash       ? hash < other.hash
           : id_key != other.id_key ? id_key < other.id_key
           : row != other.row       ? row < other.row
                                    : place < other.place;
  }
};

// Which hashes may come twice: one bit for the first time, one for the second.
class TwiceFilter {
 public:
  explicit TwiceFilter(uint64_t memory_bytes)
      : once_(std::bit_floor(std::max<uint64_t>(1024, memory_bytes / 16))), twice_(once_.size()) {}
  void add(uint64_t hash) {
    const size_t word = hash / 64 & (once_.size() - 1);
    const uint64_t bit = uint64_t{1} << (hash % 64);
    twice_[word] |= once_[word] & bit;
    once_[word] |= bit;
  }
  bool twice(uint64_t hash) const { return twice_[hash / 64 & (once_.size() - 1)] >> (hash % 64) & 1; }

 private:
  std::vector<uint64_t> once_, twice_;
};

// Drains sorted places; of each group of equals all but the first are cut. width: runs that overlap the first are kept.
template <class Hash>
RepeatCuts cut_places(RunSorter<Place<Hash>>& places, uint32_t width, const RepeatOptions& options, ThreadPool& pool) {
  const std::string scratch = scratch_folder(options.scratch);
  RunSorter<RepeatCuts::Cut> sorter(options.memory_bytes / 4, scratch, pool);
  uint64_t repeated = 0;
  Place<Hash> keeper{};
  bool any = false, counted = false;
  places.drain([&](const Place<Hash>& place) {
    if (!any || place.hash != keeper.hash) {
      keeper = place;
      any = true;
      counted = false;
      return;
    }
    if (place.row == keeper.row && place.place < keeper.place + width) {
      return;
    }
    repeated += counted ? 0 : 1;
    counted = true;
    sorter.add({place.row, place.place});
  });
  RepeatCuts cuts(scratch);
  cuts.num_repeated = repeated;
  std::vector<RepeatCuts::Cut> piece;
  sorter.drain([&](const RepeatCuts::Cut& cut) {
    piece.push_back(cut);
    if (piece.size() == kCutsARead) {
      cuts.append(piece);
      piece.clear();
    }
  });
  cuts.append(piece);
  return cuts;
}

// Calls fn(id_key, row, hashes of the row) for all rows.
template <class Fn>
void for_each_row(const std::vector<fs::path>& parts, Fn&& fn) {
  uint64_t first = 0;
  for (const fs::path& path : parts) {
    const RepeatPart part = RepeatPart::load(path);
    uint64_t begin = 0;
    for (size_t i = 0; i < part.ends.size(); ++i) {
      if (first + i >= std::numeric_limits<uint32_t>::max()) {
        throw Error(ErrorKind::kResource, "more than 4294967295 documents", "dedup", "dedup by shards");
      }
      fn(part.id_keys[i], static_cast<uint32_t>(first + i),
         std::span<const uint64_t>(part.hashes).subspan(begin, part.ends[i] - begin));
      begin = part.ends[i];
    }
    first += part.ends.size();
  }
}

}  // namespace

void RepeatPart::save(const fs::path& path) const {
  FileWriter file(path);
  const uint64_t counts[2] = {ends.size(), hashes.size()};
  const auto write = [&](const void* data, size_t bytes) { file.write({static_cast<const char*>(data), bytes}); };
  write(counts, sizeof counts);
  write(id_keys.data(), id_keys.size() * sizeof(uint64_t));
  write(ends.data(), ends.size() * sizeof(uint64_t));
  write(hashes.data(), hashes.size() * sizeof(uint64_t));
  file.close();
}

RepeatPart RepeatPart::load(const fs::path& path) {
  const std::string bytes = read_file(path);
  const auto damaged = [&] {
    throw Error(ErrorKind::kInput, "does not fit itself", path.string(), "run the step again with --force");
  };
  uint64_t counts[2] = {0, 0};
  if (bytes.size() < sizeof counts) {
    damaged();
  }
  std::memcpy(counts, bytes.data(), sizeof counts);
  const uint64_t words = bytes.size() / sizeof(uint64_t) - 2;
  if (bytes.size() % sizeof(uint64_t) != 0 || counts[0] > words / 2 || counts[1] != words - 2 * counts[0]) {
    damaged();
  }
  RepeatPart part;
  const char* at = bytes.data() + sizeof counts;
  const auto read = [&](std::vector<uint64_t>& out, uint64_t count) {
    out.resize(count);
    if (count > 0) {
      std::memcpy(out.data(), at, count * sizeof(uint64_t));
    }
    at += count * sizeof(uint64_t);
  };
  read(part.id_keys, counts[0]);
  read(part.ends, counts[0]);
  read(part.hashes, counts[1]);
  uint64_t last = 0;
  for (const uint64_t end : part.ends) {
    if (end < last || end > part.hashes.size()) {
      damaged();
    }
    last = end;
  }
  return part;
}

RepeatPart RepeatSigner::sign(std::span<const TextRow> rows, ThreadPool& pool) const {
  std::vector<std::vector<uint64_t>> hashes(rows.size());
  pool.parallel_for((rows.size() + kTextsATask - 1) / kTextsATask, [&](size_t task) {
    std::string lowered;
    std::vector<TokenSpan> tokens;
    for (size_t i = task * kTextsATask; i < std::min(rows.size(), (task + 1) * kTextsATask); ++i) {
      if (options_.unit == RepeatUnit::kPassage) {
        scanner_.scan(rows[i].text, tokens);
        window_.for_each(tokens, [&](size_t, uint64_t hash) { hashes[i].push_back(hash); });
        continue;
      }
      for (const TextPiece& piece : split_pieces(rows[i].text, options_.unit)) {
        XXH128_hash_t hash{0, 0};
        if (count_code_points(piece.content) >= static_cast<size_t>(options_.min_chars)) {
          lower_and_collapse(piece.content, lowered);
          hash = XXH3_128bits(lowered.data(), lowered.size());
        }
        hashes[i].push_back(hash.high64);
        hashes[i].push_back(hash.low64);
      }
    }
  });
  RepeatPart part;
  for (size_t i = 0; i < rows.size(); ++i) {
    part.id_keys.push_back(id_key(rows[i].id));
    part.hashes.insert(part.hashes.end(), hashes[i].begin(), hashes[i].end());
    part.ends.push_back(part.hashes.size());
  }
  return part;
}

std::vector<TextPiece> split_pieces(std::string_view text, RepeatUnit unit) {
  std::vector<TextPiece> pieces;
  size_t begin = 0;
  while (begin < text.size()) {
    size_t end = text.find('\n', begin);
    end = end == std::string_view::npos ? text.size() : end + 1;
    if (unit == RepeatUnit::kParagraph) {
      // A paragraph goes on until a line without anything visible; such lines belong to it.
      bool ended = trim(text.substr(begin, end - begin)).empty();
      while (end < text.size()) {
        size_t next = text.find('\n', end);
        next = next == std::string_view::npos ? text.size() : next + 1;
        const bool blank = trim(text.substr(end, next - end)).empty();
        if (ended && !blank) {
          break;
        }
        ended = ended || blank;
        end = next;
      }
    }
    pieces.push_back({trim(text.substr(begin, end - begin)), begin, end});
    begin = end;
  }
  return pieces;
}

bool RepeatCuts::next(Cut& cut) {
  if (at_ == piece_.size()) {
    const uint64_t bytes = std::min<uint64_t>(kCutsARead * sizeof(Cut), file_->size() - read_);
    piece_.resize(bytes / sizeof(Cut));
    at_ = 0;
    if (piece_.empty()) {
      return false;
    }
    file_->read_at(read_, piece_.data(), bytes);
    read_ += bytes;
  }
  cut = piece_[at_];
  return true;
}

const std::vector<uint32_t>& RepeatCuts::places(uint64_t row) {
  places_.clear();
  for (Cut cut; next(cut) && cut.row <= row; ++at_) {
    if (cut.row == row) {
      places_.push_back(cut.place);
    }
  }
  return places_;
}

RepeatCuts find_repeats(const std::vector<fs::path>& parts, const RepeatOptions& options, ThreadPool& pool) {
  const std::string scratch = scratch_folder(options.scratch);
  if (options.unit != RepeatUnit::kPassage) {
    RunSorter<Place<TextDigest>> places(options.memory_bytes / 2, scratch, pool);
    for_each_row(parts, [&](uint64_t key, uint32_t row, std::span<const uint64_t> hashes) {
      for (uint32_t piece = 0; piece < hashes.size() / 2; ++piece) {
        const TextDigest digest{hashes[2 * piece], hashes[2 * piece + 1]};
        if (digest != TextDigest{}) {
          places.add({digest, key, row, piece});
        }
      }
    });
    return cut_places(places, 0, options, pool);
  }
  RunSorter<Place<uint64_t>> places(options.memory_bytes / 2, scratch, pool);
  {
    uint64_t num_hashes = 0;
    for (const fs::path& part : parts) {
      num_hashes += fs::file_size(part) / sizeof(uint64_t);
    }
    TwiceFilter filter(std::min(options.memory_bytes / 2, 4 * num_hashes));  // 16 bits a hash are enough
    for_each_row(parts, [&](uint64_t, uint32_t, std::span<const uint64_t> hashes) {
      for (const uint64_t hash : hashes) {
        filter.add(hash);
      }
    });
    for_each_row(parts, [&](uint64_t key, uint32_t row, std::span<const uint64_t> hashes) {
      for (uint32_t place = 0; place < hashes.size(); ++place) {
        if (filter.twice(hashes[place])) {
          places.add({hashes[place], key, row, place});
        }
      }
    });
  }
  return cut_places(places, static_cast<uint32_t>(options.min_words), options, pool);
}

std::string cut_repeats(std::string_view text, const std::vector<uint32_t>& places, const RepeatOptions& options,
                        const TokenScanner& scanner) {
  std::string out;
  if (options.unit != RepeatUnit::kPassage) {
    const std::vector<TextPiece> pieces = split_pieces(text, options.unit);
    size_t next = 0;
    for (uint32_t i = 0; i < pieces.size(); ++i) {
      if (next < places.size() && places[next] == i) {
        ++next;
        continue;
      }
      out += text.substr(pieces[i].begin, pieces[i].end - pieces[i].begin);
    }
    return out;
  }
  std::vector<TokenSpan> tokens;
  scanner.scan(text, tokens);
  const size_t width = static_cast<size_t>(options.min_words);
  size_t kept = 0;  // bytes of the text that are done with
  for (size_t i = 0; i < places.size();) {
    const size_t first = places[i];
    size_t last = std::min(tokens.size(), first + width);
    for (++i; i < places.size() && places[i] <= last; ++i) {
      last = std::min(tokens.size(), places[i] + width);
    }
    if (first >= tokens.size()) {
      break;
    }
    out += text.substr(kept, tokens[first].begin - kept);
    kept = last < tokens.size() ? tokens[last].begin : text.size();  // with the punctuation that follows
  }
  out += text.substr(kept);
  return out;
}

}  // namespace athanor
