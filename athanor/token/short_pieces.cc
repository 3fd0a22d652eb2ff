#include "athanor/token/short_pieces.h"

#include <algorithm>
#include <bit>

#include "athanor/token/model/byte_joins.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace athanor::token {

namespace {

constexpr size_t kFewJoined = 4;  // it is no text when bytes join less often than once in so many pieces
constexpr size_t kWords = kShortPieceBytes / 64;
constexpr int kReach = 32;        // pairs looked at on either side of a join
constexpr size_t kAhead = 8;      // ids written at a time

// Bit i of each: of the bytes i and i + 1 (ByteJoins). A word of zeros stands before and behind them.
struct PairBits {
  uint64_t touches[kWords + 2], joins[kWords + 2];

  // Bit kReach of it is bit i.
  static uint64_t around(const uint64_t* bits, size_t i) {
    const size_t at = i + 64 - kReach;
    return bits[at / 64] >> (at % 64) | bits[at / 64 + 1] << 1 << (63 - at % 64);
  }
};

// flags: by pair, ByteJoins::touch; so many words.
void pack(const uint8_t* flags, size_t words, PairBits& bits) {
  bits.touches[0] = bits.joins[0] = bits.touches[words + 1] = bits.joins[words + 1] = 0;
  for (size_t word = 0; word < words; ++word, flags += 64) {
    uint64_t touches = 0, joins = 0;
#if defined(__SSE2__)
    for (int i = 0; i < 4; ++i) {
      const __m128i some = _mm_loadu_si128(reinterpret_cast<const __m128i*>(flags + 16 * i));
      const auto bits_of = [i](__m128i bytes) {
        return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(bytes))) << (16 * i);
      };
      touches |= bits_of(_mm_slli_epi16(some, 7));
      joins |= bits_of(_mm_slli_epi16(some, 6));
    }
#else
    for (int i = 0; i < 64; ++i) {
      touches |= uint64_t{flags[i] & 1u} << i;
      joins |= uint64_t{flags[i] >> 1 & 1u} << i;
    }
#endif
    bits.touches[word + 1] = touches;
    bits.joins[word + 1] = joins;
  }
}

// The bytes around a join that merges may reach: [from, to). alone: no other pair among them joins by itself.
struct Run {
  size_t from, to;
  bool left, right, alone;  // left, right: a merge may reach beyond the two bytes
};

Run run_around(const PairBits& bits, size_t join, size_t size) {
  const uint64_t touches = PairBits::around(bits.touches, join);
  const int left = std::countl_one(static_cast<uint32_t>(touches));
  const int right = std::countr_one(static_cast<uint32_t>(touches >> kReach));
  if (left == kReach || right == kReach) {  // too far to see: by hand
    const auto touch = [&](size_t i) { return (bits.touches[i / 64 + 1] >> (i % 64) & 1) != 0; };
    Run run{join, join + 1, true, true, false};
    while (run.from > 0 && touch(run.from - 1)) {
      --run.from;
    }
    while (run.to < size && touch(run.to)) {
      ++run.to;
    }
    ++run.to;
    return run;
  }
  const uint64_t among = ((uint64_t{1} << (left + right)) - 1) << (kReach - left);
  return {join - static_cast<size_t>(left), join + static_cast<size_t>(right) + 1, left > 0, right > 1,
          (PairBits::around(bits.joins, join) & among) == uint64_t{1} << kReach};
}

// Ids of single bytes [begin, end), which may be followed by kAhead more that mean nothing.
void put_bytes(const ByteJoins& joins, const char* begin, const char* end, int32_t* out) {
  for (; begin < end; begin += kAhead, out += kAhead) {
    for (size_t i = 0; i < kAhead; ++i) {
      out[i] = joins.id(begin[i]);
    }
  }
}

}  // namespace

bool encode_short_pieces(const TokenModel& model, std::string_view text, size_t origin, const size_t* ends, size_t count,
                         Workspace& work, std::vector<int32_t>& scratch, std::vector<int32_t>& ids) {
  const ByteJoins& joins = *model.byte_joins();
  char bytes[kShortPieceBytes + kAhead];
  uint8_t flags[kShortPieceBytes];
  const size_t size = text.size(), words = (size + 63) / 64;
  text.copy(bytes, size);
  std::fill_n(bytes + size, kAhead, '\0');
  for (size_t i = 0; i + 1 < size; ++i) {
    flags[i] = joins.touch(bytes + i);
  }
  std::fill(flags + size - 1, flags + 64 * words, uint8_t{0});
  for (size_t i = 0; i < count; ++i) {
    flags[ends[i] - origin - 1] = 0;
  }
  PairBits bits;
  pack(flags, words, bits);
  size_t num_joins = 0;
  for (size_t word = 1; word <= words; ++word) {
    num_joins += static_cast<size_t>(std::popcount(bits.joins[word]));
  }
  if (num_joins > count / kFewJoined) {
    return false;
  }
  size_t used = ids.size(), done = 0;
  ids.resize(used + size + kAhead);  // there are no more ids than bytes
  int32_t* const out = ids.data();
  const auto put_until = [&](size_t end) {
    put_bytes(joins, bytes + done, bytes + end, out + used);
    used += end - done;
    done = end;
  };
  for (size_t word = 0; word < words; ++word) {
    for (uint64_t left = bits.joins[word + 1]; left != 0; left &= left - 1) {
      const size_t at = 64 * word + static_cast<size_t>(std::countr_zero(left));
      if (at < done) {
        continue;
      }
      const Run run = run_around(bits, at, size);
      const int32_t joined = joins.pair(bytes + at).result;
      if (run.alone &&
          !(run.left && joins.table->find(joins.id(bytes[at - 1]), joined) != MergeTable::kNone) &&
          !(run.right && joins.table->find(joined, joins.id(bytes[at + 2])) != MergeTable::kNone)) {
        put_until(at);
        out[used++] = joined;
        done = at + 2;
        continue;
      }
      put_until(run.from);
      scratch.clear();
      model.encode(text.substr(run.from, run.to - run.from), work, scratch);
      for (const int32_t id : scratch) {  // few, and just written: not by wide words, which would wait for them
        out[used++] = id;
      }
      done = run.to;
    }
  }
  put_until(size);
  ids.resize(used);
  return true;
}

}  // namespace athanor::token
