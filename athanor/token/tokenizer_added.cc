// Finding added tokens in a text, as HF tokenizers' AddedVocabulary does.
#include <algorithm>

#include "athanor/token/split/class_table.h"
#include "athanor/token/tokenizer_impl.h"

namespace athanor {

namespace {

using token::has_class;

size_t previous(std::string_view text, size_t at) {
  --at;
  for (int i = 0; i < 3 && at > 0 && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80; ++i) {
    --at;
  }
  return at;
}

char32_t code_at(std::string_view text, size_t at, size_t& next) {
  const char* p = text.data() + at;
  const char32_t code = decode_utf8(p, text.data() + text.size());
  next = static_cast<size_t>(p - text.data());
  return code;
}

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  size_t next;
  const bool left = begin > 0 && has_class(code_at(text, previous(text, begin), next), token::kPlainWordBit);
  const bool right = end < text.size() && has_class(code_at(text, end, next), token::kPlainWordBit);
  return !left && !right;
}

size_t spaces_before(std::string_view text, size_t at) {
  size_t next;
  while (at > 0 && has_class(code_at(text, previous(text, at), next), token::kWhiteBit)) {
    at = previous(text, at);
  }
  return at;
}

size_t spaces_after(std::string_view text, size_t at) {
  size_t next;
  while (at < text.size() && has_class(code_at(text, at, next), token::kWhiteBit)) {
    at = next;
  }
  return at;
}

}  // namespace

bool overlaps(std::span<const TextSpan> data, size_t begin, size_t end) {
  const auto after =
      std::upper_bound(data.begin(), data.end(), begin, [](size_t at, const TextSpan& span) { return at < span.end; });
  return after != data.end() && after->begin < end;
}

std::vector<Tokenizer::Impl::Found> Tokenizer::Impl::find_added(std::string_view text, bool normal, AddedTokens which,
                                                                std::span<const TextSpan> data) const {
  std::vector<Found> out;
  const token::AddedTokenMatcher& matcher = normal ? normal_matcher : raw_matcher;
  const bool any_ordinary = normal ? normal_ordinary : raw_ordinary;
  if (which == AddedTokens::kNone || (which == AddedTokens::kOrdinary && !any_ordinary)) {
    return out;
  }
  token::AddedTokenMatcher::Match match;
  size_t done = 0;
  for (size_t from = 0; matcher.find(text, from, match);) {
    const AddedToken& token = added[match.index];
    from = match.end;
    if (token.special && !data.empty() && overlaps(data, match.begin, match.end)) {
      from = match.begin + 1;  // nothing that the data began may hide what comes after it
      continue;
    }
    if (token.special && which == AddedTokens::kOrdinary) {
      continue;
    }
    if (token.single_word && !stands_alone(text, match.begin, match.end)) {
      continue;
    }
    Found found{match.begin, match.end, match.index};
    if (token.lstrip) {
      found.begin = std::max(spaces_before(text, found.begin), done);
    }
    if (token.rstrip) {
      found.end = spaces_after(text, found.end);
    }
    if (found.begin < found.end) {  // else the spaces of the token before have taken it
      out.push_back(found);
    }
    done = found.end;
  }
  return out;
}

}  // namespace athanor
