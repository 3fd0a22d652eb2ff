#include "athanor/token/train/unigram_words.h"

#include <algorithm>
#include <limits>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"

namespace athanor::token {

namespace {

constexpr int32_t kChunkPlaces = 1 << 15;
constexpr int32_t kMark = 64;
constexpr int32_t kNumEnds = 2;

bool ends_line(std::string_view piece) {
  return piece.size() > 1 && piece.back() == '\n';
}

struct Pending {
  std::string word;
  int64_t inside = 0, at_end = 0;
};

}  // namespace

std::string UnigramText::utf8_at(int32_t begin, int32_t length) const {
  std::string out;
  for (int32_t i = begin; i < begin + length; ++i) {
    append_utf8(out, characters[text[i]]);
  }
  return out;
}

UnigramText load_words(const CountSource& counts, const PieceRules& rules) {
  UnigramText out;
  std::unordered_map<char32_t, uint64_t> seen;
  std::unordered_map<std::string, int64_t> ends;  // words that end lines, until the word itself is met
  uint64_t places = 0;
  counts([&](std::string_view piece, int64_t count) {
    out.counted += static_cast<uint64_t>(count);
    const bool marked = ends_line(piece);
    const std::string_view word = marked ? piece.substr(0, piece.size() - 1) : piece;
    out.counted_bytes += word.size() * static_cast<uint64_t>(count);
    for (const char *p = word.data(), *end = p + word.size(); p != end; ++places) {
      seen[decode_utf8(p, end)] += static_cast<uint64_t>(count);
    }
    ++places;
    if (marked) {
      ends.emplace(word, count);
    }
  });
  if (out.counted == 0) {
    throw Error(ErrorKind::kInput, "there is no text to train on", "tokenizer training");
  }
  if (places + kNumEnds > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
    throw Error(ErrorKind::kResource, "the different words have more than 2 billion characters",
                "tokenizer training", "train on a sample (sample:), or with kind: bpe");
  }
  out.alphabet = choose_alphabet(seen, rules);
  std::vector<char32_t> sorted = out.alphabet.characters;
  sorted.push_back(kUncovered);
  std::sort(sorted.begin(), sorted.end());
  out.characters.assign(kNumEnds, 0);
  out.characters.insert(out.characters.end(), sorted.begin(), sorted.end());
  std::unordered_map<char32_t, int32_t> symbol;
  for (size_t i = 0; i < sorted.size(); ++i) {
    symbol[sorted[i]] = static_cast<int32_t>(i) + kNumEnds;
  }
  const int32_t uncovered = symbol[kUncovered];
  out.text.reserve(static_cast<size_t>(places));
  const auto append = [&](std::string_view word, bool at_end, int64_t weight) {
    for (const char *p = word.data(), *end = p + word.size(); p != end;) {
      const auto found = symbol.find(decode_utf8(p, end));
      out.text.push_back(found == symbol.end() ? uncovered : found->second);
    }
    out.text.push_back(at_end ? 0 : 1);
    out.word_ends.push_back(static_cast<int32_t>(out.text.size()));
    out.weights.push_back(weight);
  };
  std::vector<std::pair<std::string, int64_t>> extra;
  counts([&](std::string_view piece, int64_t count) {
    const bool marked = ends_line(piece);
    const std::string word(marked ? piece.substr(0, piece.size() - 1) : piece);
    const auto found = ends.find(word);
    if (marked && found == ends.end()) {
      return;  // it came with the word itself
    }
    const auto begin = static_cast<int32_t>(out.text.size());
    int64_t all = count;
    if (!marked && found != ends.end()) {
      all += found->second;
      extra.emplace_back(word, found->second);
      ends.erase(found);
    }
    append(word, marked, count);
    out.words.push_back({begin, static_cast<int32_t>(out.text.size()) - begin - 1, all});
  });
  out.num_training = static_cast<int32_t>(out.text.size());
  out.num_pieces = out.words.size();
  for (const auto& [word, count] : extra) {
    append(word, true, count);
  }
  return out;
}

PieceGrid::PieceGrid(const UnigramText& text, const Seeds& seeds, ThreadPool& pool) {
  cut_chunks(text);
  // Pieces by length, so that the edges of a place come out in that order.
  std::vector<uint32_t> order(seeds.pieces.size());
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = static_cast<uint32_t>(i);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](uint32_t a, uint32_t b) { return seeds.pieces[a].length < seeds.pieces[b].length; });
  std::vector<int32_t> single(text.characters.size(), -1);  // the piece of a symbol
  for (size_t i = 0; i < seeds.pieces.size(); ++i) {
    if (seeds.pieces[i].length == 1) {
      single[text.text[seeds.pieces[i].begin]] = static_cast<int32_t>(i);
    }
  }
  counts_.assign(static_cast<size_t>(text.num_training), 0);
  for (int32_t i = 0; i < text.num_training; ++i) {
    counts_[i] = single[text.text[i]] >= 0 ? 1 : 0;
  }
  for (const SeedPiece& piece : seeds.pieces) {
    for (int32_t i = piece.left; i < piece.right; ++i) {
      if (seeds.sa[i] < text.num_training) {
        ++counts_[seeds.sa[i]];
      }
    }
  }
  std::vector<uint32_t> next(static_cast<size_t>(text.num_training));
  pool.parallel_for(chunks_.size(), [&](size_t c) {
    Chunk& chunk = chunks_[c];
    uint32_t at = 0;
    for (int32_t i = chunk.begin; i < chunk.end; ++i) {
      next[i] = at;
      at += counts_[i];
    }
    chunk.edges.resize(at);
    for (int32_t i = chunk.begin; i < chunk.end; ++i) {
      if (single[text.text[i]] >= 0) {
        chunk.edges[next[i]++] = static_cast<uint32_t>(single[text.text[i]]) << kLengthBits | 1;
      }
    }
  });
  std::vector<uint32_t> chunk_of(static_cast<size_t>(text.num_training) / kMark + 1);
  for (size_t c = 0; c < chunks_.size();
       ++c) {  // chunks begin at multiples of no number: look at the next one, too
    for (int32_t i = chunks_[c].begin / kMark; i <= (chunks_[c].end - 1) / kMark; ++i) {
      chunk_of[i] = static_cast<uint32_t>(c);
    }
  }
  for (const uint32_t number : order) {
    const SeedPiece& piece = seeds.pieces[number];
    const uint32_t edge = number << kLengthBits | static_cast<uint32_t>(piece.length);
    for (int32_t i = piece.left; i < piece.right; ++i) {
      const int32_t place = seeds.sa[i];
      if (place < text.num_training) {
        uint32_t c = chunk_of[place / kMark];
        c -= chunks_[c].begin > place ? 1 : 0;
        chunks_[c].edges[next[place]++] = edge;
      }
    }
  }
  index();
}

void PieceGrid::cut_chunks(const UnigramText& text) {
  for (size_t word = 0; word < text.words.size();) {
    Chunk chunk{word, word, text.words[word].begin, 0, {}};
    do {
      chunk.end = text.words[word].begin + text.words[word].length + 1;
      chunk.end_word = ++word;
    } while (word < text.words.size() && chunk.end - chunk.begin < kChunkPlaces);
    chunks_.push_back(std::move(chunk));
  }
}

void PieceGrid::index() {
  marks_.clear();
  first_mark_.clear();
  for (const Chunk& chunk : chunks_) {
    first_mark_.push_back(marks_.size());
    uint32_t edges = 0;
    for (int32_t i = chunk.begin; i < chunk.end; ++i) {
      if ((i - chunk.begin) % kMark == 0) {
        marks_.push_back(edges);
      }
      edges += counts_[i];
    }
  }
}

const PieceGrid::Chunk& PieceGrid::chunk_at(int32_t place) const {
  const auto after = std::upper_bound(chunks_.begin(), chunks_.end(), place,
                                      [](int32_t p, const Chunk& chunk) { return p < chunk.begin; });
  return *(after - 1);
}

size_t PieceGrid::first_edge(const Chunk& chunk, int32_t place) const {
  const size_t number = static_cast<size_t>(&chunk - chunks_.data());
  const int32_t mark = (place - chunk.begin) / kMark;
  size_t at = marks_[first_mark_[number] + static_cast<size_t>(mark)];
  for (int32_t i = chunk.begin + mark * kMark; i < place; ++i) {
    at += counts_[i];
  }
  return at;
}

void PieceGrid::renumber(const std::vector<int32_t>& to, ThreadPool& pool) {
  pool.parallel_for(chunks_.size(), [&](size_t c) {
    Chunk& chunk = chunks_[c];
    size_t from = 0, kept = 0;
    for (int32_t i = chunk.begin; i < chunk.end; ++i) {
      const size_t end = from + counts_[i], first = kept;
      for (; from < end; ++from) {
        const int32_t number = to[chunk.edges[from] >> kLengthBits];
        if (number >= 0) {
          chunk.edges[kept++] = static_cast<uint32_t>(number) << kLengthBits | (chunk.edges[from] & kMaxLength);
        }
      }
      counts_[i] = static_cast<uint8_t>(kept - first);
    }
    chunk.edges.resize(kept);
    if (chunk.edges.capacity() > 2 * kept) {
      chunk.edges.shrink_to_fit();
    }
  });
  index();
}

uint64_t PieceGrid::num_edges() const {
  uint64_t edges = 0;
  for (const Chunk& chunk : chunks_) {
    edges += chunk.edges.size();
  }
  return edges;
}

}  // namespace athanor::token
