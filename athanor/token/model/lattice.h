// All ways to write a piece with tokens, to draw one of them (subword regularisation, Kudo 2018).
//
//   Lattice lattice(3);
//   lattice.add(0, 1, a, -1.5);  // for each place from left to right
//   lattice.sample(0.2, rng);    // forward filtering, backward sampling, as SentencePiece's SampleEncode
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/base/rng.h"

namespace athanor::token {

class Lattice {
 public:
  struct Step {
    uint32_t begin, end;  // bytes of the piece
    int32_t id;
  };

  explicit Lattice(size_t piece_bytes) : ends_(piece_bytes + 1) {}
  void add(size_t begin, size_t end, int32_t id, double score);

  // One path, with probability proportional to exp(alpha x the sum of its scores). alpha 0: all paths alike.
  std::vector<Step> sample(double alpha, Rng& rng) const;
  // One of the n best paths, with the same weights.
  std::vector<Step> sample_best(int n, double alpha, Rng& rng) const;
  // The n best paths, best first, with the sums of their scores.
  struct Path {
    std::vector<Step> steps;
    double score;
  };
  std::vector<Path> best(int n) const;

 private:
  struct Node {
    uint32_t begin, end;
    int32_t id;
    double score;
  };
  std::vector<Node> nodes_;                     // by begin
  std::vector<std::vector<uint32_t>> ends_;     // nodes by end
};

}  // namespace athanor::token
