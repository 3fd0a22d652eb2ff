// Counting, cutting at a number of ids, and one text on many threads.
#include <algorithm>
#include <mutex>

#include "athanor/token/split/nfc_check.h"
#include "athanor/token/split/safe_cuts.h"
#include "athanor/token/tokenizer_impl.h"

namespace athanor {

namespace {

constexpr size_t kPartBytes = size_t{1} << 18;

// Appends the ids of parts in their order, whichever is done first; what a part's ids were in is used again, so that no
// more than a few parts' memory is touched, and it stays near.
class InOrder {
 public:
  InOrder(const std::vector<std::string_view>& parts, size_t total, std::vector<int32_t>& ids)
      : parts_(parts), total_(total), ids_(ids), begun_with_(ids.size()), waiting_(parts.size()), done_(parts.size()) {}

  std::vector<int32_t> take_buffer() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (buffers_.empty()) {
      return {};
    }
    std::vector<int32_t> buffer = std::move(buffers_.back());
    buffers_.pop_back();
    return buffer;
  }

  // One thread appends at a time, and none waits for it: what it finds done when it looks again is its too.
  void put(size_t part, std::vector<int32_t> part_ids) {
    std::unique_lock<std::mutex> lock(mutex_);
    waiting_[part] = std::move(part_ids);
    done_[part] = 1;
    if (appending_) {
      return;
    }
    appending_ = true;
    for (; next_ < done_.size() && done_[next_] != 0; ++next_) {
      std::vector<int32_t> ready = std::move(waiting_[next_]);
      lock.unlock();
      append(ready, parts_[next_].size());
      ready.clear();
      lock.lock();
      buffers_.push_back(std::move(ready));
    }
    appending_ = false;
  }

 private:
  void append(const std::vector<int32_t>& ready, size_t bytes) {
    token::make_room(ids_.size() + ready.size(), begun_with_, bytes_done_, total_, ids_);
    ids_.insert(ids_.end(), ready.begin(), ready.end());
    bytes_done_ += bytes;
  }

  const std::vector<std::string_view>& parts_;
  const size_t total_;
  std::vector<int32_t>& ids_;
  const size_t begun_with_;
  std::mutex mutex_;
  std::vector<std::vector<int32_t>> waiting_, buffers_;
  std::vector<uint8_t> done_;
  size_t next_ = 0, bytes_done_ = 0;
  bool appending_ = false;
};

bool is_nfc_step(const token::NormalizerStep& step) { return step.type == "NFC"; }

}  // namespace

bool Tokenizer::Impl::goes_straight(std::string_view text) const {
  return encoder && !needs_alignment && (!pre_tokenizer.add_prefix_space || text.starts_with(' ')) &&
         !normal_ordinary && (normalizers.empty() || (std::all_of(normalizers.begin(), normalizers.end(), is_nfc_step) &&
                                                      token::is_plainly_nfc(text))) &&
         find_added(text, false, AddedTokens::kOrdinary, {}).empty();
}

size_t Tokenizer::count(std::string_view text) const {
  if (impl_->goes_straight(text)) {
    return impl_->encoder->count(text);
  }
  std::vector<int32_t> ids;
  encode(text, ids);
  return ids.size();
}

size_t Tokenizer::cut(std::string_view text, size_t max_ids) const {
  if (impl_->goes_straight(text)) {
    return impl_->encoder->cut(text, max_ids);
  }
  EncodeOptions options;
  options.added_tokens = AddedTokens::kOrdinary;
  options.add_special_tokens = options.truncate = options.pad = false;
  const Encoding full = encode_full(text, options);
  return max_ids >= full.size() ? text.size() : max_ids == 0 ? 0 : full.offsets[max_ids - 1].end;
}

void Tokenizer::encode_parallel(std::string_view text, ThreadPool& pool, std::vector<int32_t>& ids) const {
  const auto may_span_cuts = [](const AddedToken& token) {  // or takes spaces beside it
    return !token.special && (token.lstrip || token.rstrip || token.content.find_first_of(" \n") != std::string::npos);
  };
  const Impl& impl = *impl_;
  if (!impl.encoder || impl.needs_alignment || impl.pre_tokenizer.add_prefix_space ||
      !token::has_safe_cuts(impl.pre_tokenizer.scan) ||
      !std::all_of(impl.normalizers.begin(), impl.normalizers.end(), is_nfc_step) ||
      std::any_of(impl.added.begin(), impl.added.end(), may_span_cuts)) {
    encode(text, ids);
    return;
  }
  const std::vector<std::string_view> parts = token::cut_safely(text, kPartBytes);
  InOrder in_order(parts, text.size(), ids);
  pool.parallel_for(parts.size(), [&](size_t i) {
    std::vector<int32_t> part_ids = in_order.take_buffer();
    encode(parts[i], part_ids);
    in_order.put(i, std::move(part_ids));
  });
}

}  // namespace athanor
