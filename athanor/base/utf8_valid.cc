// UTF-8 validation: the lookup method of Keiser and Lemire ("Validating UTF-8 In Less Than One Instruction Per Byte",
// 2021) with AVX2, chosen at run time; elsewhere character by character.
#include <cstdint>
#include <cstring>

#include "athanor/base/unicode.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace athanor {

#if defined(__x86_64__)

namespace {

// Errors that two bytes in a row can show; a pair is wrong when the three tables agree on one of them.
constexpr uint8_t kTooShort = 1;        // a lead byte without its continuation
constexpr uint8_t kTooLong = 2;         // a continuation after ASCII
constexpr uint8_t kOverlong3 = 4;
constexpr uint8_t kTooLarge = 8;        // above U+10FFFF
constexpr uint8_t kSurrogate = 16;
constexpr uint8_t kOverlong2 = 32;
constexpr uint8_t kTooLarge1000 = 64;
constexpr uint8_t kOverlong4 = 64;
constexpr uint8_t kTwoConts = 128;      // right only as third or fourth byte
constexpr uint8_t kCarry = kTooShort | kTooLong | kTwoConts;

#define ATHANOR_AVX2 __attribute__((target("avx2")))

ATHANOR_AVX2 inline __m256i table(const uint8_t (&values)[16]) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(values)));
}

// The bytes n places before each of `now`.
template <int n>
ATHANOR_AVX2 inline __m256i before(__m256i now, __m256i last) {
  return _mm256_alignr_epi8(now, _mm256_permute2x128_si256(last, now, 0x21), 16 - n);
}

ATHANOR_AVX2 inline __m256i high_nibble(__m256i bytes) {
  return _mm256_and_si256(_mm256_srli_epi16(bytes, 4), _mm256_set1_epi8(15));
}

struct State {
  __m256i last;        // the block before
  __m256i incomplete;  // not zero: it ended within a character
  __m256i error;
};

ATHANOR_AVX2 inline void check_block(__m256i now, State& state) {
  if (_mm256_movemask_epi8(now) == 0) {  // ASCII
    state.error = _mm256_or_si256(state.error, state.incomplete);
    state.incomplete = _mm256_setzero_si256();
    state.last = now;
    return;
  }
  static constexpr uint8_t kFirstHigh[16] = {
      kTooLong,  kTooLong,  kTooLong,  kTooLong,  kTooLong,  kTooLong, kTooLong, kTooLong,
      kTwoConts, kTwoConts, kTwoConts, kTwoConts, kTooShort | kOverlong2, kTooShort,
      kTooShort | kOverlong3 | kSurrogate, kTooShort | kTooLarge | kTooLarge1000 | kOverlong4};
  static constexpr uint8_t kFirstLow[16] = {
      kCarry | kOverlong3 | kOverlong2 | kOverlong4,
      kCarry | kOverlong2,
      kCarry,
      kCarry,
      kCarry | kTooLarge,
      kCarry | kTooLarge | kTooLarge1000, kCarry | kTooLarge | kTooLarge1000, kCarry | kTooLarge | kTooLarge1000,
      kCarry | kTooLarge | kTooLarge1000, kCarry | kTooLarge | kTooLarge1000, kCarry | kTooLarge | kTooLarge1000,
      kCarry | kTooLarge | kTooLarge1000, kCarry | kTooLarge | kTooLarge1000,
      kCarry | kTooLarge | kTooLarge1000 | kSurrogate,
      kCarry | kTooLarge | kTooLarge1000, kCarry | kTooLarge | kTooLarge1000};
  static constexpr uint8_t kSecondHigh[16] = {
      kTooShort, kTooShort, kTooShort, kTooShort, kTooShort, kTooShort, kTooShort, kTooShort,
      kTooLong | kOverlong2 | kTwoConts | kOverlong3 | kTooLarge1000 | kOverlong4,
      kTooLong | kOverlong2 | kTwoConts | kOverlong3 | kTooLarge,
      kTooLong | kOverlong2 | kTwoConts | kSurrogate | kTooLarge,
      kTooLong | kOverlong2 | kTwoConts | kSurrogate | kTooLarge,
      kTooShort, kTooShort, kTooShort, kTooShort};
  const __m256i before1 = before<1>(now, state.last);
  const __m256i special = _mm256_and_si256(
      _mm256_and_si256(_mm256_shuffle_epi8(table(kFirstHigh), high_nibble(before1)),
                       _mm256_shuffle_epi8(table(kFirstLow), _mm256_and_si256(before1, _mm256_set1_epi8(15)))),
      _mm256_shuffle_epi8(table(kSecondHigh), high_nibble(now)));
  // A third byte must be a continuation two after E0..FF, a fourth three after F0..FF.
  const __m256i third = _mm256_subs_epu8(before<2>(now, state.last), _mm256_set1_epi8(static_cast<char>(0xe0 - 0x80)));
  const __m256i fourth = _mm256_subs_epu8(before<3>(now, state.last), _mm256_set1_epi8(static_cast<char>(0xf0 - 0x80)));
  const __m256i must = _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8(static_cast<char>(0x80)));
  state.error = _mm256_or_si256(state.error, _mm256_xor_si256(must, special));
  alignas(32) static constexpr uint8_t kLast[32] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                                    255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                                    255, 255, 255, 255, 255, 255, 255, 0xf0 - 1, 0xe0 - 1, 0xc0 - 1};
  state.incomplete = _mm256_subs_epu8(now, _mm256_load_si256(reinterpret_cast<const __m256i*>(kLast)));
  state.last = now;
}

ATHANOR_AVX2 bool is_valid_avx2(std::string_view text) {
  State state{_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256()};
  size_t at = 0;
  for (; at + 32 <= text.size(); at += 32) {
    check_block(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(text.data() + at)), state);
  }
  if (at < text.size()) {
    alignas(32) char rest[32] = {};  // zeros are ASCII, so that what is cut short shows
    std::memcpy(rest, text.data() + at, text.size() - at);
    check_block(_mm256_load_si256(reinterpret_cast<const __m256i*>(rest)), state);
  }
  const __m256i error = _mm256_or_si256(state.error, state.incomplete);
  return _mm256_testz_si256(error, error) != 0;
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  static const bool avx2 = __builtin_cpu_supports("avx2");
  return avx2 ? is_valid_avx2(text) : find_invalid_utf8(text) == std::string_view::npos;
}

#else

bool is_valid_utf8(std::string_view text) { return find_invalid_utf8(text) == std::string_view::npos; }

#endif

}  // namespace athanor
