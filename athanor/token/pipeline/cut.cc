#include "athanor/token/pipeline/cut.h"

#include <algorithm>

namespace athanor::token {

namespace {

struct Stretch {
  size_t begin, end;
  bool match;
};

void merge_contiguous(std::vector<Stretch>& all) {
  std::vector<Stretch> out;
  bool previous = false;
  for (const Stretch& each : all) {
    if (each.match == previous && !out.empty()) {
      out.back().end = each.end;
    } else {
      out.push_back(each);
    }
    previous = each.match;
  }
  all = std::move(out);
}

void merge_with_previous(std::vector<Stretch>& all) {
  std::vector<Stretch> out;
  bool previous = false;
  for (const Stretch& each : all) {
    if (each.match && !previous && !out.empty()) {
      out.back().end = each.end;
    } else {
      out.push_back(each);
    }
    previous = each.match;
  }
  all = std::move(out);
}

void merge_with_next(std::vector<Stretch>& all) {
  std::vector<Stretch> out;
  bool previous = false;
  std::for_each(all.rbegin(), all.rend(), [&](const Stretch& each) {
    if (each.match && !previous && !out.empty()) {
      out.back().begin = each.begin;
    } else {
      out.push_back(each);
    }
    previous = each.match;
  });
  std::reverse(out.begin(), out.end());
  all = std::move(out);
}

void apply(Behavior behavior, std::vector<Stretch>& all) {
  switch (behavior) {
    case Behavior::kRemoved:
      std::erase_if(all, [](const Stretch& each) { return each.match; });
      break;
    case Behavior::kIsolated:
      break;
    case Behavior::kMergedWithPrevious:
      merge_with_previous(all);
      break;
    case Behavior::kMergedWithNext:
      merge_with_next(all);
      break;
    case Behavior::kContiguous:
      merge_contiguous(all);
      break;
  }
}

}  // namespace

void cut(Pieces& pieces, Behavior behavior, bool invert, const FindMatches& find) {
  std::vector<Piece> out;
  std::vector<Stretch> all;
  for (const Piece& piece : pieces.pieces) {
    if (piece.added >= 0) {
      out.push_back(piece);
      continue;
    }
    all.clear();
    size_t done = 0;
    const std::string_view text = std::string_view(pieces.text.text).substr(piece.begin, piece.end - piece.begin);
    find(text, [&](size_t begin, size_t end) {
      if (done != begin) {
        all.push_back({done, begin, invert});
      }
      all.push_back({begin, end, !invert});
      done = end;
    });
    if (done != text.size()) {
      all.push_back({done, text.size(), invert});
    }
    apply(behavior, all);
    for (const Stretch& each : all) {
      if (each.begin < each.end) {
        const size_t begin = piece.begin + each.begin;
        const bool at_start =
            pieces.text.tracked ? pieces.text.spans[begin].begin == 0 : piece.at_start && each.begin == 0;
        out.push_back({begin, piece.begin + each.end, -1, at_start});
      }
    }
  }
  pieces.pieces = std::move(out);
}

void Rebuilt::put(std::string_view text, size_t at) {
  to_.text += text;
  if (to_.tracked) {
    to_.spans.resize(to_.text.size(), from_.spans[begin_ + at]);
  }
}

void Rebuilt::copy(size_t begin, size_t end) {
  to_.text.append(from_.text, begin_ + begin, end - begin);
  if (to_.tracked) {
    const auto spans = from_.spans.begin() + static_cast<std::ptrdiff_t>(begin_);
    to_.spans.insert(to_.spans.end(), spans + static_cast<std::ptrdiff_t>(begin), spans + static_cast<std::ptrdiff_t>(end));
  }
}

void rebuild(Pieces& pieces, const std::function<void(const Piece&, std::string_view, Rebuilt&)>& write) {
  Aligned text;
  text.tracked = pieces.text.tracked;
  text.text.reserve(pieces.text.text.size() + pieces.pieces.size());
  for (Piece& piece : pieces.pieces) {
    Rebuilt out(pieces.text, piece.begin, text);
    const std::string_view old = std::string_view(pieces.text.text).substr(piece.begin, piece.end - piece.begin);
    const size_t begin = text.text.size();
    if (piece.added >= 0) {
      out.copy(0, old.size());
    } else {
      write(piece, old, out);
    }
    piece.begin = begin;
    piece.end = text.text.size();
  }
  pieces.text = std::move(text);
}

}  // namespace athanor::token
