// Counting, cutting at a number of ids, and one text on many threads.
#include <algorithm>

#include "athanor/token/split/nfc_check.h"
#include "athanor/token/split/safe_cuts.h"
#include "athanor/token/tokenizer_impl.h"

namespace athanor {

namespace {

constexpr size_t kPartBytes = size_t{1} << 18;

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
  std::vector<std::vector<int32_t>> part_ids;
  encode_batch(*this, parts, pool, part_ids);
  std::vector<size_t> begins = {ids.size()};
  for (const std::vector<int32_t>& part : part_ids) {
    begins.push_back(begins.back() + part.size());
  }
  ids.resize(begins.back());
  pool.parallel_for(parts.size(), [&](size_t i) {
    std::copy(part_ids[i].begin(), part_ids[i].end(), ids.begin() + static_cast<std::ptrdiff_t>(begins[i]));
  });
}

}  // namespace athanor
