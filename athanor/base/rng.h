// Random numbers that are a pure function of their key, so that order never depends on state that must be saved.
#pragma once

#include <cstdint>

namespace athanor {

// SplitMix64's output function (Steele, Lea, Flood 2014): a good 64-bit mixer.
constexpr uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// The number at a place: mixes seed and up to three coordinates, for example (seed, epoch, index).
constexpr uint64_t random_at(uint64_t seed, uint64_t a, uint64_t b = 0, uint64_t c = 0) {
  return mix64(mix64(mix64(mix64(seed) ^ a) ^ b) ^ c);
}

// In [0, 1), 53 bits.
constexpr double to_unit(uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

// A bijection of [0, size): where index goes under the permutation that key names. Cycle-walking over a
// 4-round Feistel network, so a shuffled order needs no table. size >= 1, index < size.
uint64_t permute(uint64_t index, uint64_t size, uint64_t key);

// A small sequential generator (SplitMix64) for sampling; its whole state is one number.
class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}
  uint64_t next() {
    const uint64_t value = mix64(state_);
    state_ += 0x9e3779b97f4a7c15ULL;
    return value;
  }
  double uniform() { return to_unit(next()); }
  double normal();  // mean 0, variance 1: Box and Muller 1958, one of the pair
  uint64_t below(uint64_t bound);  // in [0, bound), unbiased; bound >= 1
  uint64_t state() const { return state_; }

 private:
  uint64_t state_;
};

}  // namespace athanor
