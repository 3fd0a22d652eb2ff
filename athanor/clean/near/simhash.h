// SimHash (Charikar 2002): 64 bits of which two sets of features differ in about 64 x angle / pi, and the tables that
// find all pairs within k bits (Manku, Jain, Das Sarma 2007).
//
// The tables: the 64 bits are cut into k + 2 blocks; hashes that differ in at most k bits are equal in at least two
// blocks. So every pair of blocks is a table, sorted by those blocks' bits first: C(k + 2, 2) tables (10 for k = 3, keys
// of 25 to 26 bits), none of the pairs is missed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace athanor {

// Every shingle counts once. An empty set gives 0.
uint64_t simhash(std::span<const uint64_t> shingles);

class SimHashTables {
 public:
  explicit SimHashTables(int k);  // 0..8
  size_t num_tables() const { return tables_.size(); }
  // The bits in another order, the table's key first: a bijection, so Hamming distances stay. Two hashes meet in the
  // table when they agree in the upper key_bits(table).
  uint64_t permute(uint64_t hash, size_t table) const;
  int key_bits(size_t table) const { return tables_[table].key_bits; }

 private:
  struct Block {
    int shift, bits;
  };
  struct Table {
    std::vector<Block> order;
    int key_bits;
  };
  std::vector<Table> tables_;
};

}  // namespace athanor
