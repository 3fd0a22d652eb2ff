#include "athanor/token/split/window_scan.h"

#include <memory>
#include <type_traits>
#include <vector>

#include "athanor/token/split/read_utf8.h"
#include "athanor/token/split/window.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace athanor::token {

namespace {

constexpr int kWindow = 64;
constexpr int kByHand = 4;
constexpr char32_t kTableSize = 0x10000;

struct HighBytes {
  uint64_t continuation;  // 80 to BF
  uint64_t han;           // E5 to E8: with two continuations an ideograph, U+5000 to U+8FFF
  uint64_t lead, lead_of_three, lead_of_four;  // C2 to F4; of three bytes or more, E0 to F4; of four, F0 to F4
};

// The classes of the basic plane, a byte each.
template <class Family>
const High* high_table() {
  static const std::unique_ptr<High[]> table = [] {
    auto classes = std::make_unique<High[]>(kTableSize);
    for (char32_t code = 0; code < kTableSize; ++code) {
      classes[code] = Family::high(code);
    }
    return classes;
  }();
  return table.get();
}

namespace plain {
#define ATHANOR_TARGET
HighBytes read_window(const char* p, Window& w) {
  HighBytes bytes{};
  for (int i = 0; i < kWindow; ++i) {
    const uint8_t byte = static_cast<uint8_t>(p[i]);
    const uint64_t bit = uint64_t{1} << i;
    if (byte >= 0x80) {
      w.high |= bit;
      bytes.continuation |= byte < 0xC0 ? bit : 0;
      bytes.han |= byte >= 0xE5 && byte <= 0xE8 ? bit : 0;
      bytes.lead |= byte >= 0xC2 && byte <= 0xF4 ? bit : 0;
      bytes.lead_of_three |= byte >= 0xE0 && byte <= 0xF4 ? bit : 0;
      bytes.lead_of_four |= byte >= 0xF0 && byte <= 0xF4 ? bit : 0;
      continue;
    }
    const Class kind = kAscii.of[byte];
    w.letter |= kind == Class::kLetter ? bit : 0;
    w.number |= kind == Class::kNumber ? bit : 0;
    w.white |= kind == Class::kSpace ? bit : 0;
    w.space |= byte == ' ' ? bit : 0;
    w.newline |= is_newline(p[i]) ? bit : 0;
    w.quote |= byte == '\'' ? bit : 0;
    w.control |= (byte < ' ' && kind != Class::kSpace) || byte == 0x7F ? bit : 0;
  }
  return bytes;
}
#include "athanor/token/split/window_scan.inc"
#undef ATHANOR_TARGET
}  // namespace plain

#if defined(__x86_64__)
namespace avx2 {
#define ATHANOR_TARGET __attribute__((target("avx2,bmi,bmi2,lzcnt,popcnt")))
// Bit i: lowest <= byte i - shift < lowest + count, as unsigned bytes.
ATHANOR_TARGET inline uint64_t among(const __m256i v[2], uint8_t lowest, uint8_t count) {
  uint64_t mask = 0;
  for (int i = 0; i < 2; ++i) {
    const __m256i moved = _mm256_sub_epi8(v[i], _mm256_set1_epi8(static_cast<char>(lowest)));
    const __m256i inside =
        _mm256_cmpeq_epi8(_mm256_min_epu8(moved, _mm256_set1_epi8(static_cast<char>(count - 1))), moved);
    mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(inside))) << (32 * i);
  }
  return mask;
}
ATHANOR_TARGET inline uint64_t equal(const __m256i v[2], char byte) {
  const __m256i wanted = _mm256_set1_epi8(byte);
  const uint32_t low = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(v[0], wanted)));
  const uint32_t high = static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_cmpeq_epi8(v[1], wanted)));
  return low | static_cast<uint64_t>(high) << 32;
}
ATHANOR_TARGET inline HighBytes read_window(const char* p, Window& w) {
  const __m256i v[2] = {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
                        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32))};
  const __m256i case_bit = _mm256_set1_epi8(0x20);
  const __m256i lower[2] = {_mm256_or_si256(v[0], case_bit), _mm256_or_si256(v[1], case_bit)};
  w.letter = among(lower, 'a', 26);
  w.number = among(v, '0', 10);
  w.space = equal(v, ' ');
  w.white = w.space | among(v, '\t', 5);
  w.newline = equal(v, '\n') | equal(v, '\r');
  w.quote = equal(v, '\'');
  w.control = (among(v, 0, 0x20) & ~w.white) | equal(v, 0x7F);
  w.high = static_cast<uint32_t>(_mm256_movemask_epi8(v[0])) |
           static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(v[1]))) << 32;
  return w.high == 0 ? HighBytes{} : HighBytes{among(v, 0x80, 0x40), among(v, 0xE5, 4), among(v, 0xC2, 0x33),
                                               among(v, 0xE0, 0x15), among(v, 0xF0, 5)};
}
#include "athanor/token/split/window_scan.inc"
#undef ATHANOR_TARGET
}  // namespace avx2

namespace avx512 {
#define ATHANOR_TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx2,bmi,bmi2,lzcnt,popcnt")))
ATHANOR_TARGET inline uint64_t among(__m512i v, uint8_t lowest, uint8_t count) {
  return _mm512_cmplt_epu8_mask(_mm512_sub_epi8(v, _mm512_set1_epi8(static_cast<char>(lowest))),
                                _mm512_set1_epi8(static_cast<char>(count)));
}
ATHANOR_TARGET inline uint64_t equal(__m512i v, char byte) { return _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(byte)); }
ATHANOR_TARGET inline HighBytes read_window(const char* p, Window& w) {
  const __m512i v = _mm512_loadu_si512(p);
  w.letter = among(_mm512_or_si512(v, _mm512_set1_epi8(0x20)), 'a', 26);
  w.number = among(v, '0', 10);
  w.space = equal(v, ' ');
  w.white = w.space | among(v, '\t', 5);
  w.newline = equal(v, '\n') | equal(v, '\r');
  w.quote = equal(v, '\'');
  w.control = (among(v, 0, 0x20) & ~w.white) | equal(v, 0x7F);
  w.high = _mm512_movepi8_mask(v);
  return w.high == 0 ? HighBytes{} : HighBytes{among(v, 0x80, 0x40), among(v, 0xE5, 4), among(v, 0xC2, 0x33),
                                               among(v, 0xE0, 0x15), among(v, 0xF0, 5)};
}
#include "athanor/token/split/window_scan.inc"
#undef ATHANOR_TARGET
}  // namespace avx512
#endif

#define ATHANOR_SCAN_PATH(set)                                                                                       \
  {                                                                                                                  \
    #set, {                                                                                                          \
      &set::scan_windows<Gpt2Cuts>, &set::scan_windows<Llama3Cuts<3>>, &set::scan_windows<Llama3Cuts<1>>,            \
          &set::scan_windows<DeepSeekCuts>                                                                           \
    }                                                                                                                \
  }

std::vector<ScanPath> find_paths() {
  std::vector<ScanPath> paths;
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("bmi2")) {
    paths.push_back(ATHANOR_SCAN_PATH(avx512));
  }
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2")) {
    paths.push_back(ATHANOR_SCAN_PATH(avx2));
  }
#endif
  paths.push_back(ATHANOR_SCAN_PATH(plain));
  return paths;
}
#undef ATHANOR_SCAN_PATH

const std::vector<ScanPath>& paths() {
  static const std::vector<ScanPath> all = find_paths();
  return all;
}

}  // namespace

std::span<const ScanPath> scan_paths() { return paths(); }

size_t scan_gpt2(std::string_view text, size_t begin, size_t* ends, size_t max) {
  return paths().front().scans[0](text, begin, ends, max);
}
size_t scan_llama3(std::string_view text, size_t begin, size_t* ends, size_t max) {
  return paths().front().scans[1](text, begin, ends, max);
}
size_t scan_qwen2(std::string_view text, size_t begin, size_t* ends, size_t max) {
  return paths().front().scans[2](text, begin, ends, max);
}
size_t scan_deepseek(std::string_view text, size_t begin, size_t* ends, size_t max) {
  return paths().front().scans[3](text, begin, ends, max);
}

}  // namespace athanor::token
