#include "athanor/token/split/metaspace.h"

#include <algorithm>
#include <array>

#include "athanor/base/unicode.h"
#include "athanor/token/split/class_table.h"

namespace athanor::token {

namespace {

// The bytes of the space or marker at p; 0 when there is neither.
size_t marker_at(const char* p, const char* end) {
  if (*p == ' ') {
    return 1;
  }
  const bool marker = *p == kMarker[0] && end - p >= 3 && p[1] == kMarker[1] && p[2] == kMarker[2];
  return marker ? 3 : 0;
}

bool is_word_byte(char c) {
  const uint8_t byte = static_cast<uint8_t>(c);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z');
}

// Whether a cut may come after the byte.
struct AfterAll {
  static bool allowed(char) { return true; }
};
struct NotAfterAngle {
  static bool allowed(char c) { return c != '>'; }
};
struct AfterWords {
  static bool allowed(char c) { return is_word_byte(c); }
};

// What stands at p up to where a marker begins, or to the end.
const char* skip_unmarked(const char* p, const char* end) {
  for (;; ++p) {
    while (p != end && *p != ' ' && *p != kMarker[0]) {
      ++p;
    }
    if (p == end || marker_at(p, end) != 0) {
      return p;
    }
  }
}

struct EachMarker {
  static const char* piece(const char* p, const char* end) {
    const size_t marker = marker_at(p, end);
    return skip_unmarked(p + marker, end);
  }
};

template <typename After>
struct MarkerRuns {
  static const char* piece(const char* p, const char* end) {
    for (;;) {
      size_t marker;
      while (p != end && (marker = marker_at(p, end)) != 0) {
        p += marker;
      }
      p = skip_unmarked(p, end);
      if (p == end || After::allowed(p[-1])) {
        return p;
      }
    }
  }
};

// The bytes of the white space at p; 0 for other characters.
size_t white_at(const char* p, const char* end) {
  const uint8_t byte = static_cast<uint8_t>(*p);
  if (byte < 0x80) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r') ? 1 : 0;
  }
  const char* next = p;
  const char32_t code = decode_utf8(next, end);
  return has_class(code, kWhiteBit) ? static_cast<size_t>(next - p) : 0;
}

struct WhiteMarkers {
  static const char* piece(const char* p, const char* end) {
    size_t white;
    while (p != end && (white = white_at(p, end)) != 0) {
      p += white;
    }
    if (p != end && *p != ' ') {
      p += marker_at(p, end);
    }
    while (p != end) {
      const uint8_t byte = static_cast<uint8_t>(*p);
      const bool plain = byte > ' ' && byte < 0x80;
      if (!plain && (white_at(p, end) != 0 || marker_at(p, end) != 0)) {
        break;
      }
      if (plain) {
        ++p;
      } else {
        decode_utf8(p, end);
      }
    }
    return p;
  }
};

template <typename Cut>
size_t scan_by(std::string_view text, size_t begin, size_t* ends, size_t max) {
  const char* p = text.data() + begin;
  const char* const end = text.data() + text.size();
  size_t count = 0;
  while (count < max && p != end) {
    p = Cut::piece(p, end);
    ends[count++] = static_cast<size_t>(p - text.data());
  }
  return count;
}

}  // namespace

size_t scan_markers(std::string_view text, size_t begin, size_t* ends, size_t max) {
  return scan_by<EachMarker>(text, begin, ends, max);
}
size_t scan_marker_runs(std::string_view text, size_t begin, size_t* ends, size_t max) {
  return scan_by<MarkerRuns<AfterAll>>(text, begin, ends, max);
}
size_t scan_runs_not_after_angle(std::string_view text, size_t begin, size_t* ends, size_t max) {
  return scan_by<MarkerRuns<NotAfterAngle>>(text, begin, ends, max);
}
size_t scan_runs_after_words(std::string_view text, size_t begin, size_t* ends, size_t max) {
  return scan_by<MarkerRuns<AfterWords>>(text, begin, ends, max);
}
size_t scan_white_markers(std::string_view text, size_t begin, size_t* ends, size_t max) {
  return scan_by<WhiteMarkers>(text, begin, ends, max);
}

Scan scan_within_tokens(const TokenModel& model, const Vocabulary& vocabulary) {
  std::array<bool, 256> crossed{};  // last bytes of characters that stand before a marker in some token
  const auto note = [&](std::string_view token) {
    for (size_t at = token.find(kMarker, 1); at != std::string_view::npos; at = token.find(kMarker, at + 1)) {
      if (!token.substr(0, at).ends_with(kMarker)) {
        crossed[static_cast<uint8_t>(token[at - 1])] = true;
      }
    }
  };
  if (!vocabulary.find(kMarker) || !model.visit_joined(note)) {
    return nullptr;
  }
  const auto only = [&](const auto& allowed) {  // all crossed bytes are ones after which there is no cut
    for (int byte = 0; byte < 256; ++byte) {
      if (crossed[byte] && allowed(static_cast<char>(byte))) {
        return false;
      }
    }
    return true;
  };
  return only(AfterAll::allowed)        ? &scan_marker_runs
         : only(NotAfterAngle::allowed) ? &scan_runs_not_after_angle
         : only(AfterWords::allowed)    ? &scan_runs_after_words
                                        : nullptr;
}

namespace {

// For each byte of marked, and its end: where it is in piece. What marked has more is markers.
std::vector<uint32_t> origins_of(std::string_view piece, std::string_view marked) {
  std::vector<uint32_t> origins(marked.size() + 1, static_cast<uint32_t>(piece.size()));
  size_t to = marked.size(), from = piece.size();  // from the end: all that differs at the front is dropped space
  while (to > 0) {
    if (from > 0 && piece[from - 1] == marked[to - 1]) {
      origins[--to] = static_cast<uint32_t>(--from);
      continue;
    }
    from -= from > 0 && piece[from - 1] == ' ' ? 1 : 0;
    for (size_t i = 0; i < kMarker.size() && to > 0; ++i) {
      origins[--to] = static_cast<uint32_t>(from);
    }
  }
  return origins;
}

}  // namespace

std::string_view MarkerModel::mark(std::string_view piece, Workspace& work) const {
  work.text.clear();
  if (marking_ == Marking::kWords) {
    const char* p = piece.data();
    const char* const end = p + piece.size();
    size_t white;
    while (p != end && (white = white_at(p, end)) != 0) {
      p += white;
    }
    if (p != end) {
      work.text.append(marker_at(p, end) == 0 ? kMarker : "").append(p, end);
    }
    return work.text;
  }
  for (const char c : piece) {
    if (c == ' ') {
      work.text += kMarker;
    } else {
      work.text += c;
    }
  }
  return work.text;
}

void MarkerModel::encode(std::string_view piece, Workspace& work, std::vector<int32_t>& ids) const {
  const std::string_view marked = mark(piece, work);
  if (!marked.empty()) {
    model_.encode(marked, work, ids);
  }
}

void MarkerModel::encode_spans(std::string_view piece, Workspace& work, std::vector<int32_t>& ids,
                               std::vector<Span>& spans) const {
  const std::string_view marked = mark(piece, work);
  if (marked.empty()) {
    return;
  }
  const std::vector<uint32_t> origins = origins_of(piece, marked);
  const size_t first = spans.size();
  model_.encode_spans(marked, work, ids, spans);
  for (size_t i = first; i < spans.size(); ++i) {
    spans[i] = {origins[spans[i].begin], origins[spans[i].end]};
  }
}

}  // namespace athanor::token
