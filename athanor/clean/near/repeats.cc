#include "athanor/clean/near/repeats.h"

#include <xxhash.h>

#include <algorithm>
#include <cstring>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/near/repeat_places.h"
#include "athanor/clean/near/shingle.h"
#include "athanor/clean/words.h"

namespace athanor {

namespace {

constexpr size_t kTextsATask = 32;

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
        window_.for_each(tokens, [&](size_t, uint64_t hash) { hashes[i].push_back(hash & options_.hash_mask); });
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

const std::vector<uint32_t>& RepeatCuts::places(uint64_t row) {
  places_.clear();
  for (const Cut* cut; (cut = cuts_.peek()) != nullptr && cut->row <= row; cuts_.skip()) {
    if (cut->row == row) {
      places_.push_back(cut->place);
    }
  }
  return places_;
}

namespace {

using Cut = RepeatCuts::Cut;

RepeatCuts find_pieces(const std::vector<fs::path>& parts, const RepeatOptions& options, ThreadPool& pool) {
  const std::string scratch = scratch_folder(options.scratch);
  RunSorter<Place<TextDigest>> places(options.memory_bytes / 2, scratch, pool);
  for_each_row(parts, [&](uint64_t key, uint32_t row, std::span<const uint64_t> hashes) {
    for (uint32_t piece = 0; piece < hashes.size() / 2; ++piece) {
      const TextDigest digest{hashes[2 * piece], hashes[2 * piece + 1]};
      if (digest != TextDigest{}) {
        places.add({digest, key, row, piece});
      }
    }
  });
  RunSorter<Cut> sorter(options.memory_bytes / 4, scratch, pool);
  RepeatCuts cuts(scratch);
  cuts.num_repeated = for_each_repeat(places, 0, [&](const auto&, const auto& place) { sorter.add({place.row, place.place}); });
  sorter.drain([&](const Cut& cut) { cuts.cuts().add(cut); });
  return cuts;
}

}  // namespace

RepeatCuts find_repeats(const std::vector<fs::path>& parts, const RepeatOptions& options, ThreadPool& pool,
                        const RepeatTexts& texts) {
  return options.unit == RepeatUnit::kPassage ? find_passages(parts, options, pool, texts)
                                              : find_pieces(parts, options, pool);
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
