// MinHash signatures (Broder 1997) and their bands for locality-sensitive hashing, with the field's numbers: 14 bands
// of 8 rows, h_j(x) = (a_j x + b_j) mod (2^61 - 1). Two sets of Jaccard s share at least one band with the chance
// 1 - (1 - s^8)^14: 0.92 at 0.8, 0.06 at 0.5; half at 0.72.
//
// sets > 1 cuts the same hashes into bands again, in other orders: row j of band b of set s is hash j of band
// (b + s j) mod bands, so that two bands of different sets share at most a hash or two (for bands >= rows). It costs
// no hashing, and finds most of what one set misses (measured in athanor/clean/README.md).
//
// a_j in [1, 2^61 - 1), b_j in [0, 2^61 - 1) come from random_at(seed, ...), not from NumPy's generator, so signatures
// are not comparable with datatrove's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace athanor {

enum class SimdLevel { kScalar, kAvx2, kAvx512 };
// The widest that this processor has; every level gives the same bits.
SimdLevel best_simd_level();

class MinHash {
 public:
  // bands * rows <= 4096, both >= 1; throws Error(kUsage) else. level must not be above best_simd_level().
  // 1 <= sets <= 16.
  MinHash(int64_t bands, int64_t rows, uint64_t seed, SimdLevel level = best_simd_level(), int64_t sets = 1);

  size_t num_bands() const { return num_bands_; }
  size_t num_keys() const { return num_bands_ * num_sets_; }
  size_t num_hashes() const { return num_bands_ * num_rows_; }

  // signature[j] = min over the shingles of h_j, num_hashes() values. An empty set gives 2^61 - 1 everywhere.
  void sign(const uint64_t* shingles, size_t count, uint64_t* signature) const;
  // keys[set * num_bands() + band]: 64-bit XXH3 of the band's rows; equal rows, equal key. num_keys() values.
  void band_keys(const uint64_t* signature, uint64_t* keys) const;

  static constexpr uint64_t kPrime = (uint64_t{1} << 61) - 1;

 private:
  size_t num_bands_, num_rows_, num_sets_;
  SimdLevel level_;
  // Padded to a multiple of kLanes.
  std::vector<uint64_t> a_, b_;
};

}  // namespace athanor
