#include "athanor/token/pipeline/byte_decoder.h"

#include <algorithm>
#include <cstring>

#include "athanor/token/huge_pages.h"

namespace athanor::token {

namespace {

constexpr size_t kCopied = 16;  // bytes that are written for every token, however short: no branch
constexpr size_t kBlockBytes = size_t{1} << 15;  // stays in the cache until it is copied out

struct Place {
  uint32_t begin, length;
};

}  // namespace

ByteDecoder::ByteDecoder(const std::vector<std::string>& bytes, const std::vector<bool>& left_out)
    : tokens_(bytes.size() + 1) {
  static_assert(sizeof(Token) == kCopied);
  for (size_t id = 0; id < bytes.size(); ++id) {
    const std::string& text = bytes[id];
    if (left_out[id]) {
      continue;
    }
    longest_ = std::max(longest_, text.size());
    if (text.size() <= kInline) {
      std::copy(text.begin(), text.end(), tokens_[id].bytes);
      tokens_[id].length = static_cast<uint8_t>(text.size());
    } else {
      const Place place{static_cast<uint32_t>(long_bytes_.size()), static_cast<uint32_t>(text.size())};
      std::memcpy(tokens_[id].bytes, &place, sizeof(place));
      tokens_[id].length = kLong;
      long_bytes_ += text;
    }
  }
}

std::string ByteDecoder::decode(std::span<const int32_t> ids) const {
  std::string out;
  Block block = make_block();
  append(ids, {}, block, out);
  return out;
}

ByteDecoder::Block ByteDecoder::make_block() const {
  return std::make_unique_for_overwrite<char[]>(ids_a_block() * longest_ + kCopied);
}

size_t ByteDecoder::ids_a_block() const { return std::max<size_t>(kBlockBytes / std::max<size_t>(longest_, 1), 1); }

size_t ByteDecoder::write(std::span<const int32_t> ids, Block& block) const {
  const size_t unknown = tokens_.size() - 1;
  char* to = block.get();
  for (const int32_t id : ids) {
    const Token& token = tokens_[std::min<size_t>(static_cast<uint32_t>(id), unknown)];
    std::memcpy(to, &token, kCopied);
    size_t length = token.length;
    if (length == kLong) {
      Place place;
      std::memcpy(&place, token.bytes, sizeof(place));
      std::memcpy(to, long_bytes_.data() + place.begin, place.length);
      length = place.length;
    }
    to += length;
  }
  return static_cast<size_t>(to - block.get());
}

std::span<const int32_t> ByteDecoder::before_stop(std::span<const int32_t> ids, const std::vector<bool>& stops) const {
  const auto stop = std::find_if(ids.begin(), ids.end(), [&](int32_t id) {
    return id >= 0 && static_cast<size_t>(id) < stops.size() && stops[static_cast<size_t>(id)];
  });
  return ids.first(static_cast<size_t>(stop - ids.begin()));
}

size_t ByteDecoder::append(std::span<const int32_t> ids, const std::vector<bool>& stops, Block& block,
                           std::string& out) const {
  const size_t begun_with = out.size(), a_block = ids_a_block();
  for (size_t done = 0; done < ids.size();) {
    const size_t wanted = std::min(a_block, ids.size() - done);
    const std::span<const int32_t> some =
        stops.empty() ? ids.subspan(done, wanted) : before_stop(ids.subspan(done, wanted), stops);
    out.append(block.get(), write(some, block));
    if (done == 0 && stops.empty()) {
      reserve_like(out.size() - begun_with, some.size(), ids.size(), out);
    }
    done += some.size();
    if (some.size() < wanted) {
      return done;
    }
  }
  return ids.size();
}

void ByteDecoder::reserve_like(size_t bytes, size_t ids_done, size_t ids_in_all, std::string& out) {
  const double bytes_an_id = static_cast<double>(bytes) / static_cast<double>(std::max<size_t>(ids_done, 1));
  out.reserve(out.size() + static_cast<size_t>(1.05 * bytes_an_id * static_cast<double>(ids_in_all - ids_done)));
  prefer_huge_pages(out.data() + out.size(), out.capacity() - out.size());
}

}  // namespace athanor::token
