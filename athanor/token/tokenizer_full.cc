// Encoding with everything that leads back to the text.
#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/pipeline/cut.h"
#include "athanor/token/split/class_table.h"
#include "athanor/token/split/nfc_check.h"
#include "athanor/token/tokenizer_impl.h"

namespace athanor {

namespace {

using token::Aligned;
using token::Draft;
using token::Piece;
using token::Pieces;
using token::Span;

// Byte offsets to character offsets and back, in one text.
class CharacterIndex {
 public:
  explicit CharacterIndex(std::string_view text) : of_byte_(text.size() + 1) {
    uint32_t count = 0;
    const char* const end = text.data() + text.size();
    for (const char* p = text.data(); p != end; ++count) {
      const char* const begin = p;
      decode_utf8(p, end);
      std::fill(of_byte_.begin() + (begin - text.data()), of_byte_.begin() + (p - text.data()), count);
    }
    of_byte_.back() = count;
  }
  uint32_t operator[](uint32_t byte) const { return of_byte_[byte]; }

 private:
  std::vector<uint32_t> of_byte_;
};

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

void to_characters(std::string_view text, Draft& draft) {
  if (is_ascii(text)) {
    return;
  }
  const CharacterIndex index(text);
  for (size_t i = 0; i < draft.size(); ++i) {
    draft.offsets[i] = {index[draft.offsets[i].begin], index[draft.offsets[i].end]};
  }
  for (Draft::Edges& edges : draft.edges) {
    edges.begin = index[edges.begin];
    edges.end = index[edges.end];
  }
}

// How many spaces (also in GPT-2's spelling, U+0120) the text begins and ends with. raw_bytes: text is not yet in that
// spelling, in which no byte but the space is one.
void count_spaces(std::string_view text, bool raw_bytes, Draft::Edges& edges) {
  const auto is_edge_space = [raw_bytes](char32_t code) {
    return raw_bytes ? code == ' ' : code == 0x120 || token::has_class(code, token::kWhiteBit);
  };
  const char* const end = text.data() + text.size();
  uint32_t run = 0, all = 0;
  for (const char* p = text.data(); p != end;) {
    ++all;
    run = is_edge_space(decode_utf8(p, end)) ? run + 1 : 0;
    edges.leading = run == all ? run : edges.leading;
  }
  edges.trailing = run;
}

void place_edges(std::string_view text, const TextSpan& offset, Draft::Edges& edges) {
  const char* const begin = text.data();
  const char* p = begin + offset.begin;
  for (uint32_t i = 0; i < edges.leading && p != begin + text.size(); ++i) {
    decode_utf8(p, begin + text.size());
  }
  edges.begin = static_cast<uint32_t>(p - begin);
  edges.end = offset.end;
  for (uint32_t i = 0; i < edges.trailing && edges.end > 0; ++i) {
    do {
      --edges.end;
    } while (edges.end > 0 && (static_cast<uint8_t>(text[edges.end]) & 0xC0) == 0x80);
  }
}

void cut_by_scan(const token::PreTokenizer& pre_tokenizer, Pieces& pieces) {
  if (pre_tokenizer.add_prefix_space) {
    token::rebuild(pieces, [](const Piece&, std::string_view text, token::Rebuilt& out) {
      if (!text.starts_with(' ')) {
        out.put(" ", 0);
      }
      out.copy(0, text.size());
    });
  }
  token::cut(pieces, token::Behavior::kIsolated, false, [&](std::string_view text, const token::FoundMatch& found) {
    size_t ends[256];
    size_t begin = 0;
    while (const size_t count = pre_tokenizer.scan(text, begin, ends, std::size(ends))) {
      for (size_t i = 0; i < count; ++i) {
        found(begin, ends[i]);
        begin = ends[i];
      }
    }
  });
}

}  // namespace

Pieces Tokenizer::Impl::prepare(std::string_view text, AddedTokens which, std::span<const TextSpan> data,
                                bool tracked) const {
  Pieces out;
  out.text.tracked = tracked;
  const auto add_piece = [&](const Aligned& from, size_t begin, size_t end, int32_t index) {
    if (begin >= end) {  // rstrip may have taken the beginning of the next added token
      return;
    }
    Aligned part = from;
    token::keep(part, begin, end);
    const size_t at = out.text.text.size();
    const bool at_start = tracked ? part.spans.front().begin == 0 : from.origin == 0 && begin == 0;
    out.text.append(part);
    out.pieces.push_back({at, out.text.text.size(), index, at_start});
  };
  const auto add_part = [&](size_t begin, size_t end) {
    if (begin >= end) {
      return;
    }
    Aligned part = Aligned::of(text.substr(begin, end - begin), static_cast<uint32_t>(begin), tracked, !keeps_bytes);
    for (const token::NormalizerStep& step : normalizers) {
      step.apply(part);
      token::check_growth(end - begin, part.text.size());
    }
    std::vector<TextSpan> inside;  // data, in bytes of the normalised part
    for (size_t i = 0; i < (data.empty() || !tracked ? 0 : part.text.size()); ++i) {
      const Span& span = part.spans[i];
      const bool is_data = overlaps(data, span.begin, span.end);
      if (is_data && !inside.empty() && inside.back().end == i) {
        inside.back().end = static_cast<uint32_t>(i + 1);
      } else if (is_data) {
        inside.push_back({static_cast<uint32_t>(i), static_cast<uint32_t>(i + 1)});
      }
    }
    size_t done = 0;
    for (const Found& found : find_added(part.text, true, which, inside)) {
      add_piece(part, done, found.begin, -1);
      add_piece(part, found.begin, found.end, static_cast<int32_t>(found.index));
      done = found.end;
    }
    add_piece(part, done, part.text.size(), -1);
  };
  size_t done = 0;
  for (const Found& found : find_added(text, false, which, data)) {
    add_part(done, found.begin);
    const Aligned whole = Aligned::of(text.substr(found.begin, found.end - found.begin),
                                      static_cast<uint32_t>(found.begin), tracked, !keeps_bytes);
    add_piece(whole, 0, whole.text.size(), static_cast<int32_t>(found.index));
    done = found.end;
  }
  add_part(done, text.size());
  if (scans_words()) {
    cut_by_scan(pre_tokenizer, out);
    return out;
  }
  for (const token::PreTokenizerStep& step : chain.steps) {
    step.apply(out);
  }
  if (chain.mapped) {
    token::unmap_bytes(out);
  }
  return out;
}

bool Tokenizer::Impl::scans_words() const {
  return pre_tokenizer.scan != nullptr && (chain.steps.size() <= 2 || pre_tokenizer.whole_chain);
}

bool Tokenizer::Impl::drafts_straight(std::string_view text, const EncodeOptions& options) const {
  const auto is_nfc = [](const token::NormalizerStep& step) { return step.type == "NFC"; };
  return encoder && byte_level && model->keeps_bytes() && scans_words() && !chain.mapped && !needs_alignment &&
         !pre_tokenizer.add_prefix_space && options.data.empty() &&
         std::all_of(normalizers.begin(), normalizers.end(), is_nfc) && is_valid_utf8(text) &&
         (normalizers.empty() || token::is_plainly_nfc(text));
}

Draft Tokenizer::Impl::draft_straight(std::string_view text, int32_t type_id, const EncodeOptions& options) const {
  const auto continues = [&](size_t at) { return at < text.size() && (static_cast<uint8_t>(text[at]) & 0xC0) == 0x80; };
  Draft out;
  std::vector<int32_t> ids;
  int32_t word = 0;
  const auto push = [&](int32_t id, size_t begin, size_t end, bool is_added) {
    const std::string_view covered = text.substr(begin, end - begin);
    for (; continues(begin); --begin) {
    }
    for (; continues(end); ++end) {
    }
    const TextSpan offset{static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
    Draft::Edges edges;
    if (post_processor.trims) {
      count_spaces(covered, !is_added, edges);
      place_edges(text, offset, edges);
    }
    out.push(id, type_id, word, offset, false, post_processor.trims ? &edges : nullptr);
  };
  const auto add_stretch = [&](size_t begin, size_t end) {
    const std::string_view stretch = text.substr(begin, end - begin);
    size_t ends[256], count = 0, next = 0, piece_end = 0, at = 0;
    ids.clear();
    encoder->encode(stretch, ids);
    out.reserve(out.size() + ids.size(), post_processor.trims);
    for (const int32_t id : ids) {
      if (at == piece_end) {
        if (next == count) {
          count = encoder->scan()(stretch, at, ends, std::size(ends));
          next = 0;
        }
        piece_end = ends[next++];
        word += at == 0 ? 0 : 1;
      }
      const size_t length = bytes[static_cast<size_t>(id)].size();
      push(id, begin + at, begin + at + length, false);
      at += length;
    }
    word += ids.empty() ? 0 : 1;
  };
  const auto add_token = [&](const Found& found, size_t begin) {
    push(added[found.index].id, begin + found.begin, begin + found.end, true);
    ++word;
  };
  const auto add_part = [&](size_t begin, size_t end) {
    size_t done = begin;
    for (const Found& found : begin < end ? find_added(text.substr(begin, end - begin), true, options.added_tokens, {})
                                          : std::vector<Found>()) {
      add_stretch(done, begin + found.begin);
      add_token(found, begin);
      done = begin + found.end;
    }
    if (done < end) {
      add_stretch(done, end);
    }
  };
  size_t done = 0;
  for (const Found& found : find_added(text, false, options.added_tokens, {})) {
    add_part(done, found.begin);
    add_token(found, 0);
    done = found.end;
  }
  add_part(done, text.size());
  if (options.characters) {
    to_characters(text, out);
  }
  return out;
}

Draft Tokenizer::Impl::draft(std::string_view text, int32_t type_id, const EncodeOptions& options, bool is_first) const {
  if (drafts_straight(text, options)) {
    return draft_straight(text, type_id, options);
  }
  const Pieces pieces = prepare(text, options.added_tokens, is_first ? options.data : std::span<const TextSpan>{}, true);
  Draft out;
  std::vector<int32_t> ids;
  std::vector<Span> spans;
  std::unique_ptr<token::Workspace> workspace = take_workspace();
  for (size_t word = 0; word < pieces.pieces.size(); ++word) {
    const Piece& piece = pieces.pieces[word];
    const std::string_view part = std::string_view(pieces.text.text).substr(piece.begin, piece.end - piece.begin);
    ids.clear();
    spans.clear();
    if (piece.added >= 0) {
      ids.push_back(added[static_cast<size_t>(piece.added)].id);
      spans.push_back({0, static_cast<uint32_t>(part.size())});
    } else {
      model->encode_spans(part, *workspace, ids, spans);
    }
    for (size_t i = 0; i < ids.size(); ++i) {
      const size_t begin = piece.begin + spans[i].begin, end = piece.begin + spans[i].end;
      const uint32_t start = pieces.text.spans[piece.begin].begin;
      const Span from = begin < end ? pieces.text.original(begin, end)
                                    : Span{start + spans[i].begin, start + spans[i].begin};
      const TextSpan offset{from.begin, from.end};
      Draft::Edges edges;
      if (post_processor.trims) {
        const std::string_view covered = part.substr(spans[i].begin, spans[i].end - spans[i].begin);
        const bool raw_bytes = byte_level && piece.added < 0;
        count_spaces(raw_bytes || piece.added >= 0 ? covered : std::string_view(vocabulary.token(ids[i])), raw_bytes,
                     edges);
        place_edges(text, offset, edges);
      }
      out.push(ids[i], type_id, static_cast<int32_t>(word), offset, false, post_processor.trims ? &edges : nullptr);
    }
  }
  give_workspace(std::move(workspace));
  if (options.characters) {
    to_characters(text, out);
  }
  return out;
}

namespace {

void check(std::string_view text, std::span<const TextSpan> data) {
  size_t done = 0;
  for (const TextSpan& span : data) {
    if (span.begin < done || span.end < span.begin || span.end > text.size()) {
      throw Error(ErrorKind::kInternal, "the ranges of data in a text are not in order, or not in it");
    }
    done = span.end;
  }

  if (text.size() >= UINT32_MAX) {
    throw Error(ErrorKind::kInput, "a text of 4 GiB or more cannot be encoded with offsets", "", "cut it first");
  }
}

}  // namespace

Draft Tokenizer::Impl::process(std::vector<Draft> drafts, const EncodeOptions& options) const {
  if (truncation && options.truncate) {
    token::Truncation limit = *truncation;
    const size_t added_here = options.add_special_tokens ? post_processor.num_added(drafts.size() > 1) : 0;
    if (added_here > limit.max_length) {
      throw Error(ErrorKind::kInput, "truncation to " + std::to_string(limit.max_length) +
                                         " tokens leaves no room for the " + std::to_string(added_here) +
                                         " that the post_processor adds");
    }
    limit.max_length -= added_here;
    token::truncate(drafts, limit);
  }
  return post_processor.apply(std::move(drafts), options.add_special_tokens);
}

Encoding Tokenizer::encode_full(std::string_view text, const EncodeOptions& options) const {
  return std::move(encode_full(std::span<const std::string_view>(&text, 1), options).front());
}

Encoding Tokenizer::encode_full(std::string_view text, std::string_view pair, const EncodeOptions& options) const {
  check(text, options.data);
  check(pair, {});
  std::vector<Draft> both;
  both.push_back(impl_->draft(text, 0, options, true));
  both.push_back(impl_->draft(pair, 1, options, false));
  Draft draft = impl_->process(std::move(both), options);
  if (impl_->padding && options.pad) {
    token::pad(draft, *impl_->padding, token::padded_length(*impl_->padding, draft.size()));
  }
  return std::move(draft).finish();
}

std::vector<Encoding> Tokenizer::encode_full(std::span<const std::string_view> texts,
                                             const EncodeOptions& options) const {
  std::vector<Draft> drafts;
  size_t longest = 0;
  for (const std::string_view text : texts) {
    check(text, options.data);
    std::vector<Draft> one;
    one.push_back(impl_->draft(text, 0, options, true));
    drafts.push_back(impl_->process(std::move(one), options));
    longest = std::max(longest, drafts.back().size());
  }
  std::vector<Encoding> out;
  for (Draft& draft : drafts) {
    if (impl_->padding && options.pad) {
      token::pad(draft, *impl_->padding, token::padded_length(*impl_->padding, longest));
    }
    out.push_back(std::move(draft).finish());
  }
  return out;
}

}  // namespace athanor
