#include "athanor/token/pipeline/byte_decoder.h"

#include <algorithm>
#include <cstring>

namespace athanor::token {

namespace {

constexpr size_t kCopied = 16;  // bytes that are copied for every token, however short: no branch
constexpr size_t kBlockBytes = size_t{1} << 17;

}  // namespace

ByteDecoder::ByteDecoder(const std::vector<std::string>& bytes, const std::vector<bool>& left_out)
    : tokens_(bytes.size()) {
  for (size_t id = 0; id < bytes.size(); ++id) {
    const bool kept = !left_out[id];
    tokens_[id] = {static_cast<uint32_t>(bytes_.size()), kept ? static_cast<uint32_t>(bytes[id].size()) : 0};
    bytes_ += kept ? bytes[id] : "";
    longest_ = std::max<size_t>(longest_, tokens_[id].length);
  }
  bytes_.append(kCopied, '\0');
}

std::string ByteDecoder::decode(std::span<const int32_t> ids) const {
  const size_t block = std::max<size_t>(kBlockBytes / std::max<size_t>(longest_, 1), 1);  // ids that surely fit in it
  std::string out;
  size_t used = 0;
  for (size_t done = 0; done < ids.size();) {
    const std::span<const int32_t> some = ids.subspan(done, std::min(block, ids.size() - done));
    const size_t needed = used + some.size() * longest_ + kCopied;
    if (needed > out.size()) {  // room for all, if the rest is like what is done
      const double bytes_an_id = done == 0 ? 0 : static_cast<double>(used) / static_cast<double>(done);
      out.resize(needed + static_cast<size_t>(1.05 * bytes_an_id * static_cast<double>(ids.size() - done)));
    }
    char* to = out.data() + used;
    for (const int32_t id : some) {
      const Token token = this->token(id);
      const char* const from = bytes_.data() + token.begin;
      std::memcpy(to, from, kCopied);
      if (token.length > kCopied) {
        std::memcpy(to, from, token.length);
      }
      to += token.length;
    }
    used = static_cast<size_t>(to - out.data());
    done += some.size();
  }
  out.resize(used);
  return out;
}

}  // namespace athanor::token
