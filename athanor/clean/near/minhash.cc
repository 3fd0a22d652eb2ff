#include "athanor/clean/near/minhash.h"

#include <xxhash.h>

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define ATHANOR_X86 1
#endif

namespace athanor {

namespace {

constexpr uint64_t kP = MinHash::kPrime;
constexpr size_t kLanes = 16;  // hashes that a kernel keeps in registers while it goes over the shingles

// One kernel: mins[0..16) = min(mins, (a x + b) mod p) over the shingles x < p.
using Kernel = void (*)(const uint64_t* x, size_t count, const uint64_t* a, const uint64_t* b, uint64_t* mins);

// a x + b < 2^122 + 2^61; 2^61 = 1 (mod p), so the high part is added to the low one.
void scalar_kernel(const uint64_t* x, size_t count, const uint64_t* a, const uint64_t* b, uint64_t* mins) {
  __extension__ typedef unsigned __int128 Wide;
  for (size_t j = 0; j < kLanes; ++j) {
    uint64_t least = mins[j];
    for (size_t i = 0; i < count; ++i) {
      const Wide product = static_cast<Wide>(a[j]) * x[i] + b[j];
      uint64_t r = (static_cast<uint64_t>(product) & kP) + static_cast<uint64_t>(product >> 61);
      r = (r & kP) + (r >> 61);
      r = r >= kP ? r - kP : r;
      least = std::min(least, r);
    }
    mins[j] = least;
  }
}

#if ATHANOR_X86
// GCC 12's AVX-512 intrinsics pass an undefined register on purpose and warn of it (GCC bug 105593).
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
// With a = a1 2^32 + a0 and x = x1 2^32 + x0 (a1, x1 < 2^29):
//   a x = a1 x1 2^64 + (a1 x0 + a0 x1) 2^32 + a0 x0 = 8 a1 x1 + m >> 29 + (m mod 2^29) 2^32 + a0 x0   (mod p)
// where m = a1 x0 + a0 x1 < 2^62. Folding a0 x0 < 2^64 once leaves a sum below 2^63 + 2^61.
__attribute__((target("avx512f"))) void avx512_kernel(const uint64_t* x, size_t count, const uint64_t* a,
                                                      const uint64_t* b, uint64_t* mins) {
  const __m512i p = _mm512_set1_epi64(static_cast<int64_t>(kP));
  const __m512i low29 = _mm512_set1_epi64((1 << 29) - 1);
  __m512i a0[2], a1[2], a8[2], add[2], least[2];
  for (int k = 0; k < 2; ++k) {
    a0[k] = _mm512_loadu_si512(a + 8 * k);
    a1[k] = _mm512_srli_epi64(a0[k], 32);
    a8[k] = _mm512_slli_epi64(a1[k], 3);
    add[k] = _mm512_loadu_si512(b + 8 * k);
    least[k] = _mm512_loadu_si512(mins + 8 * k);
  }
  for (size_t i = 0; i < count; ++i) {
    const __m512i x0 = _mm512_set1_epi64(static_cast<int64_t>(x[i]));
    const __m512i x1 = _mm512_srli_epi64(x0, 32);
    for (int k = 0; k < 2; ++k) {
      const __m512i low = _mm512_mul_epu32(a0[k], x0);
      const __m512i mid = _mm512_add_epi64(_mm512_mul_epu32(a1[k], x0), _mm512_mul_epu32(a0[k], x1));
      __m512i r = _mm512_add_epi64(_mm512_mul_epu32(a8[k], x1), add[k]);
      r = _mm512_add_epi64(r, _mm512_add_epi64(_mm512_and_si512(low, p), _mm512_srli_epi64(low, 61)));
      r = _mm512_add_epi64(r, _mm512_srli_epi64(mid, 29));
      r = _mm512_add_epi64(r, _mm512_slli_epi64(_mm512_and_si512(mid, low29), 32));
      r = _mm512_add_epi64(_mm512_and_si512(r, p), _mm512_srli_epi64(r, 61));
      r = _mm512_min_epu64(r, _mm512_sub_epi64(r, p));  // r - p wraps to a huge number where r < p
      least[k] = _mm512_min_epu64(least[k], r);
    }
  }
  for (int k = 0; k < 2; ++k) {
    _mm512_storeu_si512(mins + 8 * k, least[k]);
  }
}

#pragma GCC diagnostic pop

__attribute__((target("avx2"))) void avx2_kernel(const uint64_t* x, size_t count, const uint64_t* a,
                                                 const uint64_t* b, uint64_t* mins) {
  const __m256i p = _mm256_set1_epi64x(static_cast<int64_t>(kP));
  const __m256i below_p = _mm256_set1_epi64x(static_cast<int64_t>(kP - 1));
  const __m256i low29 = _mm256_set1_epi64x((1 << 29) - 1);
  for (size_t k = 0; k < kLanes; k += 4) {
    const __m256i a0 = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + k));
    const __m256i a1 = _mm256_srli_epi64(a0, 32);
    const __m256i a8 = _mm256_slli_epi64(a1, 3);
    const __m256i add = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(b + k));
    __m256i least = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(mins + k));
    for (size_t i = 0; i < count; ++i) {
      const __m256i x0 = _mm256_set1_epi64x(static_cast<int64_t>(x[i]));
      const __m256i x1 = _mm256_srli_epi64(x0, 32);
      const __m256i low = _mm256_mul_epu32(a0, x0);
      const __m256i mid = _mm256_add_epi64(_mm256_mul_epu32(a1, x0), _mm256_mul_epu32(a0, x1));
      __m256i r = _mm256_add_epi64(_mm256_mul_epu32(a8, x1), add);
      r = _mm256_add_epi64(r, _mm256_add_epi64(_mm256_and_si256(low, p), _mm256_srli_epi64(low, 61)));
      r = _mm256_add_epi64(r, _mm256_srli_epi64(mid, 29));
      r = _mm256_add_epi64(r, _mm256_slli_epi64(_mm256_and_si256(mid, low29), 32));
      r = _mm256_add_epi64(_mm256_and_si256(r, p), _mm256_srli_epi64(r, 61));
      // All values are below 2^62 here, so the signed comparison is the unsigned one.
      r = _mm256_sub_epi64(r, _mm256_and_si256(p, _mm256_cmpgt_epi64(r, below_p)));
      least = _mm256_blendv_epi8(least, r, _mm256_cmpgt_epi64(least, r));
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(mins + k), least);
  }
}
#endif

Kernel kernel_of(SimdLevel level) {
#if ATHANOR_X86
  switch (level) {
    case SimdLevel::kAvx512:
      return avx512_kernel;
    case SimdLevel::kAvx2:
      return avx2_kernel;
    case SimdLevel::kScalar:
      break;
  }
#else
  (void)level;
#endif
  return scalar_kernel;
}

}  // namespace

SimdLevel best_simd_level() {
#if ATHANOR_X86
  if (__builtin_cpu_supports("avx512f")) {
    return SimdLevel::kAvx512;
  }
  if (__builtin_cpu_supports("avx2")) {
    return SimdLevel::kAvx2;
  }
#endif
  return SimdLevel::kScalar;
}

MinHash::MinHash(int64_t bands, int64_t rows, uint64_t seed, SimdLevel level, int64_t sets)
    : num_bands_(static_cast<size_t>(bands)),
      num_rows_(static_cast<size_t>(rows)),
      num_sets_(static_cast<size_t>(sets)),
      level_(level) {
  if (sets < 1 || sets > 16) {
    throw Error(ErrorKind::kUsage, "band_sets is " + std::to_string(sets) + ", it must be from 1 to 16", "dedup",
                "1 is as published, 2 finds more");
  }
  if (bands < 1 || rows < 1 || bands > 4096 || rows > 4096 || bands * rows > 4096) {
    throw Error(ErrorKind::kUsage,
                "bands is " + std::to_string(bands) + " and rows " + std::to_string(rows) +
                    ", both must be at least 1 and their product at most 4096",
                "dedup", "the usual choice is bands: 14, rows: 8");
  }
  const size_t padded = (num_hashes() + kLanes - 1) / kLanes * kLanes;
  for (size_t j = 0; j < padded; ++j) {
    a_.push_back(1 + random_at(seed, j, 0) % (kPrime - 1));
    b_.push_back(random_at(seed, j, 1) % kPrime);
  }
}

void MinHash::sign(const uint64_t* shingles, size_t count, uint64_t* signature) const {
  // Shingles are reduced a block at a time: the block stays in the first-level cache for all the kernels.
  constexpr size_t kBlock = 1024;
  uint64_t block[kBlock];
  std::vector<uint64_t> mins(a_.size(), kPrime);
  const Kernel kernel = kernel_of(level_);
  for (size_t done = 0; done < count; done += kBlock) {
    const size_t size = std::min(kBlock, count - done);
    for (size_t i = 0; i < size; ++i) {
      const uint64_t x = shingles[done + i];
      const uint64_t r = (x & kPrime) + (x >> 61);
      block[i] = r >= kPrime ? r - kPrime : r;
    }
    for (size_t j = 0; j < a_.size(); j += kLanes) {
      kernel(block, size, &a_[j], &b_[j], &mins[j]);
    }
  }
  std::copy_n(mins.begin(), num_hashes(), signature);
}

void MinHash::band_keys(const uint64_t* signature, uint64_t* keys) const {
  for (size_t band = 0; band < num_bands_; ++band) {
    keys[band] = XXH3_64bits(signature + band * num_rows_, num_rows_ * sizeof(uint64_t));
  }
  std::vector<uint64_t> rows(num_rows_);
  for (size_t key = num_bands_; key < num_keys(); ++key) {
    const size_t set = key / num_bands_;
    const size_t band = key % num_bands_;
    for (size_t row = 0; row < num_rows_; ++row) {
      rows[row] = signature[(band + set * row) % num_bands_ * num_rows_ + row];
    }
    keys[key] = XXH3_64bits(rows.data(), num_rows_ * sizeof(uint64_t));
  }
}

}  // namespace athanor
