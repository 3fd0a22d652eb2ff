#include "athanor/token/pipeline/byte_decoder.h"

#include <algorithm>
#include <cstring>

namespace athanor::token {

namespace {

constexpr size_t kCopied = 16;  // bytes that are written for every token, however short: no branch
constexpr size_t kBlockBytes = size_t{1} << 17;

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
  append(ids, {}, out);
  return out;
}

std::span<const int32_t> ByteDecoder::before_stop(std::span<const int32_t> ids, const std::vector<bool>& stops) const {
  const auto stop = std::find_if(ids.begin(), ids.end(), [&](int32_t id) {
    return id >= 0 && static_cast<size_t>(id) < stops.size() && stops[static_cast<size_t>(id)];
  });
  return ids.first(static_cast<size_t>(stop - ids.begin()));
}

size_t ByteDecoder::append(std::span<const int32_t> ids, const std::vector<bool>& stops, std::string& out) const {
  const size_t block = std::max<size_t>(kBlockBytes / std::max<size_t>(longest_, 1), 1);  // ids that surely fit in it
  const size_t unknown = tokens_.size() - 1, begun_with = out.size();
  size_t used = begun_with, done = 0;
  while (done < ids.size()) {
    const size_t wanted = std::min(block, ids.size() - done);
    const std::span<const int32_t> some =
        stops.empty() ? ids.subspan(done, wanted) : before_stop(ids.subspan(done, wanted), stops);
    const size_t needed = used + some.size() * longest_ + kCopied;
    if (needed > out.size()) {  // room for all, if the rest is like what is done
      const double bytes_an_id = done == 0 ? 0 : static_cast<double>(used - begun_with) / static_cast<double>(done);
      out.resize(needed + static_cast<size_t>(1.05 * bytes_an_id * static_cast<double>(ids.size() - done)));
    }
    char* to = out.data() + used;
    for (const int32_t id : some) {
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
    used = static_cast<size_t>(to - out.data());
    done += some.size();
    if (some.size() < wanted) {
      break;
    }
  }
  out.resize(used);
  return done;
}

}  // namespace athanor::token
