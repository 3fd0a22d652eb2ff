// SimHash tables miss no pair within their distance.
#include <gtest/gtest.h>

#include <bit>

#include "athanor/base/rng.h"
#include "athanor/clean/near/simhash.h"

namespace athanor {
namespace {

TEST(SimHash, MajorityOfBits) {
  EXPECT_EQ(simhash({}), 0u);
  const std::vector<uint64_t> one{0xF0F0};
  EXPECT_EQ(simhash(one), 0xF0F0u);
  const std::vector<uint64_t> three{0b0111, 0b0011, 0b1001};
  EXPECT_EQ(simhash(three), 0b0011u);
}

TEST(SimHash, EveryPairWithinKMeetsInATable) {
  for (const int k : {0, 1, 3, 8}) {
    const SimHashTables tables(k);
    EXPECT_EQ(tables.num_tables(), static_cast<size_t>((k + 2) * (k + 1) / 2));
    for (uint64_t trial = 0; trial < 2000; ++trial) {
      const uint64_t a = random_at(1, trial);
      uint64_t b = a;
      for (int bit = 0; bit < k; ++bit) {
        b ^= uint64_t{1} << random_at(2, trial, static_cast<uint64_t>(bit)) % 64;
      }
      bool met = false;
      for (size_t table = 0; table < tables.num_tables(); ++table) {
        const uint64_t x = tables.permute(a, table);
        const uint64_t y = tables.permute(b, table);
        ASSERT_EQ(std::popcount(x ^ y), std::popcount(a ^ b));  // a bijection of bits
        met = met || x >> (64 - tables.key_bits(table)) == y >> (64 - tables.key_bits(table));
      }
      EXPECT_TRUE(met);
    }
  }
}

}  // namespace
}  // namespace athanor
