#include "athanor/base/sha256_lanes.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "athanor/base/hash.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace athanor {
namespace {

std::vector<std::string> one_by_one(std::span<const TextPieces> texts) {
  std::vector<std::string> digests;
  for (const TextPieces& pieces : texts) {
    Sha256 hash;
    for (const std::string_view piece : pieces) {
      hash.update(piece);
    }
    digests.push_back(hash.hex());
  }
  return digests;
}

#if defined(__x86_64__)

// CPUID leaf 7: EBX bit 29 is SHA; leaf 1: ECX bits 9 and 19 are SSSE3 and SSE4.1. gcc 12's __builtin_cpu_supports has no "sha".
bool has_sha_instructions() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & (1U << 9)) == 0 || (c & (1U << 19)) == 0) {
    return false;
  }
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b & (1U << 29)) != 0;
}

constexpr size_t kBlockBytes = 64;

// FIPS 180-4, 4.2.2: the first 32 bits of the fractional parts of the cube roots of the first 64 primes.
alignas(16) constexpr uint32_t kRoundConstants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be,
    0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa,
    0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85,
    0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
    0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f,
    0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

// One text on its way through: its chaining value in the order that the instructions want, and what is left of it.
struct Lane {
  alignas(16) std::array<uint32_t, 4> abef = {0x9b05688c, 0x510e527f, 0xbb67ae85, 0x6a09e667};  // f e b a
  alignas(16) std::array<uint32_t, 4> cdgh = {0x5be0cd19, 0x1f83d9ab, 0xa54ff53a, 0x3c6ef372};  // h g d c
  std::span<const std::string_view> pieces;
  std::string_view rest;          // of the piece in hand
  std::array<char, 2 * kBlockBytes> joined;  // a block that no piece holds whole: of two pieces, or the padding
  uint64_t bytes = 0;
  bool padded = false;
  size_t text = 0;  // its place in the caller's list
  const char* blocks = nullptr;
  size_t num_blocks = 0;

  void start(const TextPieces& all, size_t place) {
    *this = Lane();
    pieces = all;
    text = place;
  }

  // Sets blocks and num_blocks to what can be hashed next; false at the text's end.
  bool advance() {
    if (num_blocks > 0) {
      return true;
    }
    take_piece();
    if (rest.size() >= kBlockBytes) {
      blocks = rest.data();
      num_blocks = rest.size() / kBlockBytes;
      bytes += num_blocks * kBlockBytes;
      rest.remove_prefix(num_blocks * kBlockBytes);
      return true;
    }
    if (padded) {
      return false;
    }
    join();
    return true;
  }

  void take_piece() {
    while (rest.empty() && !pieces.empty()) {
      rest = pieces.front();
      pieces = pieces.subspan(1);
    }
  }

  void join() {
    size_t used = 0;
    while (used < kBlockBytes && !rest.empty()) {
      const size_t count = std::min(kBlockBytes - used, rest.size());
      std::memcpy(joined.data() + used, rest.data(), count);
      used += count;
      rest.remove_prefix(count);
      take_piece();
    }
    bytes += used;
    blocks = joined.data();
    num_blocks = 1;
    if (used == kBlockBytes) {
      return;
    }
    // The end: a one bit, zeros, the number of bits in the last eight bytes, most significant first.
    num_blocks = used + 9 <= kBlockBytes ? 1 : 2;
    const size_t end = num_blocks * kBlockBytes;
    joined[used] = static_cast<char>(0x80);
    std::fill(joined.begin() + static_cast<ptrdiff_t>(used) + 1, joined.begin() + static_cast<ptrdiff_t>(end), '\0');
    for (size_t i = 0; i < 8; ++i) {
      joined[end - 1 - i] = static_cast<char>((8 * bytes) >> (8 * i));
    }
    padded = true;
  }

  std::string hex() const {
    const uint32_t words[8] = {abef[3], abef[2], cdgh[3], cdgh[2], abef[1], abef[0], cdgh[1], cdgh[0]};
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const uint32_t word : words) {
      for (int shift = 28; shift >= 0; shift -= 4) {
        text += kDigits[(word >> shift) & 15];
      }
    }
    return text;
  }
};

// Hashes `count` blocks of each of N lanes; the lanes' instructions lie side by side.
template <int N>
__attribute__((target("sha,sse4.1"))) void hash_blocks(const std::array<Lane*, N>& lanes, size_t count) {
  const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
  __m128i abef[N];
  __m128i cdgh[N];
  const char* from[N];
  for (int n = 0; n < N; ++n) {
    abef[n] = _mm_load_si128(reinterpret_cast<const __m128i*>(lanes[n]->abef.data()));
    cdgh[n] = _mm_load_si128(reinterpret_cast<const __m128i*>(lanes[n]->cdgh.data()));
    from[n] = lanes[n]->blocks;
  }
  for (size_t block = 0; block < count; ++block) {
    __m128i before_abef[N];
    __m128i before_cdgh[N];
    __m128i words[N][4];
    for (int n = 0; n < N; ++n) {
      before_abef[n] = abef[n];
      before_cdgh[n] = cdgh[n];
      for (int i = 0; i < 4; ++i) {
        words[n][i] = _mm_shuffle_epi8(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from[n]) + i), big_endian);
      }
      from[n] += kBlockBytes;
    }
#pragma GCC unroll 16
    for (int group = 0; group < 16; ++group) {  // four rounds each
      const __m128i constants = _mm_load_si128(reinterpret_cast<const __m128i*>(kRoundConstants) + group);
#pragma GCC unroll 2
      for (int n = 0; n < N; ++n) {
        __m128i& now = words[n][group % 4];
        const __m128i sum = _mm_add_epi32(now, constants);
        cdgh[n] = _mm_sha256rnds2_epu32(cdgh[n], abef[n], sum);
        abef[n] = _mm_sha256rnds2_epu32(abef[n], cdgh[n], _mm_shuffle_epi32(sum, 0x0e));
        if (group < 12) {  // the words of four groups later, in the place of this group's
          const __m128i& last = words[n][(group + 3) % 4];
          const __m128i middle = _mm_alignr_epi8(last, words[n][(group + 2) % 4], 4);
          now = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(now, words[n][(group + 1) % 4]), middle), last);
        }
      }
    }
    for (int n = 0; n < N; ++n) {
      abef[n] = _mm_add_epi32(abef[n], before_abef[n]);
      cdgh[n] = _mm_add_epi32(cdgh[n], before_cdgh[n]);
    }
  }
  for (int n = 0; n < N; ++n) {
    _mm_store_si128(reinterpret_cast<__m128i*>(lanes[n]->abef.data()), abef[n]);
    _mm_store_si128(reinterpret_cast<__m128i*>(lanes[n]->cdgh.data()), cdgh[n]);
    lanes[n]->blocks = from[n];
    lanes[n]->num_blocks -= count;
  }
}

std::vector<std::string> side_by_side(std::span<const TextPieces> texts) {
  std::vector<std::string> digests(texts.size());
  std::array<Lane, 2> lanes;
  std::vector<Lane*> busy;
  size_t next = 0;
  for (; next < std::min(lanes.size(), texts.size()); ++next) {
    lanes[next].start(texts[next], next);
    busy.push_back(&lanes[next]);
  }
  while (!busy.empty()) {
    std::erase_if(busy, [&](Lane* lane) {
      while (!lane->advance()) {
        digests[lane->text] = lane->hex();
        if (next == texts.size()) {
          return true;
        }
        lane->start(texts[next], next);
        ++next;
      }
      return false;
    });
    if (busy.size() == 2) {
      hash_blocks<2>({busy[0], busy[1]}, std::min(busy[0]->num_blocks, busy[1]->num_blocks));
    } else if (busy.size() == 1) {
      hash_blocks<1>({busy[0]}, busy[0]->num_blocks);
    }
  }
  return digests;
}

#endif  // defined(__x86_64__)

}  // namespace

std::vector<std::string> sha256_many(std::span<const TextPieces> texts) {
#if defined(__x86_64__)
  if (has_sha_instructions()) {
    return side_by_side(texts);
  }
#endif
  return one_by_one(texts);
}

}  // namespace athanor
