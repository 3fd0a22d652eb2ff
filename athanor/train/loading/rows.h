// One token set as rows of T inputs and T targets: two ways to cut it. Which tokens sample g holds is a pure function of
// (options, g). Samples go on without end: sample g belongs to epoch g / num_rows().
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "athanor/data/tokens/token_set.h"

namespace athanor {

struct LoaderOptions {
  int64_t sequence_length = 256;
  int64_t seed = 1;
  std::string sampling = "shuffled";  // shuffled: each row once an epoch, in a drawn order | ordered: as the set stands
                                      // | random: windows at uniform places
  std::string packing = "windows";    // windows | best_fit
  bool document_mask = true;          // fill Batch::document_BT
};

// Where a row is written: T elements each.
struct RowPlace {
  int64_t* inputs;
  int64_t* targets;    // -1: does not count
  int32_t* documents;  // 0, 1, 2, ...: see Batch::document_BT
};

class Rows {
 public:
  virtual ~Rows() = default;
  virtual uint64_t num_rows() const = 0;  // an epoch
  virtual void fill(uint64_t sample, const RowPlace& place) const = 0;
  // Calls see(document's index in the set) for each document that the sample touches, in order.
  virtual void documents(uint64_t sample, const std::function<void(uint64_t)>& see) const = 0;
  // The share of an epoch's places that hold no target.
  virtual double padding() const { return 0; }
};

// Windows: epoch e cuts the set, read as a ring, into num_tokens / T windows (and a target one token further), beginning
// at an offset in [0, T) drawn from (seed, e), and visits them in the order permute(i, n, random_at(seed, e)). ordered:
// offset 0, in order. random: every window begins at a uniform place, drawn from (seed, g), as nanoGPT draws them.
// Error(kInput) when the set is shorter than one window and its target. tokens must outlive the rows.
class WindowRows : public Rows {
 public:
  WindowRows(const TokenSet& tokens, const LoaderOptions& options);
  uint64_t num_rows() const override { return num_rows_; }
  void fill(uint64_t sample, const RowPlace& place) const override;
  void documents(uint64_t sample, const std::function<void(uint64_t)>& see) const override;
  uint64_t window_begin(uint64_t sample) const;  // where its first input token stands in the set

 private:
  const TokenSet& tokens_;
  LoaderOptions options_;
  uint64_t num_tokens_;
  uint64_t num_rows_;
};

std::unique_ptr<Rows> make_rows(const TokenSet& tokens, const LoaderOptions& options);

}  // namespace athanor
