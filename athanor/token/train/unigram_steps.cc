#include "athanor/token/train/unigram_steps.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "athanor/base/interrupt.h"

namespace athanor::token {

namespace {

// Products of probabilities are kept as doubles, and lifted by kLift when they get below 1 / kLift.
constexpr double kLift = 1e100;
constexpr float kUnset = -std::numeric_limits<float>::infinity();

float lowest(const std::vector<float>& scores) {
  float least = std::numeric_limits<float>::max();
  for (const float score : scores) {
    least = std::min(least, score);
  }
  return least;
}

// Tasks that threads take in turn, with room of their own each.
template <class Lane, class Fn>
void run_lanes(ThreadPool& pool, size_t num_tasks, std::vector<Lane>& lanes, Fn fn) {
  pool.parallel_for(lanes.size(), [&](size_t lane) {
    for (size_t task = lane; task < num_tasks; task += lanes.size()) {
      check_interrupt();
      fn(lanes[lane], task);
    }
  });
}

// Forward and backward over the words of a chunk. Sums are integers: they do not depend on the order.
class ForwardBackward {
 public:
  ForwardBackward(const PieceGrid& grid, const std::vector<double>& weights, double unknown, double unit)
      : grid_(grid), weights_(weights), unknown_(unknown), unit_(unit), sums_(weights.size()) {}

  double add(const UnigramText& text, size_t number) {
    const PieceGrid::Chunk& chunk = grid_.chunk(number);
    const uint32_t* edges = chunk.edges.data();
    double objective = 0;
    for (size_t w = chunk.first_word; w < chunk.end_word; ++w) {
      const UnigramWord& word = text.words[w];
      const uint8_t* const counts = grid_.counts().data() + word.begin;
      size_t num_edges = 0;
      for (int32_t i = 0; i < word.length; ++i) {
        num_edges += counts[i];
      }
      objective += add_word(edges, num_edges, counts, word.length, static_cast<double>(word.count));
      edges += num_edges;
    }
    return objective;
  }

  const std::vector<int64_t>& sums() const { return sums_; }

 private:
  double add_word(const uint32_t* edges, size_t num_edges, const uint8_t* counts, int32_t n, double count) {
    forward(edges, counts, n);
    backward(edges + num_edges, counts, n, count * unit_ / alpha_[n]);
    return -count * (std::log(alpha_[n]) - lifts_[n] * std::log(kLift));
  }

  void forward(const uint32_t* edge, const uint8_t* counts, int32_t n) {
    alpha_.assign(static_cast<size_t>(n) + 1, 0.0);
    lifts_.resize(static_cast<size_t>(n) + 1);
    alpha_[0] = 1;
    int lifts = 0;
    for (int32_t i = 0;; ++i) {
      if (alpha_[i] < 1 / kLift) {
        ++lifts;
        for (int32_t k = i; k <= std::min<int32_t>(n, i + PieceGrid::kMaxLength); ++k) {
          alpha_[k] *= kLift;
        }
      }
      lifts_[i] = lifts;
      if (i == n) {
        return;
      }
      const double at = alpha_[i];
      if (counts[i] == 0 || (edge[0] & PieceGrid::kMaxLength) != 1) {
        alpha_[i + 1] += at * unknown_;
      }
      for (int k = 0; k < counts[i]; ++k, ++edge) {
        alpha_[i + (*edge & PieceGrid::kMaxLength)] += at * weights_[*edge >> PieceGrid::kLengthBits];
      }
    }
  }

  void backward(const uint32_t* edges_end, const uint8_t* counts, int32_t n, double scale) {
    beta_.resize(static_cast<size_t>(n) + 1);
    beta_[n] = 1;
    int lifts = 0;
    for (int32_t i = n - 1; i >= 0; --i) {
      const uint32_t* const edges = edges_end - counts[i];
      const double left = alpha_[i] * scale;
      double sum = 0;
      const auto pass = [&](int32_t to, size_t piece, double weight) {
        const double here = weight * beta_[to];
        sum += here;
        const int level = lifts_[n] - lifts_[i] - lifts;
        sums_[piece] += std::llrint(level == 0 ? left * here : left * here * std::pow(kLift, level));
      };
      if (counts[i] == 0 || (edges[0] & PieceGrid::kMaxLength) != 1) {
        pass(i + 1, 0, unknown_);
      }
      for (int k = 0; k < counts[i]; ++k) {
        pass(i + static_cast<int32_t>(edges[k] & PieceGrid::kMaxLength), edges[k] >> PieceGrid::kLengthBits,
             weights_[edges[k] >> PieceGrid::kLengthBits]);
      }
      beta_[i] = sum;
      if (sum < 1 / kLift) {
        ++lifts;
        for (int32_t k = i; k <= std::min<int32_t>(n, i + PieceGrid::kMaxLength); ++k) {
          beta_[k] *= kLift;
        }
      }
      edges_end = edges;
    }
  }

  const PieceGrid& grid_;
  const std::vector<double>& weights_;
  double unknown_, unit_;
  std::vector<int64_t> sums_;
  std::vector<double> alpha_, beta_;
  std::vector<int> lifts_;
};

}  // namespace

Expectation expect(const UnigramText& text, const PieceGrid& grid, const std::vector<float>& scores,
                   ThreadPool& pool) {
  std::vector<double> weights(scores.size());
  for (size_t i = 0; i < scores.size(); ++i) {
    weights[i] = std::exp(static_cast<double>(scores[i]));
  }
  const double unknown = std::exp(static_cast<double>(lowest(scores) - kUnknownPenalty));
  // No sum exceeds the counted characters, so this power of two keeps it within 62 bits.
  const int bits = std::bit_width(text.alphabet.counted);
  const double unit = std::ldexp(1.0, std::clamp(61 - bits, 0, 40));
  std::vector<ForwardBackward> lanes(static_cast<size_t>(std::max(1, pool.num_threads())),
                                     ForwardBackward(grid, weights, unknown, unit));
  std::vector<double> objectives(grid.num_chunks());
  run_lanes(pool, grid.num_chunks(), lanes,
            [&](ForwardBackward& lane, size_t chunk) { objectives[chunk] = lane.add(text, chunk); });
  Expectation out{std::vector<double>(scores.size()), 0};
  for (size_t i = 0; i < scores.size(); ++i) {
    int64_t sum = 0;
    for (const ForwardBackward& lane : lanes) {
      sum += lane.sums()[i];
    }
    out.pieces[i] = static_cast<double>(sum) / unit;
  }
  for (const double objective : objectives) {
    out.objective += objective;
  }
  out.objective /= static_cast<double>(text.counted);
  return out;
}

namespace {

struct CutLane {
  std::vector<uint64_t> pieces;
  uint64_t num_tokens = 0;
  std::vector<float> best;
  std::vector<int32_t> piece;
  std::vector<int32_t> from;
};

void try_edge(CutLane& lane, int32_t at, int32_t to, int32_t piece, float score) {
  const float sum = lane.best[at] + score;
  if (sum > lane.best[to]) {  // of equal ones the first to begin stays, as in SentencePiece
    lane.best[to] = sum;
    lane.piece[to] = piece;
    lane.from[to] = at;
  }
}

void start(CutLane& lane, int32_t n) {
  lane.best.assign(static_cast<size_t>(n) + 1, kUnset);
  lane.piece.resize(static_cast<size_t>(n) + 1);
  lane.from.resize(static_cast<size_t>(n) + 1);
  lane.best[0] = 0;
}

}  // namespace

BestCuts cut_best(const UnigramText& text, const PieceGrid& grid, const std::vector<float>& scores,
                  ThreadPool& pool) {
  const float unknown = lowest(scores) - kUnknownPenalty;
  std::vector<CutLane> lanes(static_cast<size_t>(std::max(1, pool.num_threads())));
  for (CutLane& lane : lanes) {
    lane.pieces.assign(scores.size(), 0);
  }
  run_lanes(pool, grid.num_chunks(), lanes, [&](CutLane& lane, size_t number) {
    const PieceGrid::Chunk& chunk = grid.chunk(number);
    const uint32_t* edge = chunk.edges.data();
    for (size_t w = chunk.first_word; w < chunk.end_word; ++w) {
      const UnigramWord& word = text.words[w];
      start(lane, word.length);
      for (int32_t i = 0; i < word.length; ++i) {
        const int count = grid.counts()[word.begin + i];
        if (count == 0 || (*edge & PieceGrid::kMaxLength) != 1) {
          try_edge(lane, i, i + 1, 0, unknown);
        }
        for (int k = 0; k < count; ++k, ++edge) {
          const auto piece = static_cast<int32_t>(*edge >> PieceGrid::kLengthBits);
          try_edge(lane, i, i + static_cast<int32_t>(*edge & PieceGrid::kMaxLength), piece, scores[piece]);
        }
      }
      for (int32_t at = word.length; at > 0; at = lane.from[at]) {
        lane.pieces[lane.piece[at]] += static_cast<uint64_t>(word.count);
        lane.num_tokens += static_cast<uint64_t>(word.count);
      }
    }
  });
  BestCuts out{std::vector<uint64_t>(scores.size()), 0};
  for (const CutLane& lane : lanes) {
    out.num_tokens += lane.num_tokens;
    for (size_t i = 0; i < scores.size(); ++i) {
      out.pieces[i] += lane.pieces[i];
    }
  }
  return out;
}

std::vector<Alternative> find_alternatives(const PieceGrid& grid, const std::vector<SeedPiece>& pieces,
                                           const std::vector<float>& scores, ThreadPool& pool) {
  constexpr size_t kTask = 4096;
  const float unknown = lowest(scores) - kUnknownPenalty;
  std::vector<Alternative> out(pieces.size());
  std::vector<CutLane> lanes(static_cast<size_t>(std::max(1, pool.num_threads())));
  run_lanes(pool, (pieces.size() + kTask - 1) / kTask, lanes, [&](CutLane& lane, size_t task) {
    for (size_t p = task * kTask; p < std::min(pieces.size(), (task + 1) * kTask); ++p) {
      const int32_t n = pieces[p].length;
      if (n == 1) {
        continue;
      }
      start(lane, n);
      int32_t next = 0;  // places before it have their edges
      const auto pass_unknown = [&](int32_t until) {
        for (; next < until; ++next) {
          try_edge(lane, next, next + 1, 0, unknown);
        }
      };
      grid.within(pieces[p].begin, n, [&](int32_t at, uint32_t piece, int32_t length) {
        if (length == n) {
          return;
        }
        pass_unknown(length == 1 ? at : at + 1);
        next = at + 1;
        try_edge(lane, at, at + length, static_cast<int32_t>(piece), scores[piece]);
      });
      pass_unknown(n);
      out[p].better = lane.best[n] > scores[p];
      for (int32_t at = n; at > 0; at = lane.from[at]) {
        out[p].pieces.push_back(lane.piece[at]);
      }
      std::reverse(out[p].pieces.begin(), out[p].pieces.end());
    }
  });
  return out;
}

}  // namespace athanor::token
